"""Reading invitations."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import NotFound
from portal.members.inviting.models import MemberInvitation
from portal.members.models import Member, Organisation


@dataclass(frozen=True, slots=True)
class InvitationCard:
    """An invitation, without its secret. ``state`` is open, accepted, revoked or expired."""

    id: int
    email: str
    kind: str
    organisation_id: int | None
    organisation: str | None
    organisation_admin: bool
    roles: tuple[str, ...]
    by_id: int | None
    by_name: str | None
    sent_at: datetime
    sent: int
    expires_at: datetime
    state: str
    accepted_by: int | None


def _cards() -> Any:
    return (
        select(MemberInvitation, Organisation.name, Member.name)
        .outerjoin(Organisation, Organisation.id == MemberInvitation.organisation_id)
        .outerjoin(Member, Member.id == MemberInvitation.by_id)
    )


def invitations(
    organisation_id: int | None = None, *, open_only: bool = False, size: int = 200
) -> list[InvitationCard]:
    """Return invitations, the latest first; of one organisation, if named."""
    wanted = _cards().order_by(MemberInvitation.id.desc()).limit(size)
    if organisation_id is not None:
        wanted = wanted.where(MemberInvitation.organisation_id == organisation_id)
    if open_only:
        wanted = wanted.where(
            MemberInvitation.accepted_at.is_(None),
            MemberInvitation.revoked_at.is_(None),
            MemberInvitation.expires_at > now(),
        )
    return [_card(*row) for row in db.session.execute(wanted)]


def invitation_card(invitation_id: int) -> InvitationCard:
    """Return one invitation.

    :raise NotFound: when there is none.
    """
    row = db.session.execute(_cards().where(MemberInvitation.id == invitation_id)).one_or_none()
    if row is None:
        raise NotFound(_l("There is no such invitation."))
    return _card(*row)


def open_invitations(ids: Collection[int]) -> dict[int, InvitationCard]:
    """Return those of these invitations that can still be accepted, by id."""
    if not ids:
        return {}
    found = [_card(*row) for row in db.session.execute(_cards().where(MemberInvitation.id.in_(set(ids))))]
    return {card.id: card for card in found if card.state == "open"}


def invitation_by_digest(digest: str) -> InvitationCard | None:
    """Return the invitation that a link belongs to."""
    row = db.session.execute(_cards().where(MemberInvitation.digest == digest)).one_or_none()
    return _card(*row) if row is not None else None


def _card(row: MemberInvitation, organisation: str | None, by: str | None) -> InvitationCard:
    state = "open"
    if row.accepted_at is not None:
        state = "accepted"
    elif row.revoked_at is not None:
        state = "revoked"
    elif row.expires_at <= now():
        state = "expired"
    return InvitationCard(
        row.id, row.email, row.kind, row.organisation_id, organisation, row.organisation_admin, tuple(row.roles),
        row.by_id, by, row.sent_at, row.sent, row.expires_at, state, row.accepted_by,
    )  # fmt: skip
