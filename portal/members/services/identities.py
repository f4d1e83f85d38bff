"""Ways in which a member is known outside: said, shown, taken away; and what a person must decide."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.kernel.outbox import publish
from portal.kernel.text import clean_line
from portal.members import queries
from portal.members.events import MemberLinkedToCrm
from portal.members.events.people import IdentityProven, MemberUnlinkedFromCrm
from portal.members.models import Identity, Member, Organisation
from portal.members.models.people import AddressProof, IdentityDoubt
from portal.members.rules import Kind, Role
from portal.members.services import audit, clean_email, digest_of
from portal.members.services.merging import merge_members, unmerge_members

EMAIL, CONTACT = "email", "crm_contact"
JOINED_IN_CRM = "joined_in_crm"
"""Why a person is asked: the CRM made one contact of those of two members."""
UNDECIDED = ("open", "later")
KEY_ELSEWHERE = "oidc"
"""An account elsewhere that opens this one: it is unlinked on the page about signing in, never here."""
HANDLES = ("mastodon", "reddit", "forum", "website")
"""Kinds of handles that a member can name herself; they are claims until something shows them."""
MOST = 20
HOURS = 48
KEY_BYTES = 32
WORDS_MAX = 500


@dataclass(frozen=True, slots=True)
class Doubt:
    """A pair that a person must look at: a member, and a contact or another account."""

    id: int
    why: str
    member_id: int
    member_name: str
    member_kind: str
    member_email: str | None
    organisation: str | None
    other_id: int | None
    other_name: str | None
    contact_id: str | None
    evidence: Mapping[str, Any]
    state: str
    asked_at: datetime
    decided_at: datetime | None
    decided_by: int | None


# Addresses


def ask_for_address(member_id: int, email: str) -> tuple[str, str]:
    """Note that a member says a further address is hers; return it and the secret of the link that shows it.

    :raise Invalid: for what cannot be an address, or is hers already.
    """
    address = clean_email(email)
    mine = select(Identity.id).filter_by(member_id=member_id, kind=EMAIL, value=address, verified=True)
    if db.session.scalar(mine) is not None:
        raise Invalid(fields={"email": _l("This address is yours already.")})
    secret = secrets.token_urlsafe(KEY_BYTES)
    db.session.add(
        AddressProof(
            member_id=member_id, email=address, digest=digest_of(secret), expires_at=now() + timedelta(hours=HOURS)
        )
    )
    return address, secret


def address_in(secret: str) -> tuple[int, str]:
    """Return the member and the address of a link.

    :raise Refused: for a link that is not complete, has been used or is too old.
    """
    row = db.session.scalar(select(AddressProof).filter_by(digest=digest_of(secret)))
    if row is None or row.used_at is not None or row.expires_at <= now():
        raise Refused(_l("This link is not complete, has been used, or is too old."))
    return row.member_id, row.email


def prove_address(secret: str, member_id: int) -> bool:
    """Note that an address is a member's; return whether it is. One of another account is for staff to decide.

    :raise Refused: when the link is not open, or somebody else's.
    """
    row = db.session.scalar(select(AddressProof).filter_by(digest=digest_of(secret)).with_for_update())
    if row is None or row.used_at is not None or row.expires_at <= now() or row.member_id != member_id:
        raise Refused(_l("This link is not complete, has been used, or is too old."))
    row.used_at = now()
    holder = select(Member.id).where((Member.email == row.email) & (Member.id != member_id))
    proven = select(Identity.member_id).filter_by(kind=EMAIL, value=row.email, verified=True)
    other = db.session.scalar(holder) or db.session.scalar(proven)
    if other is not None and other != member_id:
        doubt("same_address", member_id, other_id=other, evidence={"address": "shown by a link that was opened"})
        return False
    db.session.execute(delete(Identity).filter_by(member_id=member_id, kind=EMAIL, value=row.email))
    evidence = f"link opened on {now():%Y-%m-%d}"
    db.session.add(Identity(member_id=member_id, kind=EMAIL, value=row.email, verified=True, evidence=evidence))
    db.session.flush()
    publish(IdentityProven(actor_id=member_id, member_id=member_id, kind=EMAIL))
    return True


# Handles


def claim_handle(member_id: int, kind: str, value: str) -> None:
    """Note how a member says she is called elsewhere. It is a claim: nothing is mapped to her by it.

    :raise Invalid: for an unknown kind, a value that is none, one that is there already, or too many of them.
    """
    if kind not in HANDLES:
        raise Invalid(fields={"kind": _l("Choose among: %(known)s.", known=", ".join(HANDLES))})
    line = clean_line(value, field="value", most=200)
    mine = db.session.scalars(select(Identity.value).filter_by(member_id=member_id, kind=kind)).all()
    if line in mine:
        raise Invalid(fields={"value": _l("This is in the list already.")})
    if len(mine) >= MOST:
        raise Invalid(fields={"value": _l("Remove one of the others first.")})
    db.session.add(Identity(member_id=member_id, kind=kind, value=line, verified=False, evidence="said by the member"))


def remove_identity(member_id: int, identity_id: int) -> None:
    """Take a way of being known away. A contact that is not she is not suggested again.

    :raise NotFound: when she has no such identity.
    :raise Refused: for the address that she signs in with: it is changed, not removed.
    """
    row = db.session.scalar(select(Identity).filter_by(id=identity_id, member_id=member_id).with_for_update())
    if row is None or row.kind == KEY_ELSEWHERE:
        raise NotFound(_l("There is nothing like that in your list."))
    own = queries.email_of(member_id)
    if row.kind == EMAIL and own is not None and row.value.casefold() == own.casefold():
        raise Refused(_l("This is the address you sign in with. Change it on the page about signing in."))
    if row.kind == CONTACT and row.verified:
        found = doubt("removed", member_id, contact_id=row.value, evidence={"identity": row.evidence})
        _unlink(member_id, row.value)
        found.state, found.decided_at, found.decided_by = "different", now(), member_id
        return
    db.session.delete(row)


# What a person must decide


def doubt(
    why: str,
    member_id: int,
    *,
    contact_id: str | None = None,
    other_id: int | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> IdentityDoubt:
    """Ask staff whether a member is a contact or another account; asked again, it is the same question."""
    key = {"member_id": member_id, "other_id": other_id, "contact_id": contact_id}
    row = insert(IdentityDoubt).values(**key, why=why, evidence=dict(evidence or {}), asked_at=now())
    db.session.execute(row.on_conflict_do_nothing())
    return db.session.scalars(select(IdentityDoubt).filter_by(**key)).one()


def is_known_to_differ(member_id: int, contact_id: str) -> bool:
    """Return whether somebody decided that a member is not this contact."""
    found = select(IdentityDoubt.id).filter_by(member_id=member_id, contact_id=contact_id, state="different")
    return db.session.scalar(found) is not None


def claim_account(member_id: int, other_id: int, *, words: str) -> None:
    """Say that another account, such as the stand-in for an imported author, is oneself; staff decides.

    :raise NotFound: when there is no such stand-in.
    :raise Invalid: without a word on how that can be seen.
    """
    other = queries.profile(other_id)
    if not other.placeholder or other_id == member_id:
        raise NotFound(_l("There is nobody here to claim."))
    said = clean_line(words, field="words", most=WORDS_MAX)
    doubt("claimed", member_id, other_id=other_id, evidence={"words": said})


def doubts(*, open_only: bool = True, size: int = 100) -> list[Doubt]:
    """Return what waits for a decision, those put off last; or else what was decided lately."""
    member, other = aliased(Member), aliased(Member)
    wanted = (
        select(
            IdentityDoubt.id, IdentityDoubt.why, member.id, member.name, member.kind, member.email, Organisation.name,
            other.id, other.name, IdentityDoubt.contact_id, IdentityDoubt.evidence, IdentityDoubt.state,
            IdentityDoubt.asked_at, IdentityDoubt.decided_at, IdentityDoubt.decided_by,
        )
        .join(member, member.id == IdentityDoubt.member_id)
        .outerjoin(other, other.id == IdentityDoubt.other_id)
        .outerjoin(Organisation, Organisation.id == member.organisation_id)
        .limit(size)
    )  # fmt: skip
    waits = IdentityDoubt.state.in_(UNDECIDED)
    if open_only:
        wanted = wanted.where(waits).order_by(IdentityDoubt.asked_at, IdentityDoubt.id)
    else:
        wanted = wanted.where(~waits).order_by(IdentityDoubt.decided_at.desc(), IdentityDoubt.id)
    rows: Iterable[Any] = db.session.execute(wanted)
    return [Doubt(*row) for row in rows]


def decide(doubt_id: int, decision: str, *, actor_id: int) -> None:
    """Say that a pair is one person (``match``), two (``different``), or that it is for ``later``.

    :raise NotFound: :raise Invalid: when there is no such question, or no such answer.
    :raise Refused: when it has been decided, or what follows from it is not possible.
    :raise Forbidden: when it is about the decider herself, or about accounts of staff and she is no admin.
    """
    row = _doubt_for_update(doubt_id, actor_id)
    if row.state not in UNDECIDED:
        raise Refused(_l("This has been decided already. Undo that first."))
    if decision == "later":
        row.state, row.asked_at = "later", now()
    elif decision == "different":
        row.state, row.decided_at, row.decided_by = "different", now(), actor_id
        _let_go(row, actor_id)
    elif decision == "match":
        _match(row, actor_id)
        row.state, row.decided_at, row.decided_by = "matched", now(), actor_id
    else:
        raise Invalid(fields={"decision": _l("Choose among: %(known)s.", known="match, different, later")})
    audit.note(actor_id, f"identity.{decision}", "identity_doubt", row.id, member_id=row.member_id, why=row.why)


def _let_go(row: IdentityDoubt, actor_id: int) -> None:
    """Let a member whose contact the CRM joined to another one's have a contact of her own again."""
    if row.why == JOINED_IN_CRM and row.other_id is not None:
        contact_id = str(row.evidence.get("contact", ""))
        publish(MemberUnlinkedFromCrm(actor_id=actor_id, member_id=row.other_id, contact_id=contact_id))


def _doubt_for_update(doubt_id: int, actor_id: int) -> IdentityDoubt:
    row = db.session.scalar(select(IdentityDoubt).filter_by(id=doubt_id).with_for_update())
    if row is None:
        raise NotFound(_l("There is no such question."))
    if actor_id in {row.member_id, row.other_id}:
        raise Forbidden(_l("This is about yourself: somebody else decides it."))
    if row.other_id is not None and not queries.viewer_of(actor_id).has_role(Role.ADMIN):
        pair = select(Member.kind).where(Member.id.in_([row.member_id, row.other_id]))
        if Kind.STAFF in set(db.session.scalars(pair)):
            raise Forbidden(_l("Only admins join accounts of staff."))
    return row


def _match(row: IdentityDoubt, actor_id: int) -> None:
    if row.other_id is not None:
        row.merge_id = merge_members(row.member_id, row.other_id, actor_id=actor_id, evidence=f"decided: {row.why}")
        return
    taken = select(Identity.member_id).filter_by(kind=CONTACT, value=row.contact_id, verified=True)
    if db.session.scalar(taken) is not None:
        raise Refused(_l("This contact is proven to be another member."))
    who = queries.member_for_update(row.member_id)
    row.evidence = {**row.evidence, "crm_before": dict(who.crm)}
    evidence = f"decided by a person: {row.why}"
    contact_id = row.contact_id or ""
    db.session.add(Identity(member_id=row.member_id, kind=CONTACT, value=contact_id, verified=True, evidence=evidence))
    who.crm = {"contact_id": contact_id, **{k: v for k, v in who.crm.items() if k != "contact_id"}}
    db.session.flush()
    publish(MemberLinkedToCrm(actor_id=actor_id, member_id=row.member_id, contact_id=contact_id, evidence=evidence))


def undo(doubt_id: int, *, actor_id: int) -> None:
    """Take a decision back: what followed from it is undone, and the question is open again.

    :raise NotFound: when there is no such question.
    :raise Refused: when it has not been decided, or what followed cannot be undone now.
    """
    row = _doubt_for_update(doubt_id, actor_id)
    if row.state not in {"matched", "different"}:
        raise Refused(_l("This has not been decided."))
    if row.state == "matched" and row.merge_id is not None:
        unmerge_members(row.merge_id, actor_id=actor_id)
    elif row.state == "matched":
        before = dict(row.evidence.get("crm_before", {}))
        _unlink(row.member_id, row.contact_id or "", before)
        row.evidence = {name: value for name, value in row.evidence.items() if name != "crm_before"}
    row.state, row.asked_at, row.merge_id = "open", now(), None
    row.decided_at = row.decided_by = None
    audit.note(actor_id, "identity.undo", "identity_doubt", row.id, member_id=row.member_id, why=row.why)


def _unlink(member_id: int, contact_id: str, crm: Mapping[str, Any] | None = None) -> None:
    """Forget that a member is a contact, and what the CRM said of it."""
    gone = delete(Identity).filter_by(member_id=member_id, kind=CONTACT, value=contact_id)
    db.session.execute(gone)
    who = queries.member_for_update(member_id)
    if crm is not None or who.crm.get("contact_id") == contact_id:
        who.crm = dict(crm or {})
    db.session.flush()
    publish(MemberUnlinkedFromCrm(member_id=member_id, contact_id=contact_id))
