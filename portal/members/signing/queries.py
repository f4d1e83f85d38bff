"""Questions about how members sign in."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from portal.kernel.database import db
from portal.members.models import Member, MemberSession, SignInEntry
from portal.members.signing.models import Passkey

SHOWN = 20


@dataclass(frozen=True, slots=True)
class PasskeyCard:
    """A passkey, as its member sees it."""

    id: int
    name: str
    made_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignInLine:
    """One time somebody signed in, or tried to."""

    at: datetime
    way: str
    outcome: str
    agent: str
    address: str


def password_of(member_id: int) -> str | None:
    """Return what is kept of a member's password."""
    return db.session.scalar(select(Member.password).filter_by(id=member_id))


def passkeys_of(member_id: int) -> list[PasskeyCard]:
    """Return a member's passkeys, the oldest first."""
    rows = db.session.scalars(select(Passkey).filter_by(member_id=member_id).order_by(Passkey.id))
    return [PasskeyCard(row.id, row.name, row.made_at, row.used_at) for row in rows]


def sign_ins_of(member_id: int) -> list[SignInLine]:
    """Return who signed in as this member or tried to, the latest first."""
    rows = db.session.scalars(
        select(SignInEntry).filter_by(member_id=member_id).order_by(SignInEntry.id.desc()).limit(SHOWN)
    )
    return [SignInLine(row.at, row.way, row.outcome, row.agent, row.address) for row in rows]


def open_sessions(keys: Collection[str]) -> set[str]:
    """Return which of these sessions are still open, of members who are still here; one query."""
    found = select(MemberSession.key).join(Member, Member.id == MemberSession.member_id)
    return set(
        db.session.scalars(found.where(MemberSession.key.in_(keys), MemberSession.closed_at.is_(None), Member.active))
    )
