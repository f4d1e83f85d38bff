"""Every question about people."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, case, func, select, tuple_

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import NotFound
from portal.kernel.formats import initials
from portal.kernel.paging import Page, decode_cursor, page_of
from portal.kernel.text import slug
from portal.members.models import ApiToken, Consent, Identity, Member, MemberSession, Organisation, Segment
from portal.members.policy import Viewer
from portal.members.rules import AGREED_BY_DEFAULT, TEXTS, Purpose

PAGE = 50


@dataclass(frozen=True, slots=True)
class MemberCard:
    """A member in a line: what every list shows of its authors."""

    id: int
    name: str
    kind: str
    organisation: str | None = None
    placeholder: bool = False

    @property
    def url(self) -> str:
        """Return the address of the member's page."""
        return f"/members/{self.id}/{_slug(self.name)}"

    @property
    def initials(self) -> str:
        """Return one or two letters for the face."""
        return initials(self.name)


@dataclass(frozen=True, slots=True)
class MemberLine:
    """A member in the list of members. Address, roles and last visit are for staff."""

    card: MemberCard
    joined_at: datetime
    city: str
    email: str | None
    email_verified_at: datetime | None
    roles: list[str]
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Profile:
    """What anybody may see of a member."""

    id: int
    name: str
    kind: str
    roles: tuple[str, ...]
    job: str
    city: str
    country: str
    bio: str
    lang: str
    joined_at: datetime
    placeholder: bool
    external_id: str | None
    organisation_id: int | None
    organisation: str | None
    purchases_verified: bool

    @property
    def card(self) -> MemberCard:
        """Return the member in a line."""
        return MemberCard(self.id, self.name, self.kind, self.organisation, self.placeholder)

    @property
    def url(self) -> str:
        """Return the address of the member's page."""
        return self.card.url


@dataclass(frozen=True, slots=True)
class OrganisationCard:
    """An organisation in a line."""

    id: int
    name: str
    kind: str
    key: str | None
    country: str
    region: str
    note: str
    members: int

    @property
    def url(self) -> str:
        """Return the address of the organisation's page."""
        return f"/organisations/{self.id}/{_slug(self.name)}"


@dataclass(frozen=True, slots=True)
class TokenCard:
    """A token for programs, without its secret."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionCard:
    """A device on which a member is signed in."""

    id: int
    agent: str
    address: str
    opened_at: datetime
    seen_at: datetime
    is_current: bool


@lru_cache(maxsize=8192)
def _slug(name: str) -> str:
    return slug(name)


CARD = (
    select(Member.id, Member.name, Member.kind, Organisation.name, Member.placeholder)
    .select_from(Member)
    .outerjoin(Organisation, Organisation.id == Member.organisation_id)
)


def member_cards(ids: Iterable[int | None]) -> dict[int, MemberCard]:
    """Return members in a line, by id; one query. Unknown ids are not there."""
    wanted = {member_id for member_id in ids if member_id is not None}
    if not wanted:
        return {}
    rows = db.session.execute(CARD.where(Member.id.in_(wanted)))
    return {row[0]: MemberCard(*row) for row in rows}


def member_card(member_id: int) -> MemberCard:
    """Return one member in a line.

    :raise NotFound: when there is no such member.
    """
    card = member_cards([member_id]).get(member_id)
    if card is None:
        raise _no_member()
    return card


def profile(member_id: int) -> Profile:
    """Return what anybody may see of a member.

    :raise NotFound: when there is no such member, or the account is closed.
    """
    found = (
        select(Member, Organisation.name, _is_known_to_crm())
        .outerjoin(Organisation, Organisation.id == Member.organisation_id)
        .where(Member.id == member_id, Member.active)
    )
    row = db.session.execute(found).one_or_none()
    if row is None:
        raise _no_member()
    who, organisation, is_known = row
    return Profile(
        id=who.id,
        name=who.name,
        kind=who.kind,
        roles=tuple(who.roles),
        job=who.job,
        city=who.city,
        country=who.country,
        bio=who.bio,
        lang=who.lang,
        joined_at=who.joined_at,
        placeholder=who.placeholder,
        external_id=who.external_id,
        organisation_id=who.organisation_id,
        organisation=organisation,
        purchases_verified=is_known,
    )


def _is_known_to_crm() -> Any:
    proven = select(Identity.id).where(
        Identity.member_id == Member.id, Identity.kind == "crm_contact", Identity.verified
    )
    return proven.exists()


def _no_member() -> NotFound:
    return NotFound(_l("There is no such member."))


def member_for_update(member_id: int) -> Member:
    """Return a member, locked until the transaction ends.

    :raise NotFound: when there is no such member.
    """
    found = db.session.scalar(select(Member).filter_by(id=member_id).with_for_update())
    if found is None:
        raise _no_member()
    return found


def viewer_of(member_id: int) -> Viewer:
    """Return a member as the one who asks, for jobs and loaders that act in her name.

    :raise NotFound: when there is no such member.
    """
    who = db.session.get(Member, member_id)
    if who is None:
        raise _no_member()
    return Viewer(
        member_id=who.id,
        name=who.name,
        kind=who.kind,
        roles=frozenset(who.roles),
        segments=frozenset(who.segments),
        organisation_id=who.organisation_id,
        lang=who.lang,
        verified=who.email_verified_at is not None,
        joined_days=(now() - who.joined_at).days,
        suspended_until=who.suspended_until,
        trust_level=who.trust_level,
    )


def member_by_email(email: str) -> Member | None:
    """Return the member with this address, whatever its capitals."""
    return db.session.scalar(select(Member).filter_by(email=email))


def member_by_uniquifier(uniquifier: str) -> Member | None:
    """Return the member whose mailed links are made from this, locked: of two who open one link, one finds it used."""
    return db.session.scalar(select(Member).filter_by(fs_uniquifier=uniquifier).with_for_update())


def email_of(member_id: int) -> str | None:
    """Return a member's address; for herself."""
    return db.session.scalar(select(Member.email).filter_by(id=member_id))


def member_id_by_email(email: str) -> int | None:
    """Return the id of the member with this address."""
    return db.session.scalar(select(Member.id).filter_by(email=email))


def member_ids_by_external(origin: str, external_ids: Collection[str]) -> dict[str, int]:
    """Return the members that stand for the authors of an imported source, by the source's ids: claimed ones, too."""
    if not external_ids:
        return {}
    rows = db.session.execute(
        select(Member.external_id, func.coalesce(Member.merged_into_id, Member.id)).where(
            Member.external_origin == origin, Member.external_id.in_(set(external_ids))
        )
    )
    return {str(row[0]): row[1] for row in rows}


def newest_members(cursor: str | None = None, *, kind: str | None = None, size: int = PAGE) -> Page[MemberLine]:
    """Return members who have an account, the newest first."""
    wanted = CARD.add_columns(
        Member.joined_at, Member.city, Member.email, Member.email_verified_at, Member.roles, Member.last_seen_at
    ).where(Member.active, ~Member.placeholder)
    if kind is not None:
        wanted = wanted.where(Member.kind == kind)
    if after := decode_cursor(cursor, lambda part: datetime.fromisoformat(str(part)), lambda part: int(str(part))):
        wanted = wanted.where(tuple_(Member.joined_at, Member.id) < tuple_(*after))
    rows = db.session.execute(wanted.order_by(Member.joined_at.desc(), Member.id.desc()).limit(size + 1)).all()
    page = page_of(rows, size=size, key=lambda row: (row.joined_at, row.id))
    return Page([MemberLine(MemberCard(*row[:5]), *row[5:]) for row in page.items], page.next)


def count_by_kind() -> dict[str, int]:
    """Return how many members of each kind have an account."""
    found = select(Member.kind, func.count()).where(Member.active, ~Member.placeholder).group_by(Member.kind)
    return {row[0]: row[1] for row in db.session.execute(found)}


def count_members() -> int:
    """Return how many members have an account."""
    found = select(func.count()).select_from(Member).where(Member.active, ~Member.placeholder)
    return db.session.scalar(found) or 0


def staff_ids(*roles: str) -> list[int]:
    """Return the active members of the staff who hold one of these roles, or all of them."""
    wanted = select(Member.id).where(Member.active, Member.kind == "staff")
    if roles:
        wanted = wanted.where(Member.roles.overlap(list(roles)))
    return list(db.session.scalars(wanted.order_by(Member.id)))


# Organisations


def _organisation_cards() -> "Select[Any]":
    people = (
        select(func.count())
        .select_from(Member)
        .where(Member.organisation_id == Organisation.id, Member.active)
        .scalar_subquery()
    )
    return select(
        Organisation.id,
        Organisation.name,
        Organisation.kind,
        Organisation.key,
        Organisation.country,
        Organisation.region,
        Organisation.note,
        people,
    )


def organisation_card(organisation_id: int) -> OrganisationCard:
    """Return one organisation.

    :raise NotFound: when there is no such organisation.
    """
    row = db.session.execute(_organisation_cards().where(Organisation.id == organisation_id)).one_or_none()
    if row is None:
        raise NotFound(_l("There is no such organisation."))
    return OrganisationCard(*row)


def organisation_by_key(key: str) -> Organisation | None:
    """Return an organisation by its key."""
    return db.session.scalar(select(Organisation).filter_by(key=key))


def members_of(organisation_id: int) -> list[MemberCard]:
    """Return the members of an organisation by name."""
    rows = db.session.execute(
        CARD.where(Member.organisation_id == organisation_id, Member.active).order_by(Member.name, Member.id)
    )
    return [MemberCard(*row) for row in rows]


# Segments


def segments() -> list[Segment]:
    """Return all segments by key."""
    return list(db.session.scalars(select(Segment).order_by(Segment.key)))


def count_by_segment() -> dict[str, int]:
    """Return how many members are in each segment that has any."""
    key = func.unnest(Member.segments).label("key")
    inside = select(key).where(Member.active, ~Member.placeholder).subquery()
    rows = db.session.execute(select(inside.c.key, func.count()).group_by(inside.c.key))
    return {str(row[0]): row[1] for row in rows}


def members_in(segment: str) -> list[int]:
    """Return the members of a segment."""
    return list(db.session.scalars(select(Member.id).where(Member.segments.contains([segment]), Member.active)))


# Sessions, tokens, consent


def sessions_of(member_id: int, current: str | None = None) -> list[SessionCard]:
    """Return where a member is signed in, the latest first."""
    rows = db.session.scalars(
        select(MemberSession)
        .where(MemberSession.member_id == member_id, MemberSession.closed_at.is_(None))
        .order_by(MemberSession.seen_at.desc(), MemberSession.id.desc())
        .limit(PAGE)
    )
    return [SessionCard(s.id, s.agent, s.address, s.opened_at, s.seen_at, s.key == current) for s in rows]


def tokens_of(member_id: int) -> list[TokenCard]:
    """Return a member's tokens that still work, the newest first."""
    rows = db.session.scalars(
        select(ApiToken)
        .where(ApiToken.member_id == member_id, ApiToken.revoked_at.is_(None))
        .order_by(ApiToken.id.desc())
    )
    return [TokenCard(t.id, t.name, tuple(t.scopes), t.created_at, t.used_at) for t in rows]


def agrees(member_id: int, purpose: Purpose) -> bool:
    """Return whether a member agrees to a purpose."""
    return member_id in who_agrees([member_id], purpose)


def erased_among(member_ids: Collection[int]) -> set[int]:
    """Return which of these members have been erased."""
    found = select(Member.id).where(Member.id.in_(set(member_ids)), Member.erased_at.is_not(None))
    return set(db.session.scalars(found)) if member_ids else set()


def erased_members() -> set[int]:
    """Return everybody who has been erased: nothing is learned of them any more."""
    return set(db.session.scalars(select(Member.id).where(Member.erased_at.is_not(None))))


def _last_word(purpose: Purpose) -> Any:
    """Return what a member said last of a purpose; a yes to an older text of it is no word at all."""
    return (
        select(case((Consent.given & (Consent.terms < TEXTS[purpose]), None), else_=Consent.given))
        .where(Consent.member_id == Member.id, Consent.purpose == purpose.value)
        .order_by(Consent.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def who_objects(member_ids: Collection[int], purpose: Purpose) -> set[int]:
    """Return which of these members said no to a purpose, whatever the terms say."""
    if not member_ids:
        return set()
    found = select(Member.id).where(Member.id.in_(set(member_ids)), _last_word(purpose).is_(False))
    return set(db.session.scalars(found))


def who_agrees(member_ids: Collection[int], purpose: Purpose) -> set[int]:
    """Return which of these members agree to a purpose: by their last word, or by the terms they joined under.

    Placeholders have never agreed to anything.
    """
    if not member_ids:
        return set()
    last = _last_word(purpose)
    agreed = func.coalesce(last, purpose in AGREED_BY_DEFAULT)
    found = select(Member.id).where(Member.id.in_(set(member_ids)), Member.active, ~Member.placeholder, agreed)
    return set(db.session.scalars(found))
