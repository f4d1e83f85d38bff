"""Every question about reputation."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from portal.analytics.models import AnswerCourse, IdeaCourse, MemberDay, MemberTrust
from portal.analytics.reputation.models import (
    Badge,
    Reputation,
    ReputationEntry,
    TrustSpread,
    TrustStanding,
)
from portal.analytics.reputation.rules import TRUSTED, WORTH, Entry
from portal.kernel.database import db
from portal.kernel.paging import Page, decode_cursor, page_of
from portal.members.models import Member
from portal.members.rules import Kind as MemberKind

PAGE = 50
GOOD = timedelta(days=3650)
"""Whoever is suspended for longer is so for good."""
LINES = ReputationEntry


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line of a member's ledger as its page shows it. ``counted`` are points."""

    id: int
    kind: str
    object_kind: str
    object_id: int
    actor_id: int | None
    points: int
    weight: float
    counted: float
    cap: str
    policy: int
    at: datetime
    reversed_at: datetime | None
    reversed_why: str | None


@dataclass(frozen=True, slots=True)
class Sum:
    """What a member's lines add up to; ``place`` of ``ranked``, None while it is too early for a public place."""

    points: float = 0.0
    people: int = 0
    days: int = 0
    place: int | None = None
    ranked: int = 0
    folded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BadgeCard:
    """A badge that a member holds."""

    key: str
    ground: Mapping[str, Any]
    since: datetime


def is_seed() -> Any:
    """Return the condition for those whom the company knows: staff and contacts of the CRM, not suspended for good."""
    known = Member.crm["contact_id"].as_string().is_not(None)
    for_good = func.coalesce(Member.suspended_until > func.now() + GOOD, False)
    return and_(Member.active, (Member.kind == MemberKind.STAFF.value) | known, ~for_good)


def seeds() -> set[int]:
    """Return those whose word weighs in full."""
    return set(db.session.scalars(select(Member.id).where(is_seed())))


def voices_of(member_ids: Collection[int]) -> dict[int, float]:
    """Return how much the words of members weigh; seeds weigh in full also before the next spreading."""
    if not member_ids:
        return {}
    rows = db.session.execute(
        select(Member.id, case((is_seed(), 1.0), else_=func.coalesce(MemberTrust.voice, 0.0)))
        .outerjoin(MemberTrust, MemberTrust.member_id == Member.id)
        .where(Member.id.in_(list(member_ids)))
    )
    return {member_id: float(voice) for member_id, voice in rows}


def vouchers() -> list[tuple[int, int, float]]:
    """Return who vouched for whom, and how much: what stands in the ledger."""
    worth = case(*((LINES.kind == kind, value.vouches) for kind, value in WORTH.items() if value.vouches), else_=0.0)
    by, of = _now(LINES.actor_id), _now(LINES.beneficiary_id)
    wanted = (
        select(by, of, func.sum(worth))
        .where(LINES.reverses_id.is_(None), LINES.reversed_by.is_(None), LINES.actor_id.is_not(None), by != of)
        .group_by(by, of)
        .having(func.sum(worth) > 0)
    )
    return [(a, b, float(w)) for a, b, w in db.session.execute(wanted)]


def _now(column: Any) -> Any:
    """Return whom a number means today: a member who was merged is the other one."""
    other = aliased(Member)
    return func.coalesce(select(other.merged_into_id).where(other.id == column).scalar_subquery(), column)


def entries_of(member_ids: Collection[int]) -> dict[int, list[Entry]]:
    """Return the lines of members, those of accounts that were merged into theirs included."""
    owner = func.coalesce(Member.merged_into_id, LINES.beneficiary_id).label("owner")
    actor = _now(LINES.actor_id)
    same = or_(
        LINES.beneficiary_id.in_(list(member_ids)),
        LINES.beneficiary_id.in_(select(Member.id).where(Member.merged_into_id.in_(list(member_ids)))),
    )
    rows = db.session.execute(
        select(owner, LINES.id, LINES.kind, LINES.at, LINES.object_kind, LINES.object_id, actor, LINES.points,
               LINES.reverses_id)
        .outerjoin(Member, Member.id == LINES.beneficiary_id)
        .where(same)
    )  # fmt: skip
    found: dict[int, list[Entry]] = defaultdict(list)
    for whose, line_id, kind, at, object_kind, object_id, actor_id, points, reverses in rows:
        found[whose].append(Entry(
            id=line_id, beneficiary_id=whose, kind=kind, at=at, object_kind=object_kind, object_id=object_id,
            actor_id=None if actor_id == whose else actor_id, points=0 if actor_id == whose else points,
            reverses=reverses,
        ))  # fmt: skip
    return found


def stale(limit: int) -> list[int]:
    """Return members whose lines have changed since they were folded."""
    wanted = select(Reputation.member_id).where(Reputation.stale).order_by(Reputation.member_id).limit(limit)
    return list(db.session.scalars(wanted))


def with_other_weights(tolerance: float) -> list[int]:
    """Return members whose lines were folded with weights that do not hold any more."""
    voice = func.coalesce(MemberTrust.voice, 0.0)
    wanted = (
        select(LINES.beneficiary_id)
        .outerjoin(MemberTrust, MemberTrust.member_id == LINES.actor_id)
        .where(LINES.reverses_id.is_(None), LINES.points > 0, func.abs(LINES.weight - voice) > tolerance)
        .distinct()
    )
    return list(db.session.scalars(wanted))


def ledger_of(member_id: int, cursor: str | None = None, size: int = PAGE) -> Page[LedgerLine]:
    """Return a member's lines, the newest first, with what reversed them."""
    after = decode_cursor(cursor, lambda part: datetime.fromisoformat(str(part)), lambda part: int(str(part)))
    strike = select(LINES.id, LINES.at, LINES.kind).subquery()
    wanted = (
        select(LINES.id, LINES.kind, LINES.object_kind, LINES.object_id, LINES.actor_id, LINES.points, LINES.weight,
               LINES.counted, LINES.cap, LINES.policy, LINES.at, strike.c.at, strike.c.kind)
        .outerjoin(strike, strike.c.id == LINES.reversed_by)
        .where(LINES.beneficiary_id.in_(_accounts(member_id)), LINES.kind.in_(list(WORTH)))
        .order_by(LINES.at.desc(), LINES.id.desc())
        .limit(size + 1)
    )  # fmt: skip
    if after is not None:
        wanted = wanted.where(or_(LINES.at < after[0], and_(LINES.at == after[0], LINES.id < after[1])))
    lines = [
        LedgerLine(*row[:7], counted=row[7] / 1000, cap=row[8], policy=row[9], at=row[10], reversed_at=row[11],
                   reversed_why=row[12])
        for row in db.session.execute(wanted)
    ]  # fmt: skip
    return page_of(lines, size=size, key=lambda line: (line.at, line.id))


def _accounts(member_id: int) -> Select[int]:
    return select(Member.id).where(or_(Member.id == member_id, Member.merged_into_id == member_id))


def sums_by_kind(member_id: int) -> list[tuple[str, int, float]]:
    """Return what each kind of line brought a member: how many stand, and points."""
    rows = db.session.execute(
        select(LINES.kind, func.count(), func.sum(LINES.counted))
        .where(LINES.beneficiary_id.in_(_accounts(member_id)), LINES.reversed_by.is_(None), LINES.kind.in_(list(WORTH)))
        .group_by(LINES.kind)
        .order_by(func.sum(LINES.counted).desc())
    )
    return [(kind, n, float(points) / 1000) for kind, n, points in rows]


def sum_of(member_id: int) -> Sum:
    """Return what a member's lines add up to."""
    return sums_of([member_id])[member_id]


def sums_of(member_ids: Collection[int]) -> dict[int, Sum]:
    """Return what members' lines add up to."""
    rows = db.session.scalars(select(Reputation).where(Reputation.member_id.in_(list(member_ids))))
    found = {
        row.member_id: Sum(row.points / 1000, row.people, row.days, row.place, row.ranked, row.folded_at)
        for row in rows
    }
    return {member_id: found.get(member_id, Sum()) for member_id in member_ids}


def badges_of(member_ids: Collection[int]) -> dict[int, list[BadgeCard]]:
    """Return the badges that members hold, the newest first."""
    wanted = select(Badge).where(Badge.member_id.in_(list(member_ids)), Badge.revoked_at.is_(None))
    found: dict[int, list[BadgeCard]] = defaultdict(list)
    for row in db.session.scalars(wanted.order_by(Badge.since.desc(), Badge.key)):
        found[row.member_id].append(BadgeCard(row.key, row.ground, row.since))
    return found


def badges_ever(member_ids: Collection[int]) -> dict[int, dict[str, bool]]:
    """Return every badge that members hold or held, and whether it stands."""
    rows = db.session.execute(
        select(Badge.member_id, Badge.key, Badge.revoked_at.is_(None)).where(Badge.member_id.in_(list(member_ids)))
    )
    found: dict[int, dict[str, bool]] = defaultdict(dict)
    for member_id, key, stands in rows:
        found[member_id][key] = stands
    return found


def standings(member_ids: Collection[int]) -> dict[int, TrustStanding]:
    """Return what members' levels were last worked out from."""
    wanted = select(TrustStanding).where(TrustStanding.member_id.in_(list(member_ids)))
    return {row.member_id: row for row in db.session.scalars(wanted)}


def levels(member_ids: Collection[int]) -> dict[int, int]:
    """Return how far members are trusted."""
    rows = db.session.execute(select(Member.id, Member.trust_level).where(Member.id.in_(list(member_ids))))
    return dict(rows.all())


# What levels are worked out from


@dataclass(frozen=True, slots=True)
class Person:
    """Who a member is to the company, and her level as it stands."""

    id: int
    staff: bool
    known: bool
    level: int
    joined_at: datetime


def people(member_ids: Collection[int]) -> list[Person]:
    """Return members with an account."""
    rows = db.session.execute(
        select(Member.id, Member.kind == MemberKind.STAFF.value, is_seed(), Member.trust_level, Member.joined_at)
        .where(Member.id.in_(list(member_ids)), Member.active)
    )  # fmt: skip
    return [Person(*row) for row in rows]


def contributions(member_ids: Collection[int], since: datetime) -> dict[int, set[tuple[str, int]]]:
    """Return the ideas and the answers to others that members wrote since a moment, hidden ones included."""
    ids = list(member_ids)
    found: dict[int, set[tuple[str, int]]] = defaultdict(set)
    ideas = select(IdeaCourse.author_id, IdeaCourse.idea_id)
    for author, idea in db.session.execute(ideas.where(IdeaCourse.author_id.in_(ids), IdeaCourse.posted_at >= since)):
        found[author].add(("idea", idea))
    answers = select(AnswerCourse.author_id, AnswerCourse.answer_id)
    for author, answer in db.session.execute(
        answers.where(AnswerCourse.author_id.in_(ids), AnswerCourse.given_at >= since)
    ):
        found[author].add(("answer", answer))
    return found


def well_received(member_ids: Collection[int]) -> dict[int, set[tuple[str, int]]]:
    """Return the things of members for which somebody trusted gave them points that stand."""
    rows = db.session.execute(
        select(LINES.beneficiary_id, LINES.object_kind, LINES.object_id)
        .where(LINES.beneficiary_id.in_(list(member_ids)), LINES.counted > 0, LINES.weight >= TRUSTED)
        .distinct()
    )
    found: dict[int, set[tuple[str, int]]] = defaultdict(set)
    for member_id, kind, thing in rows:
        found[member_id].add((kind, thing))
    return found


def active_days(member_ids: Collection[int], since: date) -> dict[int, int]:
    """Return on how many days since one members did something."""
    rows = db.session.execute(
        select(MemberDay.member_id, func.count(MemberDay.day.distinct()))
        .where(MemberDay.member_id.in_(list(member_ids)), MemberDay.day >= since, MemberDay.n > 0)
        .group_by(MemberDay.member_id)
    )
    return dict(rows.all())


def flags(member_ids: Collection[int], since: datetime) -> dict[int, int]:
    """Return how much of what members wrote moderators hid since a moment, and did not show again."""
    rows = db.session.execute(
        select(LINES.beneficiary_id, func.count())
        .where(LINES.beneficiary_id.in_(list(member_ids)), LINES.kind == "hidden", LINES.at >= since,
               LINES.reversed_by.is_(None))
        .group_by(LINES.beneficiary_id)
    )  # fmt: skip
    return dict(rows.all())


def everybody(after_id: int, limit: int) -> Sequence[int]:
    """Return members with an account in order of number, to go through all of them."""
    wanted = select(Member.id).where(Member.id > after_id, Member.active, ~Member.placeholder)
    return db.session.scalars(wanted.order_by(Member.id).limit(limit)).all()


def last_line() -> int:
    """Return the number of the newest line of the ledger."""
    return db.session.scalar(select(func.max(LINES.id))) or 0


def spread_to() -> int:
    """Return the newest line that trust was spread through."""
    return db.session.scalar(select(func.max(TrustSpread.line_id))) or 0


def seeds_unheard() -> bool:
    """Return whether somebody whom the company knows has not got her full weight yet, or has it no more."""
    new = select(Member.id).outerjoin(MemberTrust, MemberTrust.member_id == Member.id).where(
        is_seed(), or_(MemberTrust.voice.is_(None), MemberTrust.voice < 1)
    )  # fmt: skip
    if db.session.scalar(select(new.exists())):
        return True
    known = db.session.scalar(select(func.count()).select_from(Member).where(is_seed())) or 0
    return known != (db.session.scalar(select(func.max(TrustSpread.seeds))) or 0)


def names_of(kinds: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """Return the numbers of things by their kind."""
    found: dict[str, list[int]] = defaultdict(list)
    for kind, thing in kinds:
        found[kind].append(thing)
    return found
