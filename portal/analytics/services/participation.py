"""Working out who takes part, for the whole community and for each board; numpy and scipy are met inside only."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import func, select, union
from sqlalchemy.dialects.postgresql import insert

from portal.analytics.folding import ACTS, WRITTEN
from portal.analytics.inequality import fewest_for, gini, lorenz
from portal.analytics.metrics import wilson
from portal.analytics.models import IdeaCourse, MemberDay, ParticipationReport, QuestionCourse
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members.models import Member

EVERYWHERE = 0
WEEKS = (4, 12, 52)
FUNNEL_DAYS = 730
MONTHS = 12
MONTH_DAYS = 30.44
FEWEST = 10
STAGES = ("reviewed_at", "planned_at", "making_at", "shipped_at")
NAMES = ("review", "planned", "making", "shipped")
Dates = dict[int, date]


def work_out(board_id: int, weeks: int) -> dict[str, Any]:
    """Work out and keep how people take part in a board (0: in all) over so many weeks; return the report."""
    report = _report(board_id, weeks, now())
    row = insert(ParticipationReport).values(board_id=board_id, weeks=weeks, report=report, at=now())
    fresh = {"report": row.excluded.report, "at": row.excluded.at}
    db.session.execute(row.on_conflict_do_update(index_elements=["board_id", "weeks"], set_=fresh))
    return report


def _report(board_id: int, weeks: int, at: datetime) -> dict[str, Any]:
    from portal.analytics import participation

    today, since = at.date(), at.date() - timedelta(weeks=weeks)
    written = _written(board_id, since, today)
    joined, people = _joined(board_id), _people(board_id)
    days = _active_days(board_id, today - timedelta(days=60))
    months, first = _active_months(board_id)
    sorted_out = participation.tiers(list(written.values()), len(people), weeks)
    new, ripe = participation.activation(joined, first, since, today)
    span = participation.cohort_months(joined, today)
    groups = participation.cohorts(joined, months, today, months=span)
    return {
        "people": len(people),
        "weeks": weeks,
        "since": since.isoformat(),
        "until": today.isoformat(),
        "active": _active(days, today),
        "stickiness": participation.daily_over_monthly(days, today),
        "activation": {"hits": new, "n": ripe, "interval": list(wilson(new, ripe))},
        "tiers": {"engaged": sorted_out.engaged, "casual": sorted_out.casual, "silent": sorted_out.silent},
        "shares": list(participation.shares_90_9_1(list(written.values()), len(people))),
        "concentration": _concentration(list(written.values()), len(people)),
        "cohorts": [
            {"since": one.since.isoformat(), "people": one.people, "shares": list(one.shares)} for one in groups
        ],
        "cohort_months": span,
        "funnel": _funnel(board_id, at),
        "first_answer": _first_answer(board_id, at - timedelta(weeks=weeks), at),
    }


def _on(board_id: int) -> list[Any]:
    return [MemberDay.board_id == board_id] if board_id else []


def _written(board_id: int, since: date, today: date) -> dict[int, int]:
    """Return how much each who wrote something wrote in the window."""
    rows = db.session.execute(
        select(MemberDay.member_id, func.sum(MemberDay.n))
        .where(MemberDay.day > since, MemberDay.day <= today, MemberDay.kind.in_(WRITTEN), *_on(board_id))
        .group_by(MemberDay.member_id)
    )
    return {member_id: int(n) for member_id, n in rows if n > 0}


def _people(board_id: int) -> set[int]:
    """Return everybody who counts: on a board who ever did something there; in all, those with an account as well."""
    acted = select(MemberDay.member_id).where(*_on(board_id))
    if board_id:
        return set(db.session.scalars(acted.distinct()))
    accounts = select(Member.id).where(Member.active, ~Member.placeholder)
    return set(db.session.scalars(union(acted, accounts)))


def _joined(board_id: int) -> Dates:
    """Return when people came: to the community by their account, to a board by the first thing they did there."""
    if board_id:
        return _firsts(board_id)
    rows = db.session.execute(select(Member.id, Member.joined_at).where(Member.active, ~Member.placeholder))
    return {member_id: at.date() for member_id, at in rows}


def _firsts(board_id: int) -> Dates:
    rows = db.session.execute(
        select(MemberDay.member_id, func.min(MemberDay.day))
        .where(MemberDay.kind.in_(ACTS), MemberDay.n > 0, *_on(board_id))
        .group_by(MemberDay.member_id)
    )
    return dict(rows.all())


def _active_days(board_id: int, since: date) -> dict[date, set[int]]:
    found: dict[date, set[int]] = defaultdict(set)
    rows = db.session.execute(
        select(MemberDay.day, MemberDay.member_id)
        .where(MemberDay.day > since, MemberDay.kind.in_(ACTS), MemberDay.n > 0, *_on(board_id))
        .distinct()
    )
    for day, member_id in rows:
        found[day].add(member_id)
    return found


def _active_months(board_id: int) -> tuple[dict[int, set[date]], Dates]:
    """Return in which months each member did something, and the first day of all."""
    month = func.date_trunc("month", MemberDay.day).cast(db.Date)
    rows = db.session.execute(
        select(MemberDay.member_id, month, func.min(MemberDay.day))
        .where(MemberDay.kind.in_(ACTS), MemberDay.n > 0, *_on(board_id))
        .group_by(MemberDay.member_id, month)
    )
    months: dict[int, set[date]] = defaultdict(set)
    first: Dates = {}
    for member_id, when, day in rows:
        months[member_id].add(when)
        first[member_id] = min(day, first.get(member_id, day))
    return months, first


def _active(days: dict[date, set[int]], today: date) -> dict[str, int]:
    def between(start: int, end: int) -> int:
        return len(set[int]().union(*(days.get(today - timedelta(days=back), set()) for back in range(start, end))))

    return {"month": between(0, 30), "before": between(30, 60)}


def _concentration(written: Sequence[int], people: int) -> dict[str, Any]:
    from portal.analytics.participation import gini_interval

    everybody = [*written, *([0] * max(0, people - len(written)))]
    enough = len(written) >= FEWEST
    return {
        "writers": len(written),
        "posts": sum(written),
        "half_from": fewest_for(written, 0.5),
        "gini_writers": gini(written) if enough else None,
        "gini_writers_interval": gini_interval(written),
        "gini_all": gini(everybody) if enough else None,
        "gini_all_interval": gini_interval(everybody) if enough else None,
        "lorenz_writers": lorenz(written) if enough else None,
        "lorenz_all": lorenz(everybody) if enough else None,
    }


def _funnel(board_id: int, at: datetime) -> dict[str, Any]:
    """Return how far ideas came: counts, the median time of each step, and the chance to be shipped by month."""
    wanted = select(IdeaCourse, Member.kind).join(Member, Member.id == IdeaCourse.author_id)
    wanted = wanted.where(IdeaCourse.posted_at > at - timedelta(days=FUNNEL_DAYS), ~IdeaCourse.hidden)
    if board_id:
        wanted = wanted.where(IdeaCourse.board_id == board_id)
    rows = [(row, kind) for row, kind in db.session.execute(wanted)]
    ideas = [row for row, _ in rows]
    reached = [sum(_reached(row, place) is not None for row in ideas) for place in range(len(STAGES))]
    return {
        "ideas": len(ideas),
        "open": sum(row.shipped_at is None and row.declined_at is None for row in ideas),
        "declined": sum(row.declined_at is not None and row.stage == "declined" for row in ideas),
        "steps": [
            {"stage": name, "ideas": count, "median_days": _step_median(ideas, place)}
            for place, (name, count) in enumerate(zip(NAMES, reached, strict=True))
        ],
        "shipping": {
            name: found
            for name, chosen in (("all", ideas), ("partner", [row for row, kind in rows if kind == "partner"]))
            if (found := _shipping(chosen, at)) is not None
        },
    }


def _reached(row: IdeaCourse, place: int) -> datetime | None:
    """Return when an idea came to a stage or past it."""
    times = [getattr(row, name) for name in STAGES[place:]]
    return min((time for time in times if time is not None), default=None)


def _step_median(ideas: Iterable[IdeaCourse], place: int) -> float | None:
    """Return the median days that the step took, of the ideas that took it."""
    waits = []
    for row in ideas:
        start = row.posted_at if place == 0 else _reached(row, place - 1)
        if start is not None and (end := _reached(row, place)) is not None:
            waits.append(max(0.0, (end - start).total_seconds() / 86400))
    return median(waits) if waits else None


def _shipping(ideas: Iterable[IdeaCourse], at: datetime) -> dict[str, Any] | None:
    """Return the chance that an idea under review is shipped within 0, 1 … 12 months, with its 90% band.

    Open ideas are censored today; declined ones too, not on the day they were declined: they stay in the count.
    """
    from portal.analytics.survival import course

    waits, happened = [], []
    for row in ideas:
        if (start := _reached(row, 0)) is not None:
            waits.append(max(0.0, ((row.shipped_at or at) - start).total_seconds() / 86400 / MONTH_DAYS))
            happened.append(row.shipped_at is not None)
    if len(waits) < FEWEST:
        return None
    found = course(waits, happened)
    months = [found.by(month) for month in range(MONTHS + 1)]
    return {
        "n": found.n, "shipped": found.happened, "shares": [share for share, _, _ in months],
        "low": [low for _, low, _ in months], "high": [high for _, _, high in months], "median": found.quantile(0.5),
    }  # fmt: skip


def _first_answer(board_id: int, since: datetime, at: datetime) -> dict[str, Any]:
    """Return how long questions wait for a first answer, in hours; those without one are censored."""
    from portal.analytics.survival import course

    wanted = select(QuestionCourse.asked_at, QuestionCourse.answered_at).where(
        QuestionCourse.asked_at > since, QuestionCourse.asked_at <= at, ~QuestionCourse.hidden
    )
    if board_id:
        wanted = wanted.where(QuestionCourse.board_id == board_id)
    rows = db.session.execute(wanted).all()
    waits = [max(0.0, ((answered or at) - asked).total_seconds() / 3600) for asked, answered in rows]
    found = course(waits, [answered is not None for _, answered in rows])
    enough = found.n >= FEWEST
    return {
        "n": found.n,
        "unanswered": found.n - found.happened,
        "median_hours": found.quantile(0.5) if enough else None,
        "p90_hours": found.quantile(0.9) if enough else None,
    }
