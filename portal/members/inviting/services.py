"""Asking people in: as supplier, partner, customer or staff, by staff or by an organisation's own admin."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.kernel.outbox import publish
from portal.members import queries
from portal.members.events import MemberRolesChanged
from portal.members.events.people import InvitationAccepted, MemberInvited, MemberPlaced
from portal.members.inviting import queries as inviting
from portal.members.inviting.models import MemberInvitation
from portal.members.inviting.queries import InvitationCard
from portal.members.models import Identity, Member, Organisation
from portal.members.policy import Viewer
from portal.members.queries import people
from portal.members.rules import Kind, Role, unknown
from portal.members.services import LANGUAGES, audit, clean_email, confirm_address, create_member, digest_of

DAYS = 14
KEY_BYTES = 32
INVITERS = (Role.BRAND_MANAGER, Role.SUPPORT_AGENT, Role.MODERATOR)
NOT_YOURS = _l("Only the admin of an organisation, or staff, looks after its people.")
_TOO_LATE = _l("This invitation has been used, revoked, or is too old. Ask for another.")


@dataclass(frozen=True, slots=True)
class Changes:
    """What would be different for a member who accepts; None: nothing."""

    kind: tuple[str, str] | None
    organisation: tuple[str | None, str | None] | None
    roles: tuple[str, ...]
    address: str | None
    """A further address that becomes hers."""


def invite(
    viewer: Viewer,
    *,
    email: str,
    kind: str | None = None,
    organisation_id: int | None = None,
    organisation_admin: bool = False,
    roles: Collection[str] = (),
    lang: str = "en",
) -> tuple[InvitationCard, str]:
    """Ask somebody in; return the invitation and the secret of its link. Asked again, the earlier link ends.

    :param kind: by default that of the organisation.
    :raise Forbidden: when the viewer may not ask this person in as that.
    :raise Invalid: for an address that is none, an unknown kind, role, language or organisation.
    """
    address = clean_email(email)
    organisation = _organisation(organisation_id)
    wanted = kind or (organisation.kind if organisation else Kind.CUSTOMER.value)
    _check(wanted, roles, lang, organisation, organisation_admin=organisation_admin)
    must_be_allowed(viewer, wanted, organisation_id, roles)
    _check_newcomer(address, wanted, organisation_id)
    secret = secrets.token_urlsafe(KEY_BYTES)
    open_ones = update(MemberInvitation).where(
        MemberInvitation.email == address, MemberInvitation.organisation_id.is_not_distinct_from(organisation_id),
        MemberInvitation.accepted_at.is_(None), MemberInvitation.revoked_at.is_(None),
    )  # fmt: skip
    db.session.execute(open_ones.values(revoked_at=now()))
    row = MemberInvitation(
        email=address, kind=wanted, digest=digest_of(secret), expires_at=now() + timedelta(days=DAYS),
        organisation_id=organisation_id, organisation_admin=organisation_admin, roles=sorted(set(roles)), lang=lang,
        by_id=viewer.member_id,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    publish(
        MemberInvited(actor_id=viewer.member_id, invitation_id=row.id, kind=wanted, organisation_id=organisation_id)
    )
    _note(viewer, "member.invite", row)
    return inviting.invitation_card(row.id), secret


def _organisation(organisation_id: int | None) -> Organisation | None:
    found = db.session.get(Organisation, organisation_id) if organisation_id is not None else None
    if organisation_id is not None and found is None:
        raise Invalid(fields={"organisation": _l("There is no such organisation.")})
    return found


def _check(
    kind: str, roles: Collection[str], lang: str, organisation: Organisation | None, *, organisation_admin: bool
) -> None:
    if unknown([kind], Kind):
        raise Invalid(fields={"kind": _l("Choose one of: %(known)s.", known=", ".join(Kind))})
    if unknown(roles, Role):
        raise Invalid(fields={"role": _l("Choose among: %(known)s.", known=", ".join(Role))})
    if roles and kind != Kind.STAFF:
        raise Invalid(fields={"role": _l("Roles are for staff.")})
    if lang not in LANGUAGES:
        raise Invalid(fields={"lang": _l("Choose one of: %(known)s.", known=", ".join(LANGUAGES))})
    if kind in {Kind.SUPPLIER, Kind.PARTNER} and organisation is None:
        raise Invalid(fields={"organisation": _l("Suppliers and partners belong to an organisation: choose one.")})
    if organisation_admin and organisation is None:
        raise Invalid(fields={"organisation": _l("Choose the organisation that she will look after.")})


def must_be_allowed(viewer: Viewer, kind: str, organisation_id: int | None, roles: Collection[str] = ()) -> None:
    """Let the viewer pass who may ask somebody in as this.

    :raise Forbidden: with the reason.
    """
    if viewer.has_role(Role.ADMIN):
        return
    if kind == Kind.STAFF or roles:
        raise Forbidden(_l("Only admins ask staff in, and give roles."))
    if viewer.has_role(*INVITERS):
        return
    organisation = db.session.get(Organisation, organisation_id) if organisation_id is not None else None
    if organisation is None or not people.is_admin_of(viewer.member_id, organisation.id):
        raise Forbidden(_l("Only the admin of an organisation, or staff, asks people in."))
    if kind != organisation.kind:
        raise Forbidden(_l("You ask people in as what your organisation is."))


def _check_newcomer(address: str, kind: str, organisation_id: int | None) -> None:
    who = queries.member_by_email(address)
    if who is not None and who.active and (who.kind, who.organisation_id) == (kind, organisation_id) and not who.guest:
        raise Invalid(fields={"email": _l("Whoever has this address is a member already, just like that.")})


def _note(viewer: Viewer, act: str, row: MemberInvitation) -> None:
    audit.note(
        viewer.member_id, act, "invitation", row.id, kind=row.kind, organisation_id=row.organisation_id,
        organisation_admin=row.organisation_admin, roles=list(row.roles),
    )  # fmt: skip


def _mine(viewer: Viewer, invitation_id: int) -> MemberInvitation:
    """Return an open invitation that the viewer may change; to those who may not read it there is none."""
    row = db.session.scalar(select(MemberInvitation).filter_by(id=invitation_id).with_for_update())
    if row is None or not _may_read(viewer, row):
        raise NotFound(_l("There is no such invitation."))
    must_be_allowed(viewer, row.kind, row.organisation_id, row.roles)
    if row.accepted_at is not None or row.revoked_at is not None:
        raise Refused(_l("This invitation has been used or revoked already."))
    return row


def _may_read(viewer: Viewer, row: MemberInvitation) -> bool:
    """Return whether the invitation is in a list that the viewer sees."""
    if row.organisation_id is None:
        return viewer.has_role(*INVITERS)
    return may_look_after(viewer, row.organisation_id)


def resend(viewer: Viewer, invitation_id: int) -> tuple[InvitationCard, str]:
    """Give an invitation a new link and a new term; the link that was sent before ends.

    :raise Forbidden: :raise NotFound: :raise Refused: when it is not the viewer's to send, or is used or revoked.
    """
    row, secret = _mine(viewer, invitation_id), secrets.token_urlsafe(KEY_BYTES)
    row.digest, row.expires_at = digest_of(secret), now() + timedelta(days=DAYS)
    row.sent, row.sent_at = row.sent + 1, now()
    db.session.flush()
    _note(viewer, "member.invite_again", row)
    return inviting.invitation_card(row.id), secret


def revoke(viewer: Viewer, invitation_id: int) -> None:
    """Make an invitation's link useless.

    :raise Forbidden: :raise NotFound: :raise Refused: when it is not the viewer's to revoke, or is used already.
    """
    row = _mine(viewer, invitation_id)
    row.revoked_at = now()
    _note(viewer, "member.invite_revoke", row)


# Accepting


def open_invitation(secret: str) -> InvitationCard:
    """Return the invitation of a link.

    :raise NotFound: for a link that is not complete.
    :raise Refused: for one that has been used or revoked, or is too old.
    """
    found = inviting.invitation_by_digest(digest_of(secret))
    if found is None:
        raise NotFound(_l("This link is not complete, or another one was sent since."))
    if found.state != "open":
        raise Refused(_TOO_LATE)
    return found


def changes_for(member_id: int, invitation: InvitationCard) -> Changes:
    """Return what would be different for a member who accepts.

    :raise NotFound: when there is no such member.
    """
    who = people.staff_view(member_id)
    place = (who.card.organisation, invitation.organisation)
    moves = invitation.organisation_id is not None and who.organisation_id != invitation.organisation_id
    return Changes(
        kind=(who.card.kind, invitation.kind) if who.card.kind != invitation.kind else None,
        organisation=place if moves else None,
        roles=tuple(sorted(set(invitation.roles) - set(who.roles))),
        address=None if _has_address(member_id, invitation.email) else invitation.email,
    )


def _has_address(member_id: int, email: str) -> bool:
    mine = select(Member.id).where(Member.id == member_id, Member.email == email)
    proven = select(Identity.id).filter_by(member_id=member_id, kind="email", value=email, verified=True)
    return db.session.scalar(mine) is not None or db.session.scalar(proven) is not None


def accept_with_new_account(secret: str, *, name: str, password_hash: str, lang: str) -> int:
    """Make an account for whoever was asked in; return its id. The link has shown that the address is hers.

    :raise Refused: when the invitation is not open, or somebody has an account with this address: sign in with it.
    """
    row = _for_update(secret)
    if queries.member_by_email(row.email) is not None:
        raise Refused(_l("There is an account with this address already. Sign in with it, then open the link again."))
    made = create_member(
        email=row.email, name=name, kind=row.kind, roles=row.roles, password_hash=password_hash, lang=lang,
        organisation_id=row.organisation_id, verified=True, origin="invitation", actor_id=row.by_id,
        details={"organisation_admin": row.organisation_admin},
    )  # fmt: skip
    _close(row, made.id)
    return made.id


def accept_as(secret: str, viewer: Viewer) -> None:
    """Let a member who has an account accept: kind, organisation and roles are those of the invitation from now on.

    :raise Refused: when the invitation is not open, would unmake staff, or is for staff at another address.
    """
    row = _for_update(secret)
    who = queries.member_for_update(viewer.id)
    if who.kind == Kind.STAFF and row.kind != Kind.STAFF:
        raise Refused(_l("You are staff: use another account for this invitation."))
    if not _has_address(who.id, row.email):
        if row.kind == Kind.STAFF:
            raise Refused(_l("This invitation is for another address than yours. Have it sent to yours."))
        _add_address(who.id, row.email)
    if who.email == row.email:
        confirm_address(who.id)
    before = sorted(who.roles)
    who.kind, who.guest = row.kind, False if who.password else who.guest
    if row.organisation_id is not None:
        stays_admin = who.organisation_admin and who.organisation_id == row.organisation_id
        who.organisation_id, who.organisation_admin = row.organisation_id, row.organisation_admin or stays_admin
    who.roles = sorted({*before, *row.roles})
    db.session.flush()
    if who.roles != before:
        publish(MemberRolesChanged(actor_id=row.by_id, member_id=who.id, before=before, after=list(who.roles)))
    _close(row, who.id)


def _add_address(member_id: int, email: str) -> None:
    """Note the address that an invitation went to as the member's, unless it is proven to be somebody else's."""
    taken = select(Identity.id).filter_by(kind="email", value=email, verified=True)
    if db.session.scalar(taken) is not None or queries.member_by_email(email) is not None:
        raise Refused(_l("This invitation went to the address of another account. Sign in with that one."))
    db.session.add(
        Identity(member_id=member_id, kind="email", value=email, verified=True, evidence="link of an invitation")
    )
    db.session.flush()


def _for_update(secret: str) -> MemberInvitation:
    row = db.session.scalar(select(MemberInvitation).filter_by(digest=digest_of(secret)).with_for_update())
    if row is None:
        raise NotFound(_l("This link is not complete, or another one was sent since."))
    if row.accepted_at is not None or row.revoked_at is not None or row.expires_at <= now():
        raise Refused(_TOO_LATE)
    return row


def _close(row: MemberInvitation, member_id: int) -> None:
    row.accepted_at, row.accepted_by = now(), member_id
    db.session.flush()
    publish(
        InvitationAccepted(
            actor_id=member_id, member_id=member_id, invitation_id=row.id, kind=row.kind,
            organisation_id=row.organisation_id,
        )
    )  # fmt: skip
    _tell_place(queries.member_for_update(member_id), member_id)


def _tell_place(who: Member, actor_id: int | None) -> None:
    publish(
        MemberPlaced(
            actor_id=actor_id, member_id=who.id, kind=who.kind, organisation_id=who.organisation_id,
            organisation_admin=who.organisation_admin,
        )
    )  # fmt: skip


# Looking after an organisation


def set_organisation_admin(viewer: Viewer, member_id: int, *, organisation_id: int, on: bool) -> None:
    """Let a member look after her organisation, or no longer.

    :raise Forbidden: when the viewer neither looks after it nor is staff.
    :raise NotFound: when the member is not of this organisation.
    :raise Refused: when nobody would be left to look after it.
    """
    who = _colleague(viewer, member_id, organisation_id)
    if not on:
        _someone_stays(viewer, who)
    if who.organisation_admin != on:
        who.organisation_admin = on
        db.session.flush()
        _tell_place(who, viewer.member_id)
        audit.note(viewer.member_id, "organisation.admin", "member", who.id, organisation_id=organisation_id, on=on)


def remove_from_organisation(viewer: Viewer, member_id: int, *, organisation_id: int) -> None:
    """Let a member go: she is a customer from now on, and sees what customers see.

    :raise Forbidden: :raise NotFound: :raise Refused: as for naming an admin.
    """
    who = _colleague(viewer, member_id, organisation_id)
    _someone_stays(viewer, who)
    before = who.kind
    who.organisation_id, who.organisation_admin = None, False
    if who.kind != Kind.STAFF:
        who.kind = Kind.CUSTOMER.value
    db.session.flush()
    _tell_place(who, viewer.member_id)
    audit.note(viewer.member_id, "organisation.remove", "member", who.id, organisation_id=organisation_id, kind=before)


def _colleague(viewer: Viewer, member_id: int, organisation_id: int) -> Member:
    if not may_look_after(viewer, organisation_id):
        raise Forbidden(NOT_YOURS)
    # Two admins who let each other go at the same moment take their turns: one of them stays.
    db.session.execute(select(Organisation.id).filter_by(id=organisation_id).with_for_update())
    who = queries.member_for_update(member_id)
    if who.organisation_id != organisation_id:
        raise NotFound(_l("There is no such member here."))
    return who


def may_look_after(viewer: Viewer, organisation_id: int) -> bool:
    """Return whether the viewer may ask people in for an organisation, and let them go."""
    return viewer.has_role(*INVITERS) or people.is_admin_of(viewer.member_id, organisation_id)


def _someone_stays(viewer: Viewer, who: Member) -> None:
    """Refuse that an organisation's own people leave it with nobody to look after it; staff may."""
    others = select(Member.id).where(
        Member.organisation_id == who.organisation_id, Member.organisation_admin, Member.active, Member.id != who.id
    )
    if who.organisation_admin and not viewer.has_role(*INVITERS) and db.session.scalar(others.limit(1)) is None:
        raise Refused(_l("Name another admin first: somebody has to look after the organisation."))


def place_member(
    viewer: Viewer, member_id: int, *, kind: str, organisation_id: int | None, organisation_admin: bool
) -> None:
    """Say what a member is to the company and where she belongs; she cannot do this herself.

    :raise Forbidden: when the viewer is no admin.
    :raise Invalid: for an unknown kind or organisation, or a supplier or partner without one.
    :raise Refused: when she would stay without the kind that her roles need.
    """
    if not viewer.has_role(Role.ADMIN):
        raise Forbidden(_l("Only admins say what a member is."))
    organisation = _organisation(organisation_id)
    _check(kind, (), LANGUAGES[0], organisation, organisation_admin=organisation_admin)
    who = queries.member_for_update(member_id)
    if kind != Kind.STAFF and who.roles:
        raise Refused(_l("Take the roles away first: they are for staff."))
    before = {"kind": who.kind, "organisation_id": who.organisation_id, "organisation_admin": who.organisation_admin}
    after = {"kind": kind, "organisation_id": organisation_id, "organisation_admin": organisation_admin}
    if before != after:
        for name, value in after.items():
            setattr(who, name, value)
        db.session.flush()
        _tell_place(who, viewer.member_id)
        audit.note(viewer.member_id, "member.place", "member", who.id, before=before, after=after)


def forget(addresses: Collection[str]) -> None:
    """Forget to which addresses invitations went: whoever had them is being erased. Open ones end."""
    theirs = update(MemberInvitation).where(MemberInvitation.email.in_(addresses))
    db.session.execute(theirs.where(MemberInvitation.accepted_at.is_(None)).values(revoked_at=now()))
    db.session.execute(theirs.values(email=""))
