"""What stands behind a figure of participation: the people, ideas and questions it was counted from."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, or_, select

from portal.analytics.folding import ACTS, WRITTEN
from portal.analytics.models import AnswerCourse, IdeaCourse, MemberDay, QuestionCourse
from portal.kernel.database import db
from portal.members.models import Member

FUNNEL_DAYS = 730
MOST = 500


class What(StrEnum):
    """The figures that open."""

    ENGAGED = "engaged"
    CASUAL = "casual"
    ACTIVE = "active"
    NEW = "new"
    IDEAS = "ideas"
    OPEN = "open"
    REVIEW = "review"
    PLANNED = "planned"
    MAKING = "making"
    SHIPPED = "shipped"
    DECLINED = "declined"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"


PEOPLE = frozenset({What.ENGAGED, What.CASUAL, What.ACTIVE, What.NEW})
IDEAS = frozenset({What.IDEAS, What.OPEN, What.REVIEW, What.PLANNED, What.MAKING, What.SHIPPED, What.DECLINED})
_LATER = {
    What.REVIEW: ("reviewed_at", "planned_at", "making_at", "shipped_at"),
    What.PLANNED: ("planned_at", "making_at", "shipped_at"),
    What.MAKING: ("making_at", "shipped_at"),
    What.SHIPPED: ("shipped_at",),
}


def people(what: What, board_id: int, since: date, until: date, weeks: int) -> list[tuple[int, int]]:
    """Return the members behind a figure, each with how much she did, the most first."""
    if what is What.NEW:
        return _newcomers(board_id, since, until)
    kinds, first = (ACTS, until - timedelta(days=30)) if what is What.ACTIVE else (WRITTEN, since)
    total = func.sum(MemberDay.n)
    wanted = (
        select(MemberDay.member_id, total)
        .where(MemberDay.day > first, MemberDay.day <= until, MemberDay.kind.in_(kinds), *_on(MemberDay, board_id))
        .group_by(MemberDay.member_id)
        .having(total > 0)
        .order_by(total.desc(), MemberDay.member_id)
        .limit(MOST)
    )
    if what is What.ENGAGED:
        wanted = wanted.having(total >= weeks)
    elif what is What.CASUAL:
        wanted = wanted.having(total < weeks)
    return [(member_id, int(n)) for member_id, n in db.session.execute(wanted)]


def _newcomers(board_id: int, since: date, until: date) -> list[tuple[int, int]]:
    did = select(MemberDay.member_id, func.sum(MemberDay.n).label("n"), func.min(MemberDay.day).label("first"))
    did = did.where(MemberDay.kind.in_(ACTS), *_on(MemberDay, board_id)).group_by(MemberDay.member_id)
    acts = did.subquery()
    if board_id:
        wanted = select(acts.c.member_id, acts.c.n).where(acts.c.first >= since, acts.c.first <= until)
        return [(one, int(n)) for one, n in db.session.execute(wanted.order_by(acts.c.first.desc()).limit(MOST))]
    everybody = (
        select(Member.id, func.coalesce(acts.c.n, 0))
        .outerjoin(acts, acts.c.member_id == Member.id)
        .where(Member.active, ~Member.placeholder, Member.joined_at >= since)
        .order_by(Member.joined_at.desc())
        .limit(MOST)
    )
    return [(one, int(n)) for one, n in db.session.execute(everybody)]


def ideas(what: What, board_id: int, at: datetime) -> list[int]:
    """Return the ideas behind a figure of the funnel, the newest first."""
    wanted = select(IdeaCourse.idea_id).where(
        IdeaCourse.posted_at > at - timedelta(days=FUNNEL_DAYS), ~IdeaCourse.hidden, *_on(IdeaCourse, board_id)
    )
    if what in _LATER:
        wanted = wanted.where(or_(*(getattr(IdeaCourse, name).is_not(None) for name in _LATER[what])))
    elif what is What.OPEN:
        wanted = wanted.where(IdeaCourse.shipped_at.is_(None), IdeaCourse.declined_at.is_(None))
    elif what is What.DECLINED:
        wanted = wanted.where(IdeaCourse.stage == What.DECLINED.value)
    return list(db.session.scalars(wanted.order_by(IdeaCourse.posted_at.desc()).limit(MOST)))


def questions(what: What, board_id: int, since: datetime, at: datetime) -> list[tuple[int, timedelta]]:
    """Return the questions behind the waiting times, those that waited longest first, with how long."""
    wait = func.coalesce(QuestionCourse.answered_at, at) - QuestionCourse.asked_at
    answered = QuestionCourse.answered_at.is_not(None)
    wanted = (
        select(QuestionCourse.question_id, wait)
        .where(
            QuestionCourse.asked_at > since,
            ~QuestionCourse.hidden,
            answered if what is What.ANSWERED else ~answered,
            *_on(QuestionCourse, board_id),
        )
        .order_by(wait.desc())
        .limit(MOST)
    )
    rows: list[Any] = list(db.session.execute(wanted))
    return [(question_id, waited) for question_id, waited in rows]


def questions_of(answer_ids: Sequence[int]) -> list[int]:
    """Return the questions that these answers belong to, the latest answer first."""
    wanted = select(AnswerCourse.question_id).where(AnswerCourse.answer_id.in_(answer_ids))
    return list(dict.fromkeys(db.session.scalars(wanted.order_by(AnswerCourse.given_at.desc()))))


def _on(table: Any, board_id: int) -> list[Any]:
    return [table.board_id == board_id] if board_id else []
