"""Every question about what members were given, and about whom a rule names."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select

from portal.analytics.models import IdeaCourse
from portal.analytics.reputation.models import Badge, Benefit, BenefitEntry
from portal.kernel.clock import today
from portal.kernel.database import db
from portal.kernel.paging import Page, decode_cursor, page_of
from portal.members.models import Member
from portal.members.rules import Kind as MemberKind

PAGE = 50


@dataclass(frozen=True, slots=True)
class BenefitLine:
    """Something that a member was given. ``state`` is given, claimed, withdrawn or expired."""

    id: int
    member_id: int
    kind: str
    title: str
    body: str
    rule: str
    object_kind: str
    object_id: int | None
    claim_until: date | None
    given_by: int | None
    given_at: datetime
    state: str
    note: str
    changed_at: datetime


def benefits_of(member_id: int) -> list[BenefitLine]:
    """Return what a member was given, the newest first."""
    return _benefits(select(Benefit).where(Benefit.member_id == member_id).order_by(Benefit.id.desc()))


def benefits_with(ids: Collection[int]) -> list[BenefitLine]:
    """Return benefits by their numbers, the newest first."""
    return _benefits(select(Benefit).where(Benefit.id.in_(list(ids))).order_by(Benefit.id.desc()))


def newest_benefits(cursor: str | None, size: int = PAGE) -> Page[BenefitLine]:
    """Return what was given to anybody, the newest first."""
    after = decode_cursor(cursor, lambda part: int(str(part)))
    wanted = select(Benefit).order_by(Benefit.id.desc()).limit(size + 1)
    if after is not None:
        wanted = wanted.where(Benefit.id < after[0])
    return page_of(_benefits(wanted), size=size, key=lambda line: (line.id,))


def _benefits(wanted: Select[Benefit]) -> list[BenefitLine]:
    rows = db.session.scalars(wanted).all()
    last = _last_lines([row.id for row in rows])
    states = states_of_benefits([row.id for row in rows])
    return [
        BenefitLine(
            row.id, row.member_id, row.kind, row.title, row.body, row.rule, row.object_kind, row.object_id,
            row.claim_until, row.given_by, row.given_at, _state(states[row.id], row.claim_until), last[row.id].note,
            last[row.id].at,
        )
        for row in rows
    ]  # fmt: skip


def _state(state: str, claim_until: date | None) -> str:
    return "expired" if state == "given" and claim_until is not None and claim_until < today() else state


def _last_lines(ids: Collection[int]) -> dict[int, BenefitEntry]:
    wanted = select(BenefitEntry).where(BenefitEntry.benefit_id.in_(list(ids))).order_by(BenefitEntry.id)
    return {row.benefit_id: row for row in db.session.scalars(wanted)}


def states_of_benefits(ids: Collection[int]) -> dict[int, str]:
    """Return how benefits stand: what was given again after a withdrawal stands as it did before."""
    wanted = select(BenefitEntry.benefit_id, BenefitEntry.action).where(BenefitEntry.benefit_id.in_(list(ids)))
    before: dict[int, str] = {}
    states: dict[int, str] = {}
    for benefit_id, action in db.session.execute(wanted.order_by(BenefitEntry.id)):
        if action == "withdrawn":
            before[benefit_id] = states[benefit_id]
        states[benefit_id] = before.get(benefit_id, "given") if action == "restored" else action
    return states


def who_has(kind: str, title: str, rule: str, members: Collection[int]) -> set[int]:
    """Return who of some members has been given the same by the same rule, and still has it or may take it."""
    rows = _benefits(
        select(Benefit).where(Benefit.member_id.in_(list(members)), Benefit.kind == kind, Benefit.title == title,
                              Benefit.rule == rule)
    )  # fmt: skip
    return {row.member_id for row in rows if row.state in {"given", "claimed"}}


def is_shipped(idea_id: int) -> bool:
    """Return whether an idea was shipped and can be seen."""
    wanted = select(IdeaCourse.idea_id).where(
        IdeaCourse.idea_id == idea_id, IdeaCourse.stage == "shipped", ~IdeaCourse.hidden
    )
    return db.session.scalar(wanted) is not None


def authors_of_idea(idea_id: int) -> list[int]:
    """Return who proposed an idea."""
    return list(db.session.scalars(select(IdeaCourse.author_id).where(IdeaCourse.idea_id == idea_id)))


def holders_of(badge: str, limit: int) -> list[int]:
    """Return who holds a badge."""
    wanted = select(Badge.member_id).where(Badge.key == badge, Badge.revoked_at.is_(None))
    return list(db.session.scalars(wanted.order_by(Badge.member_id).limit(limit)))


def members_at_level(level: int, limit: int) -> list[int]:
    """Return the customers, suppliers and partners who are trusted at least so far."""
    wanted = select(Member.id).where(
        Member.trust_level >= level, Member.active, ~Member.placeholder, Member.kind != MemberKind.STAFF.value
    )
    return list(db.session.scalars(wanted.order_by(Member.id).limit(limit)))
