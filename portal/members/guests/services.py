"""What somebody does before she has an account: kept until the link in her mail is confirmed, then done in her name."""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select, text

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import NotFound, Refused
from portal.kernel.outbox import publish
from portal.kernel.text import clean_line
from portal.members import queries
from portal.members.events.people import GuestActed
from portal.members.guests.models import GuestAct
from portal.members.models import Identity, Member
from portal.members.policy import Viewer
from portal.members.rules import NAME_MAX
from portal.members.services import audit, clean_email, confirm_address, create_member, digest_of, set_password_hash

DAYS = 7
KEPT_DAYS = 30
"""So long it is remembered what became of a confirmed act, so that a second look at the link says it."""
KEY_BYTES = 32
_ONE_ADDRESS = text("SELECT pg_advisory_xact_lock(hashtextextended('guest:' || lower(:email), 0))")
"""Two links that went to a new address make one member, though both are opened at once."""
Doer = Callable[[Viewer, Mapping[str, Any]], str]
Namer = Callable[[Sequence[Mapping[str, Any]]], list[str]]
_doers: dict[str, Doer] = {}
_namers: dict[str, Namer] = {}


@dataclass(frozen=True, slots=True)
class Act:
    """What a guest wants to do."""

    id: int
    kind: str
    email: str
    name: str
    title: str
    body: str
    """What she wrote, as she wrote it: whoever confirms, or looks after the site, sees it before it is out."""
    made_at: datetime
    expires_at: datetime
    confirmed_at: datetime | None
    member_id: int | None
    url: str

    @property
    def is_open(self) -> bool:
        """Return whether the link can still be used."""
        return self.confirmed_at is None and self.expires_at > now()


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose address a guest gave: an account, and whether it has a way to sign in."""

    member_id: int
    name: str
    is_guest: bool


def does_for_guests(kind: str) -> Callable[[Doer], Doer]:
    """Declare who does this kind of act once it is confirmed; the function returns the address of what came of it."""

    def register(act: Doer) -> Doer:
        _doers[kind] = act
        return act

    return register


def names_for_guests(kind: str) -> Callable[[Namer], Namer]:
    """Declare who says what acts of this kind are about; where it is another's thing, as anybody may see it now.

    Such a title is never kept with the act: its author may have changed it, or had it erased.
    """

    def register(act: Namer) -> Namer:
        _namers[kind] = act
        return act

    return register


def keep_act(kind: str, *, email: str, name: str, lang: str, title: str, payload: Mapping[str, Any]) -> tuple[str, str]:
    """Keep what a guest wants to do; return her address in its usual form and the secret of the link.

    :raise Invalid: for what cannot be an address or a name.
    """
    address, called = clean_email(email), clean_line(name, field="name", most=NAME_MAX)
    secret = secrets.token_urlsafe(KEY_BYTES)
    row = GuestAct(
        kind=kind, email=address, name=called, lang=lang, title=title, payload=dict(payload),
        digest=digest_of(secret), expires_at=now() + timedelta(days=DAYS),
    )  # fmt: skip
    db.session.add(row)
    return address, secret


def act_of(secret: str) -> Act:
    """Return what a link is about.

    :raise NotFound: for a link that is not complete, or was thrown away.
    """
    row = db.session.scalar(select(GuestAct).filter_by(digest=digest_of(secret)))
    if row is None:
        raise NotFound(_l("This link is not complete, or it is too old. Do it once more."))
    return _acts([row])[0]


def _acts(rows: Sequence[GuestAct]) -> list[Act]:
    titles = _titles(rows)
    return [
        Act(
            row.id, row.kind, row.email, row.name, titles[row.id], str(row.payload.get("body", "")), row.made_at,
            row.expires_at, row.confirmed_at, row.member_id, row.url,
        )
        for row in rows
    ]  # fmt: skip


def _titles(rows: Sequence[GuestAct]) -> dict[int, str]:
    titles = {row.id: row.title for row in rows}
    for kind, name in _namers.items():
        open_ones = [row for row in rows if row.kind == kind and row.payload]
        if open_ones:
            titles |= dict(zip((row.id for row in open_ones), name([row.payload for row in open_ones]), strict=True))
    return titles


def waiting(size: int = 200) -> list[Act]:
    """Return what waits for a confirmation, the newest first; for staff."""
    rows = db.session.scalars(
        select(GuestAct)
        .where(GuestAct.confirmed_at.is_(None), GuestAct.expires_at > now())
        .order_by(GuestAct.id.desc())
        .limit(size)
    )
    return _acts(rows.all())


def count_waiting() -> int:
    """Return how many acts wait for a confirmation."""
    found = select(func.count()).select_from(GuestAct)
    return db.session.scalar(found.where(GuestAct.confirmed_at.is_(None), GuestAct.expires_at > now())) or 0


def holder_of(email: str) -> Holder | None:
    """Return whose address this is: an account's own, or one that it has proven besides."""
    proven = select(Identity.member_id).where(Identity.kind == "email", Identity.value == email, Identity.verified)
    found = select(Member).where((Member.email == email) | Member.id.in_(proven)).order_by(Member.email != email)
    for member in db.session.scalars(found):
        who = db.session.get_one(Member, member.merged_into_id) if member.merged_into_id is not None else member
        return Holder(who.id, who.name, who.guest)
    return None


def confirm_act(secret: str) -> tuple[Act, bool]:
    """Do what a guest wanted to do: the link has shown that the address is hers. A second time changes nothing.

    Return what became of it, and whether it was this time: a link that has been used lets nobody in.
    Whoever has an account already must have signed in; the view sees to that.

    :raise NotFound: :raise Refused: when the link, or the act itself, is not possible any more.
    """
    row = db.session.scalar(select(GuestAct).filter_by(digest=digest_of(secret)).with_for_update())
    if row is None:
        raise NotFound(_l("This link is not complete, or it is too old. Do it once more."))
    if row.confirmed_at is not None:
        return _acts([row])[0], False
    if row.expires_at <= now():
        raise Refused(_l("This link is too old. Do it once more."))
    db.session.execute(_ONE_ADDRESS, {"email": row.email})
    holder = holder_of(row.email)
    member_id = holder.member_id if holder is not None else _make_member(row)
    who = queries.member_for_update(member_id)
    if not who.active or (who.suspended_until is not None and who.suspended_until > now()):
        raise Refused(_l("This account may not do this now."))
    if who.email == row.email:
        confirm_address(member_id)
    db.session.flush()
    row.url = _doers[row.kind](queries.viewer_of(member_id), row.payload)
    row.confirmed_at, row.member_id, row.payload = now(), member_id, {}
    db.session.flush()
    publish(GuestActed(actor_id=member_id, member_id=member_id, kind=row.kind, new=holder is None))
    return _acts([row])[0], True


def _make_member(row: GuestAct) -> int:
    made = create_member(
        email=row.email, name=row.name, lang=row.lang, verified=True, origin="guest", details={"guest": True}
    )
    return made.id


def choose_password(member_id: int, password_hash: str) -> None:
    """Let a guest become a full member.

    :raise Refused: when she has a way to sign in already: changing it is another page's business.
    """
    who = queries.member_for_update(member_id)
    if not who.guest or who.password is not None:
        raise Refused(_l("This account has a way to sign in already."))
    set_password_hash(member_id, password_hash)


def throw_away(act_id: int, *, actor_id: int) -> None:
    """Throw away what a guest wanted to do and has not confirmed.

    :raise NotFound: when there is no such act, or it counts already.
    """
    gone = delete(GuestAct).where(GuestAct.id == act_id, GuestAct.confirmed_at.is_(None)).returning(GuestAct.kind)
    kind = db.session.execute(gone).scalar_one_or_none()
    if kind is None:
        raise NotFound(_l("There is nothing here that waits."))
    audit.note(actor_id, "guest.throw_away", "guest_act", act_id, kind=kind)


def drop_expired() -> int:
    """Forget what nobody confirmed in time, and what was confirmed a while ago; return how many."""
    old = now() - timedelta(days=KEPT_DAYS)
    gone = delete(GuestAct).where(
        (GuestAct.confirmed_at.is_(None) & (GuestAct.expires_at <= now())) | (GuestAct.confirmed_at < old)
    )
    return len(db.session.execute(gone.returning(GuestAct.id)).all())


def forget(addresses: Collection[str]) -> None:
    """Forget everything that was done with these addresses and stands in the list: whoever had them is being erased."""
    db.session.execute(delete(GuestAct).where(GuestAct.email.in_(addresses)))
