"""Reading what staff and organisations look after: members by search, invitations, organisations, identities."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select, tuple_

from portal.kernel.database import db
from portal.kernel.errors import NotFound
from portal.kernel.paging import Page, decode_cursor, page_of
from portal.members.models import Identity, Member, Organisation
from portal.members.queries import CARD, PAGE, MemberCard, MemberLine

LONGEST_NUMBER = 18
EVIDENCE = {
    "proven address": _l("a confirmed address"),
    "said by the member": _l("her own word"),
    "link of an invitation": _l("the link of an invitation"),
    "link opened on": _l("a link that was opened"),
    "decided by a person": _l("a person’s decision"),
    "merged in the CRM": _l("the customer file joined two contacts"),
}
"""What the notes of evidence begin with, and what they mean."""


@dataclass(frozen=True, slots=True)
class IdentityCard:
    """One way a member is known outside, and what shows it."""

    id: int
    kind: str
    value: str
    verified: bool
    evidence: str
    since: datetime
    is_own_address: bool

    @property
    def shown_by(self) -> object:
        """Return what shows that this is she, in the reader's language where we have words for it."""
        known = next((words for start, words in EVIDENCE.items() if self.evidence.startswith(start)), None)
        return self.evidence if known is None else known


@dataclass(frozen=True, slots=True)
class StaffView:
    """A member as staff sees her."""

    card: MemberCard
    email: str | None
    email_verified_at: datetime | None
    roles: tuple[str, ...]
    organisation_id: int | None
    organisation_admin: bool
    guest: bool
    active: bool
    placeholder: bool
    merged_into_id: int | None
    joined_at: datetime
    last_seen_at: datetime | None
    suspended_until: datetime | None
    external: str
    crm: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Colleague:
    """A member of an organisation, as its admin sees her."""

    card: MemberCard
    email: str | None
    admin: bool
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class MembersWanted:
    """Whom staff looks for."""

    words: str = ""
    kind: str | None = None
    role: str | None = None
    organisation_id: int | None = None
    placeholders: bool = False


def search_members(wanted: MembersWanted, cursor: str | None = None, *, size: int = PAGE) -> Page[MemberLine]:
    """Return members by name, address or id, and by filters, the newest first."""
    found = CARD.add_columns(
        Member.joined_at, Member.city, Member.email, Member.email_verified_at, Member.roles, Member.last_seen_at
    ).where(Member.active, Member.placeholder == wanted.placeholders)
    if wanted.words:
        like = [Member.name.icontains(wanted.words, autoescape=True)]
        like.append(Member.email.icontains(wanted.words, autoescape=True))
        proven = select(Identity.member_id).where(Identity.value.icontains(wanted.words, autoescape=True))
        like.append(Member.id.in_(proven))
        found = found.where(or_(*like))
    if wanted.kind is not None:
        found = found.where(Member.kind == wanted.kind)
    if wanted.role is not None:
        found = found.where(Member.roles.contains([wanted.role]))
    if wanted.organisation_id is not None:
        found = found.where(Member.organisation_id == wanted.organisation_id)
    if after := decode_cursor(cursor, lambda part: datetime.fromisoformat(str(part)), lambda part: int(str(part))):
        found = found.where(tuple_(Member.joined_at, Member.id) < tuple_(*after))
    rows = db.session.execute(found.order_by(Member.joined_at.desc(), Member.id.desc()).limit(size + 1)).all()
    page = page_of(rows, size=size, key=lambda row: (row.joined_at, row.id))
    return Page([MemberLine(MemberCard(*row[:5]), *row[5:]) for row in page.items], page.next)


def staff_view(member_id: int) -> StaffView:
    """Return a member as staff sees her, closed accounts included.

    :raise NotFound: when there is no such member.
    """
    found = select(Member, Organisation.name).outerjoin(Organisation, Organisation.id == Member.organisation_id)
    row = db.session.execute(found.where(Member.id == member_id)).one_or_none()
    if row is None:
        raise NotFound(_l("There is no such member."))
    who, organisation = row
    return StaffView(
        card=MemberCard(who.id, who.name, who.kind, organisation, who.placeholder),
        email=who.email,
        email_verified_at=who.email_verified_at,
        roles=tuple(who.roles),
        organisation_id=who.organisation_id,
        organisation_admin=who.organisation_admin,
        guest=who.guest,
        active=who.active,
        placeholder=who.placeholder,
        merged_into_id=who.merged_into_id,
        joined_at=who.joined_at,
        last_seen_at=who.last_seen_at,
        suspended_until=who.suspended_until,
        external=f"{who.external_origin}: {who.external_id}" if who.external_id else "",
        crm=dict(who.crm),
    )


def identities_of(member_id: int) -> list[IdentityCard]:
    """Return the ways in which a member is known outside, by kind; keys of providers are left to the security page."""
    own = select(Member.email).filter_by(id=member_id).scalar_subquery()
    rows = db.session.execute(
        select(
            Identity.id, Identity.kind, Identity.value, Identity.verified, Identity.evidence, Identity.since,
            func.coalesce((Identity.kind == "email") & (Identity.value == own), False),
        )
        .where(Identity.member_id == member_id, Identity.kind != "oidc")
        .order_by(Identity.kind, Identity.id)
    )  # fmt: skip
    return [IdentityCard(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Reader:
    """To whom a mail about her account goes, and in which language."""

    name: str
    email: str
    lang: str


def readers_of(member_ids: Collection[int]) -> dict[int, Reader]:
    """Return how to write to those of these members who have confirmed an address, closed accounts included."""
    wanted = select(Member.id, Member.name, Member.email, Member.lang).where(
        Member.id.in_(set(member_ids)), Member.email_verified_at.is_not(None), Member.erased_at.is_(None)
    )
    return {row.id: Reader(row.name, row.email, row.lang) for row in db.session.execute(wanted) if row.email}


# Organisations


def is_admin_of(member_id: int | None, organisation_id: int) -> bool:
    """Return whether a member looks after an organisation."""
    if member_id is None:
        return False
    found = select(Member.id).filter_by(
        id=member_id, organisation_id=organisation_id, organisation_admin=True, active=True
    )
    return db.session.scalar(found) is not None


def colleagues(organisation_id: int) -> list[Colleague]:
    """Return the members of an organisation by name, as its admin sees them."""
    rows = db.session.execute(
        CARD.add_columns(Member.email, Member.organisation_admin, Member.last_seen_at)
        .where(Member.organisation_id == organisation_id, Member.active)
        .order_by(Member.name, Member.id)
    )
    return [Colleague(MemberCard(*row[:5]), *row[5:]) for row in rows]


def organisations(words: str = "", kind: str | None = None, size: int = 200) -> list[Any]:
    """Return organisations by name: id, name, kind, country, members, and how many of them look after it."""
    wanted = (
        select(
            Organisation.id,
            Organisation.name,
            Organisation.kind,
            Organisation.country,
            func.count(Member.id).label("members"),
            func.count(Member.id).filter(Member.organisation_admin).label("admins"),
        )
        .outerjoin(Member, (Member.organisation_id == Organisation.id) & Member.active)
        .group_by(Organisation.id)
        .order_by(Organisation.name, Organisation.id)
        .limit(size)
    )
    if words:
        wanted = wanted.where(Organisation.name.icontains(words, autoescape=True))
    if kind is not None:
        wanted = wanted.where(Organisation.kind == kind)
    return list(db.session.execute(wanted))


def organisation_named(words: str) -> int:
    """Return the organisation with this key, number or name.

    :raise NotFound: when there is none, or several have this name.
    """
    number = int(words) if words.isdecimal() and len(words) < LONGEST_NUMBER else 0
    found = select(Organisation.id).where(
        (Organisation.key == words) | (Organisation.id == number) | (func.lower(Organisation.name) == words.lower())
    )
    ids = db.session.scalars(found.limit(2)).all()
    if len(ids) != 1:
        raise NotFound(_l("There is no organisation “%(key)s”, or more than one.", key=words))
    return ids[0]


def names_of(member_ids: Collection[int]) -> dict[int, str]:
    """Return the names of members, closed accounts included."""
    rows = db.session.execute(select(Member.id, Member.name).where(Member.id.in_(set(member_ids))))
    return {row[0]: row[1] for row in rows}
