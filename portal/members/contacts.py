"""Members as the CRM knows them: what may be sent, and what comes back. The feature `crm` asks through the facade.

A member and a contact are the same person only on evidence: the CRM's key was proven before, or the CRM holds an
address that the member has confirmed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import publish
from portal.members import queries
from portal.members.events import MemberLinkedToCrm, OrganisationChanged
from portal.members.models import Identity, Member, Organisation
from portal.members.models.people import IdentityDoubt
from portal.members.rules import Kind, Purpose
from portal.members.services import identities

CONTACT = "crm_contact"
ACCOUNT = Organisation.crm["account_id"].astext


@dataclass(frozen=True, slots=True)
class CrmContact:
    """A member, as much of her as a CRM may be told once she agrees."""

    member_id: int
    name: str
    email: str | None
    email_verified: bool
    kind: str
    lang: str
    job: str
    city: str
    country: str
    joined_at: datetime
    last_seen_at: datetime | None
    organisation_id: int | None
    contact_ids: tuple[str, ...]
    """The CRM's own keys of her, each proven; several where the CRM holds her more than once."""
    crm: Mapping[str, Any]
    """What the CRM said of her last."""


@dataclass(frozen=True, slots=True)
class CrmAccount:
    """An organisation, as the CRM knows it."""

    organisation_id: int
    key: str | None
    name: str
    kind: str
    country: str
    region: str
    account_id: str | None
    crm: Mapping[str, Any]


def may_share_with_crm(member_ids: Collection[int]) -> set[int]:
    """Return which of these members agree to be told to the CRM."""
    return queries.who_agrees(member_ids, Purpose.CRM)


def crm_contacts(member_ids: Collection[int] | None = None) -> list[CrmContact]:
    """Return these members, or all who have an account; one query. Ask `may_share_with_crm` before sending."""
    proven = (
        select(func.array_agg(aggregate_order_by(Identity.value, Identity.id)))
        .where(Identity.member_id == Member.id, Identity.kind == CONTACT, Identity.verified)
        .scalar_subquery()
    )
    wanted = select(Member, proven).where(~Member.placeholder, Member.active).order_by(Member.id)
    if member_ids is not None:
        wanted = wanted.where(Member.id.in_(set(member_ids)))
    return [_contact(who, contact_ids or ()) for who, contact_ids in db.session.execute(wanted)]


def _contact(who: Member, contact_ids: Sequence[str]) -> CrmContact:
    return CrmContact(
        member_id=who.id,
        name=who.name,
        email=who.email,
        email_verified=who.email_verified_at is not None,
        kind=who.kind,
        lang=who.lang,
        job=who.job,
        city=who.city,
        country=who.country,
        joined_at=who.joined_at,
        last_seen_at=who.last_seen_at,
        organisation_id=who.organisation_id,
        contact_ids=tuple(contact_ids),
        crm=dict(who.crm),
    )


def crm_accounts(organisation_ids: Collection[int] | None = None) -> list[CrmAccount]:
    """Return these organisations, or all of them; one query."""
    wanted = select(Organisation).order_by(Organisation.id)
    if organisation_ids is not None:
        wanted = wanted.where(Organisation.id.in_(set(organisation_ids)))
    return [
        CrmAccount(o.id, o.key, o.name, o.kind, o.country, o.region, o.crm.get("account_id"), dict(o.crm))
        for o in db.session.scalars(wanted)
    ]


def link_contact(member_id: int, contact_id: str, *, evidence: str) -> bool:
    """Note that a member is this contact of the CRM; return whether that is news.

    A contact that is proven to be somebody else stays with that member.
    """
    holder = _member_of(contact_id)
    if holder is not None:
        return False
    db.session.add(Identity(member_id=member_id, kind=CONTACT, value=contact_id, verified=True, evidence=evidence))
    publish(MemberLinkedToCrm(member_id=member_id, contact_id=contact_id, evidence=evidence))
    return True


def apply_crm_contact(
    *,
    contact_id: str,
    emails: Collection[str] = (),
    account_id: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    name: str = "",
) -> int | None:
    """Take over what the CRM says of a contact; return the member it is, or None when it is nobody we know.

    What only looks like one of our members is put to a person: see `services.identities.doubts`.

    ``attributes`` replace those of the same name in `Member.crm`; a None removes one.
    """
    member_id = _member_of(contact_id) or _member_with_proven(emails, contact_id)
    if member_id is None:
        _ask_about(contact_id, emails, name, account_id)
        return None
    link_contact(member_id, contact_id, evidence="proven address")
    who = queries.member_for_update(member_id)
    fresh = _told_of(who, contact_id, attributes or {})
    if fresh != who.crm:
        who.crm = fresh
    if account_id is not None and (organisation_id := _organisation_with(account_id)) is not None:
        who.organisation_id = organisation_id
    return member_id


def _told_of(who: Member, contact_id: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the CRM says of her now: her first contact has the word, further ones fill what it leaves open."""
    first = who.crm.get("contact_id")
    if first not in {None, contact_id} and _member_of(first) == who.id:
        return _merged(attributes, who.crm)
    return _merged(who.crm, {**attributes, "contact_id": contact_id})


def _member_of(contact_id: str) -> int | None:
    return db.session.scalar(select(Identity.member_id).filter_by(kind=CONTACT, value=contact_id, verified=True))


def _member_with_proven(emails: Collection[str], contact_id: str) -> int | None:
    """Return the one member who has proven one of these addresses, unless she is another contact, or somebody said no.

    Two members, or a second contact with her address, are a doubt and no match.
    """
    ids = _holders(emails)
    if len(ids) != 1:
        for member_id in ids:
            identities.doubt("two_members", member_id, contact_id=contact_id, evidence=_shared(emails))
        return None
    other = select(Identity.value).filter_by(member_id=ids[0], kind=CONTACT, verified=True)
    if (known := db.session.scalar(other)) is not None:
        evidence = {**_shared(emails), "other_contact": known}
        identities.doubt("two_contacts", ids[0], contact_id=contact_id, evidence=evidence)
        return None
    return None if identities.is_known_to_differ(ids[0], contact_id) else ids[0]


def _holders(emails: Collection[str]) -> list[int]:
    """Return the members who have proven one of these addresses: their own, or a further one."""
    if not emails:
        return []
    wanted = list(emails)
    own = select(Member.id).where(Member.email.in_(wanted), Member.email_verified_at.is_not(None), Member.active)
    further = (
        select(Identity.member_id)
        .join(Member, Member.id == Identity.member_id)
        .where(
            Identity.kind == identities.EMAIL, Identity.verified, Member.active,
            func.lower(Identity.value).in_([email.lower() for email in wanted]),
        )
    )  # fmt: skip
    return sorted(set(db.session.scalars(own)) | set(db.session.scalars(further)))


def _shared(emails: Collection[str]) -> dict[str, Any]:
    return {"addresses": sorted(emails)}


def _ask_about(contact_id: str, emails: Collection[str], name: str, account_id: str | None) -> None:
    """Put to a person what is no proof: an address that nobody has confirmed, the same name in the same company."""
    if emails:
        claimed = select(Member.id).where(
            Member.email.in_(list(emails)), Member.email_verified_at.is_(None), Member.active
        )
        for member_id in db.session.scalars(claimed).all():
            identities.doubt("unverified_address", member_id, contact_id=contact_id, evidence=_shared(emails))
    if name and account_id is not None:
        known = select(Identity.id).where(Identity.member_id == Member.id, Identity.kind == CONTACT, Identity.verified)
        namesakes = (
            select(Member.id)
            .join(Organisation, Organisation.id == Member.organisation_id)
            .where(func.lower(Member.name) == name.strip().lower(), account_id == ACCOUNT, Member.active)
            .where(~known.exists())
        )
        for member_id in db.session.scalars(namesakes).all():
            evidence = {"name": name, "account": account_id}
            identities.doubt("same_name", member_id, contact_id=contact_id, evidence=evidence)


def _organisation_with(account_id: str) -> int | None:
    return db.session.scalar(select(Organisation.id).where(account_id == ACCOUNT))


def _merged(old: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    both = {**old, **fresh}
    return {name: value for name, value in both.items() if value is not None}


def apply_crm_account(
    *,
    account_id: str,
    name: str,
    kind: str = Kind.CUSTOMER.value,
    country: str = "",
    region: str = "",
    attributes: Mapping[str, Any] | None = None,
) -> int:
    """Take over what the CRM says of an account; return the organisation, which is made when it is new."""
    wanted = select(Organisation).where(account_id == ACCOUNT).with_for_update()
    found = db.session.scalar(wanted)
    if found is None:
        found = Organisation(name=name, kind=kind, country=country, region=region, crm={"account_id": account_id})
        db.session.add(found)
    fresh = _merged(found.crm, {**(attributes or {}), "account_id": account_id})
    told = {"name": name, "country": country or found.country, "region": region or found.region, "crm": fresh}
    changed = found.id is None or any(getattr(found, field) != value for field, value in told.items())
    for field, value in told.items():
        setattr(found, field, value)
    db.session.flush()
    if changed:
        publish(OrganisationChanged(organisation_id=found.id))
    return found.id


def contacts_merged(gone_id: str, kept_id: str) -> int | None:
    """Follow a merge in the CRM: whoever was the contact that is gone is now the one that was kept.

    Return the member concerned, or None. A member who is already the kept contact keeps it, and the other link ends.
    Where they are two members, the CRM says that these are one person; whether that is so, a person decides.
    """
    member_id, holder = _member_of(gone_id), _member_of(kept_id)
    if member_id is None:
        return None
    link = update(Identity).where(Identity.kind == CONTACT, Identity.value == gone_id, Identity.verified)
    if holder is None:
        db.session.execute(link.values(value=kept_id, evidence=f"merged in the CRM from {gone_id}", since=now()))
        return member_id
    db.session.execute(link.values(verified=False, evidence=f"merged in the CRM into {kept_id}"))
    if holder != member_id:
        asked = identities.doubt(identities.JOINED_IN_CRM, holder, other_id=member_id)
        asked.why, asked.evidence = identities.JOINED_IN_CRM, {"contact": gone_id, "other_contact": kept_id}
    return member_id


def waiting_for_a_person(member_ids: Collection[int]) -> set[int]:
    """Return those whose contact the CRM joined to another member's, as long as nobody has decided what they are.

    The contact that was kept is the other member's, and a new one would be one too many.
    """
    proven = select(Identity.id).where(
        Identity.member_id == IdentityDoubt.other_id, Identity.kind == CONTACT, Identity.verified
    )
    asked = select(IdentityDoubt.other_id).where(
        IdentityDoubt.other_id.in_(set(member_ids)), IdentityDoubt.why == identities.JOINED_IN_CRM,
        IdentityDoubt.state.in_(identities.UNDECIDED), ~proven.exists(),
    )  # fmt: skip
    return {member_id for member_id in db.session.scalars(asked) if member_id is not None}
