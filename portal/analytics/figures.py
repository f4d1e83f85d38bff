"""The figures of members and accounts, each worked out from what facts were folded into.

`services.figures` keeps them up to date in `MemberFigures`; here is how each is found, for any set of members.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import and_, case, func, or_, select, text

from portal.analytics import metrics
from portal.analytics.folding import ACTS, WRITTEN, Did
from portal.analytics.inequality import gini
from portal.analytics.models import (
    AnswerCourse,
    Expertise,
    IdeaCourse,
    MemberDay,
    MemberTrust,
    QuestionCourse,
)
from portal.analytics.reputation import facade as reputation
from portal.analytics.topics import queries as topics
from portal.analytics.topics.models import ContributionTopic
from portal.community import facade as community
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members.models import Member

Figures = dict[str, Any]
WINDOW = 30
ACTIVE_WINDOW = 90
YEAR = 365
LATE = timedelta(hours=48)
SMALLEST_ACCOUNT = 3
TOPICS = 3


@dataclass(frozen=True, slots=True)
class Means:
    """Everybody's means, which small samples are shrunk towards."""

    idea_success: float
    foresight: float


def of_members(member_ids: Collection[int]) -> dict[int, Figures]:
    """Return the contact figures of members; names and formulas stand in `metrics`."""
    ids = list(set(member_ids))
    if not ids:
        return {}
    today, means = now().date(), _means()
    joined = _joined(ids)
    days = _days(ids)
    parts = (_idea_figures(ids, means), _foresight(ids, means), _first_response(ids), _standing(ids), _topics(ids),
             reputation.figures_of(ids))  # fmt: skip
    return {
        member_id: _dated(at, days.get(member_id, {}), today)
        | _counted(days.get(member_id, {}), today)
        | {name: value for part in parts for name, value in part.get(member_id, {}).items()}
        for member_id, at in joined.items()
    }


def _joined(ids: list[int]) -> dict[int, datetime]:
    rows = db.session.execute(select(Member.id, Member.joined_at).where(Member.id.in_(ids)))
    return {row[0]: row[1] for row in rows}


def _days(ids: list[int]) -> dict[int, dict[date, dict[str, int]]]:
    """Return per member and day how often each kind of thing was done."""
    rows = db.session.execute(
        select(MemberDay.member_id, MemberDay.day, MemberDay.kind, func.sum(MemberDay.n))
        .where(MemberDay.member_id.in_(ids))
        .group_by(MemberDay.member_id, MemberDay.day, MemberDay.kind)
    )
    found: dict[int, dict[date, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for member_id, day, kind, n in rows:
        found[member_id][day][kind] = int(n)
    return found


def _dated(joined: datetime, days: Mapping[date, Mapping[str, int]], today: date) -> Figures:
    """Return the figures that depend on when she was here."""
    active = sorted(day for day, done in days.items() if any(done.get(kind, 0) > 0 for kind in ACTS))
    last = active[-1] if active else None
    recent = [day for day in active if (today - day).days < metrics.ACTIVE_DAYS]
    before = [day for day in active if day not in set(recent)]
    gap = (recent[0] - before[-1]).days if recent and before else None
    stands = metrics.lifecycle(
        joined_days=(today - joined.date()).days,
        last_days=(today - last).days if last is not None else None,
        gap_days=gap,
    )
    lately: dict[str, int] = defaultdict(int)
    for day in days:
        if (today - day).days < WINDOW:
            for kind, n in days[day].items():
                lately[kind] += n
    return {
        "joined": joined,
        "last_active": datetime.combine(last, datetime.min.time(), joined.tzinfo) if last is not None else None,
        "lifecycle": stands.value,
        "active_days": sum((today - day).days < ACTIVE_WINDOW for day in active),
        "engagement": metrics.engagement(lately),
    }


def _counted(days: Mapping[date, Mapping[str, int]], today: date) -> Figures:
    """Return plain counts over all time."""
    del today
    whole: dict[str, int] = defaultdict(int)
    for done in days.values():
        for kind, n in done.items():
            whole[kind] += n
    answers, accepted = whole[Did.ANSWER], whole[Did.ACCEPTED]
    return {
        "votes": whole[Did.VOTE],
        "comments": whole[Did.COMMENT],
        "questions": whole[Did.QUESTION],
        "answers": answers,
        "answers_accepted": accepted,
        "accepted_share": round(metrics.wilson(min(accepted, answers), answers)[0], 4) if answers else None,
        "support_value": accepted + whole[Did.SPARED],
        "tone": None,
    }


def _means() -> Means:
    """Return everybody's idea success and foresight."""
    planned = func.count(IdeaCourse.planned_at) + func.count().filter(
        IdeaCourse.planned_at.is_(None), or_(IdeaCourse.making_at.is_not(None), IdeaCourse.shipped_at.is_not(None))
    )
    share = db.session.execute(select(planned, func.count()).where(~IdeaCourse.hidden)).one()
    success = share[0] / share[1] if share[1] else 0.0
    return Means(success, success)


def _reached(*columns: Any) -> Any:
    return func.count().filter(or_(*(column.is_not(None) for column in columns)))


def _idea_figures(ids: list[int], means: Means) -> dict[int, Figures]:
    late = (IdeaCourse.planned_at, IdeaCourse.making_at, IdeaCourse.shipped_at)
    rows = db.session.execute(
        select(
            IdeaCourse.author_id,
            func.count(),
            _reached(IdeaCourse.reviewed_at, *late),
            _reached(*late),
            _reached(IdeaCourse.shipped_at),
        )
        .where(IdeaCourse.author_id.in_(ids), ~IdeaCourse.hidden)
        .group_by(IdeaCourse.author_id)
    )
    found = {author: counts for author, *counts in rows}
    figures = {}
    for member_id in ids:
        submitted, shortlisted, accepted, shipped = found.get(member_id, (0, 0, 0, 0))
        figures[member_id] = {
            "ideas_submitted": submitted,
            "ideas_shortlisted": shortlisted,
            "ideas_accepted": accepted,
            "ideas_shipped": shipped,
            "idea_success": round(metrics.shrunk(accepted, submitted, means.idea_success), 4) if submitted else None,
        }
    return figures


# Each idea once, however often the mind was changed; accounts that were joined are one, and lines that only hand a vote
# over from one to the other say nothing of foresight.
_FORESIGHT = text("""
SELECT coalesce(m.merged_into_id, m.id), count(DISTINCT i.idea_id),
       count(DISTINCT i.idea_id) FILTER (WHERE i.planned_at IS NOT NULL)
FROM member m JOIN activity f ON f.actor_id = m.id
JOIN idea_course i ON i.idea_id = f.subject_id AND NOT i.hidden
WHERE (m.id = ANY(:ids) AND m.merged_into_id IS NULL OR m.merged_into_id = ANY(:ids))
  AND f.name = 'VoteCast' AND f.payload ->> 'kind' = 'support' AND f.payload ->> 'origin' NOT IN ('merge', 'unmerge')
  AND i.author_id <> coalesce(m.merged_into_id, m.id)
  AND f.happened_at < coalesce(i.planned_at, i.making_at, i.shipped_at, 'infinity')
GROUP BY 1""")


def _foresight(ids: list[int], means: Means) -> dict[int, Figures]:
    return {
        member_id: {"foresight": round(metrics.shrunk(hits, votes, means.foresight), 4)}
        for member_id, votes, hits in db.session.execute(_FORESIGHT, {"ids": ids})
    }


def _first_response(ids: list[int]) -> dict[int, Figures]:
    rows = db.session.execute(
        select(AnswerCourse.author_id, AnswerCourse.given_at, QuestionCourse.asked_at)
        .join(QuestionCourse, QuestionCourse.question_id == AnswerCourse.question_id)
        .where(AnswerCourse.author_id.in_(ids), AnswerCourse.given_at == QuestionCourse.answered_at)
    )
    waits: dict[int, list[float]] = defaultdict(list)
    for author, given, asked in rows:
        waits[author].append((given - asked).total_seconds() / 3600)
    return {author: {"first_response_hours": round(median(hours), 2)} for author, hours in waits.items()}


def _standing(ids: list[int]) -> dict[int, Figures]:
    """Return the percentiles: best expertise on any topic, and influence."""
    found: dict[int, Figures] = {
        member_id: {"expertise_percentile": None, "influence_percentile": None} for member_id in ids
    }
    places = db.session.execute(
        select(Expertise.member_id, Expertise.place, Expertise.ranked).where(
            Expertise.member_id.in_(ids), Expertise.place.is_not(None)
        )
    )
    for member_id, place, ranked in places:
        if place is not None and ranked:
            before = found[member_id]["expertise_percentile"] or 0.0
            found[member_id]["expertise_percentile"] = max(before, round(100 * (1 - (place - 1) / ranked), 1))
    trust = select(MemberTrust.member_id, MemberTrust.percentile).where(MemberTrust.member_id.in_(ids))
    for member_id, percentile in db.session.execute(trust):
        found[member_id]["influence_percentile"] = round(percentile, 1)
    return found


def _topics(ids: list[int]) -> dict[int, Figures]:
    """Return the three topics that each writes about most, by name: on public boards, for others read them."""
    public = [board.id for board in community.every_board() if board.is_public]
    rows = db.session.execute(
        select(ContributionTopic.author_id, ContributionTopic.topic_id, func.count().label("n"))
        .where(
            ContributionTopic.author_id.in_(ids),
            ContributionTopic.topic_id.is_not(None),
            ContributionTopic.board_id.in_(public),
        )
        .group_by(ContributionTopic.author_id, ContributionTopic.topic_id)
        .order_by(ContributionTopic.author_id, func.count().desc(), ContributionTopic.topic_id)
    ).all()
    cards = topics.topics_by_id({row.topic_id for row in rows})
    found: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        if row.topic_id in cards and len(found[row.author_id]) < TOPICS:
            found[row.author_id].append(cards[row.topic_id].title)
    return {member_id: {"top_topics": found.get(member_id, [])} for member_id in ids}


def of_accounts(organisation_ids: Collection[int]) -> dict[int, Figures]:
    """Return the account figures of organisations; names and formulas stand in `metrics`."""
    ids = list(set(organisation_ids))
    if not ids:
        return {}
    today = now().date()
    people: dict[int, list[int]] = {organisation_id: [] for organisation_id in ids}
    rows = db.session.execute(select(Member.organisation_id, Member.id).where(Member.organisation_id.in_(ids)))
    for organisation_id, member_id in rows:
        if organisation_id is not None:
            people[organisation_id].append(member_id)
    everybody = [member_id for members in people.values() for member_id in members]
    did = _account_days(everybody, today)
    late = _late(everybody)
    all_ideas = _ideas_since(today - timedelta(days=YEAR))
    return {organisation_id: _account(members, did, late, all_ideas) for organisation_id, members in people.items()}


@dataclass(frozen=True, slots=True)
class _Did:
    ideas: int
    votes: int
    questions: int
    answers: int
    acts: int
    acts_before: int
    ideas_year: int
    written_year: int


def _account_days(ids: list[int], today: date) -> dict[int, _Did]:
    def total(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, MemberDay.n), else_=0)), 0)

    act, last = MemberDay.kind.in_(ACTS), today - timedelta(days=WINDOW)
    year = MemberDay.day > today - timedelta(days=YEAR)
    rows = db.session.execute(
        select(
            MemberDay.member_id,
            total(MemberDay.kind == Did.IDEA),
            total(MemberDay.kind == Did.VOTE),
            total(MemberDay.kind == Did.QUESTION),
            total(MemberDay.kind == Did.ANSWER),
            total(and_(act, MemberDay.day > last)),
            total(and_(act, MemberDay.day <= last, MemberDay.day > last - timedelta(days=WINDOW))),
            total(and_(MemberDay.kind == Did.IDEA, year)),
            total(and_(MemberDay.kind.in_(WRITTEN), year)),
        )
        .where(MemberDay.member_id.in_(ids))
        .group_by(MemberDay.member_id)
    )
    return {member_id: _Did(*(int(n) for n in counts)) for member_id, *counts in rows}


def _late(ids: list[int]) -> dict[int, int]:
    rows = db.session.execute(
        select(QuestionCourse.asker_id, func.count())
        .where(
            QuestionCourse.asker_id.in_(ids),
            QuestionCourse.answered_at.is_(None),
            ~QuestionCourse.hidden,
            QuestionCourse.asked_at < now() - LATE,
        )
        .group_by(QuestionCourse.asker_id)
    )
    return {row[0]: row[1] for row in rows}


def _ideas_since(day: date) -> int:
    wanted = select(func.coalesce(func.sum(MemberDay.n), 0)).where(MemberDay.kind == Did.IDEA, MemberDay.day > day)
    return int(db.session.scalar(wanted) or 0)


def _account(members: list[int], did: Mapping[int, _Did], late: Mapping[int, int], all_ideas: int) -> Figures:
    theirs = [did[member_id] for member_id in members if member_id in did]
    active = sum(one.acts > 0 for one in theirs)
    acts, before = sum(one.acts for one in theirs), sum(one.acts_before for one in theirs)
    written = [one.written_year for one in theirs] + [0] * (len(members) - len(theirs))
    uneven = gini(written) if len(members) >= SMALLEST_ACCOUNT else None
    return {
        "members": len(members),
        "members_active": active,
        "penetration": round(active / len(members), 4) if members else None,
        "ideas": sum(one.ideas for one in theirs),
        "votes": sum(one.votes for one in theirs),
        "questions": sum(one.questions for one in theirs),
        "answers": sum(one.answers for one in theirs),
        "innovation_share": round(sum(one.ideas_year for one in theirs) / all_ideas, 4) if all_ideas else None,
        "questions_late": sum(late.get(member_id, 0) for member_id in members),
        "gini": round(uneven, 4) if uneven is not None else None,
        "trend": round((acts - before) / before, 4) if before else None,
    }
