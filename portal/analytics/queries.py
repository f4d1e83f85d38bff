"""Every question about what analytics has worked out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from portal.analytics.folding import WRITTEN
from portal.analytics.models import Expertise, Invitation, MemberDay, MemberFigures, ParticipationReport
from portal.analytics.topics import queries as topics
from portal.community import facade as community
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members.models import Member
from portal.members.policy import Viewer, may_see_audience


def invited_to(question_id: int) -> list[int]:
    """Return who was asked to look at a question, by place."""
    wanted = select(Invitation.member_id).filter_by(question_id=question_id).order_by(Invitation.place)
    return list(db.session.scalars(wanted))


def invitations_of(member_id: int, limit: int) -> Sequence[Invitation]:
    """Return a member's latest invitations."""
    wanted = select(Invitation).filter_by(member_id=member_id).order_by(Invitation.at.desc()).limit(limit)
    return db.session.scalars(wanted).all()


def load_of(board_id: int, since: datetime) -> dict[int, int]:
    """Return how often each member was asked on a board since a moment."""
    rows = db.session.execute(
        select(Invitation.member_id, func.count())
        .where(Invitation.board_id == board_id, Invitation.at > since)
        .group_by(Invitation.member_id)
    )
    return dict(rows.all())


def who_can_be_asked(board_id: int, member_ids: Collection[int], most_a_day: int) -> set[int]:
    """Return those with an account in good standing who may see the board and were not asked too often today."""
    audience = next((one.audience for one in community.every_board() if one.id == board_id), None)
    if audience is None or not member_ids:
        return set()
    today = dict(
        db.session.execute(
            select(Invitation.member_id, func.count())
            .where(Invitation.member_id.in_(member_ids), Invitation.at > now() - timedelta(days=1))
            .group_by(Invitation.member_id)
        ).all()
    )
    rows = db.session.execute(
        select(Member.id, Member.kind, Member.roles, Member.segments, Member.organisation_id).where(
            Member.id.in_(member_ids), Member.active, ~Member.placeholder,
            Member.suspended_until.is_(None) | (Member.suspended_until < now()),
        )
    )  # fmt: skip
    return {
        row.id
        for row in rows
        if today.get(row.id, 0) < most_a_day
        and may_see_audience(
            Viewer(
                member_id=row.id,
                kind=row.kind,
                roles=frozenset(row.roles),
                segments=frozenset(row.segments),
                organisation_id=row.organisation_id,
            ),
            audience,
        )
    }


@dataclass(frozen=True, slots=True)
class ExpertiseLine:
    """How well a member answers on one topic: the chance that an answer helps, its 90% interval, everybody's mean.

    ``place`` of ``of``, None while it is too early; beside it the places by simpler figures.
    """

    topic_id: int
    label: str
    member_id: int
    low: float
    mid: float
    high: float
    mean: float
    place: int | None
    of: int
    answers: int
    people: int
    days: int
    answer_count_place: int
    z_score: float
    z_score_place: int
    pagerank_place: int
    answer_ids: tuple[int, ...]
    at: datetime

    @property
    def top_percent(self) -> int | None:
        """Return among which first per cent of the ranked members this one is, at least 1."""
        return max(1, round(100 * self.place / self.of)) if self.place is not None and self.of else None


def expertise_of(member_id: int, boards: Collection[int] | None = None) -> list[ExpertiseLine]:
    """Return a member's topics, those with a place first, then by evidence."""
    wanted = select(Expertise).where(Expertise.member_id == member_id)
    return _lines(wanted.order_by(Expertise.place.is_(None), Expertise.answers.desc()), boards)


def experts_on(topic_id: int, boards: Collection[int] | None = None, limit: int = 50) -> list[ExpertiseLine]:
    """Return who knows a topic, by place, then by lower bound; of several boards that share it, each one's best."""
    wanted = select(Expertise).where(Expertise.topic_id == topic_id)
    lines = _lines(wanted.order_by(Expertise.place, Expertise.low.desc(), Expertise.member_id).limit(2 * limit), boards)
    best: dict[int, ExpertiseLine] = {}
    for line in lines:
        best.setdefault(line.member_id, line)
    return list(best.values())[:limit]


def experts_by_topic(board_id: int, each: int = 5) -> dict[int, list[ExpertiseLine]]:
    """Return the first few on each topic of a board who helped somebody; where nobody did, the first of the others."""
    place = func.row_number().over(
        partition_by=Expertise.topic_id, order_by=(Expertise.place, Expertise.low.desc(), Expertise.member_id)
    )
    here = Expertise.board_id == board_id
    first = select(Expertise.topic_id, Expertise.member_id, place.label("n")).where(here).subquery()
    wanted = (
        select(Expertise)
        .join(first, (first.c.topic_id == Expertise.topic_id) & (first.c.member_id == Expertise.member_id))
        .where(here, first.c.n <= each)
        .order_by(Expertise.topic_id, first.c.n)
    )
    found: dict[int, list[ExpertiseLine]] = {}
    for line in _lines(wanted, None):
        found.setdefault(line.topic_id, []).append(line)
    return {topic_id: [line for line in lines if line.people] or lines for topic_id, lines in found.items()}


def boards_with_expertise() -> list[int]:
    """Return the boards on which expertise was worked out."""
    return list(db.session.scalars(select(Expertise.board_id).distinct()))


def _lines(wanted: Any, boards: Collection[int] | None) -> list[ExpertiseLine]:
    if boards is not None:
        wanted = wanted.where(Expertise.board_id.in_(boards))
    rows = db.session.scalars(wanted).all()
    cards = topics.topics_by_id({row.topic_id for row in rows})
    return [_line(row, cards[row.topic_id].title) for row in rows if row.topic_id in cards]


def _line(row: Expertise, label: str) -> ExpertiseLine:
    return ExpertiseLine(
        row.topic_id, label, row.member_id, row.low, row.mid, row.high, row.mean, row.place, row.ranked, row.answers,
        row.people, row.days, row.answer_count_place, row.z_score, row.z_score_place, row.pagerank_place,
        tuple(row.answer_ids), row.at,
    )  # fmt: skip


def days_of(member_id: int | None, days: int, boards: Collection[int] | None = None) -> list[int]:
    """Return how much a member (None: everybody) wrote on each of the last days, the oldest first, today last."""
    today = now().date()
    first = today - timedelta(days=days - 1)
    wanted = (
        select(MemberDay.day, func.sum(MemberDay.n))
        .where(MemberDay.day >= first, MemberDay.day <= today, MemberDay.kind.in_(WRITTEN))
        .group_by(MemberDay.day)
    )
    if member_id is not None:
        wanted = wanted.where(MemberDay.member_id == member_id)
    if boards is not None:
        wanted = wanted.where(MemberDay.board_id.in_(boards))
    counts = dict(db.session.execute(wanted).all())
    return [max(0, int(counts.get(first + timedelta(days=step), 0))) for step in range(days)]


def figures_of(member_id: int) -> tuple[dict[str, Any], datetime] | None:
    """Return the stored figures of a member and when they last changed."""
    row = db.session.get(MemberFigures, member_id)
    return (row.figures, row.changed_at) if row is not None else None


def report_of(board_id: int, weeks: int) -> ParticipationReport | None:
    """Return how a board took part, as last worked out."""
    return db.session.get(ParticipationReport, (board_id, weeks))
