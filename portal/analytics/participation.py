"""Who takes part, and how much. Needs numpy: for workers and commands only. Numbers in, numbers out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from portal.analytics.inequality import gini

ROUNDS = 500
SEED = 20070508
LOW, HIGH = 2.5, 97.5
ACTIVATION_DAYS = 7
FEWEST = 10
"""Cells with fewer people are withheld."""


@dataclass(frozen=True, slots=True)
class Tiers:
    """How many are engaged (one contribution a week or more), casual, silent."""

    engaged: int
    casual: int
    silent: int

    @property
    def people(self) -> int:
        """Return how many there are in all."""
        return self.engaged + self.casual + self.silent


def tiers(written: Sequence[int], people: int, weeks: int) -> Tiers:
    """Sort people by how much they wrote in so many weeks; those who wrote nothing are the rest of ``people``."""
    engaged = sum(n >= weeks for n in written)
    casual = sum(0 < n < weeks for n in written)
    return Tiers(engaged, casual, max(0, people - engaged - casual))


def gini_interval(values: Sequence[float], rounds: int = ROUNDS) -> tuple[float, float] | None:
    """Return the 95% bootstrap interval of the Gini coefficient; None below ten people.

    Efron (1979), "Bootstrap methods". The draws begin at a fixed seed, so that the same figures give the same interval.
    """
    if len(values) < FEWEST or gini(values) is None:
        return None
    draws = np.random.default_rng(SEED)
    array = np.asarray(values, dtype=np.float64)
    found = [_gini(np.sort(draws.choice(array, len(array)))) for _ in range(rounds)]
    low, high = np.percentile([one for one in found if one is not None], [LOW, HIGH])
    return float(low), float(high)


def _gini(ordered: NDArray[np.float64]) -> float | None:
    whole, count = ordered.sum(), len(ordered)
    if whole <= 0:
        return None
    return float(2 * np.dot(np.arange(1, count + 1), ordered) / (count * whole) - (count + 1) / count)


def shares_90_9_1(written: Sequence[int], people: int) -> tuple[float, float, float]:
    """Return what part the most active 1%, the next 9% and the other 90% of people wrote.

    Nielsen (2006), "Participation inequality: the 90-9-1 rule".
    """
    ordered = sorted(written, reverse=True) + [0] * max(0, people - len(written))
    whole = sum(ordered)
    if not whole:
        return 0.0, 0.0, 0.0
    one, ten = max(1, round(people * 0.01)), max(1, round(people * 0.10))
    first, next_nine = sum(ordered[:one]) / whole, sum(ordered[one:ten]) / whole
    return first, next_nine, 1 - first - next_nine


@dataclass(frozen=True, slots=True)
class Cohort:
    """Those who came in one period (its first day), and which share of them did something in each period since."""

    since: date
    people: int
    shares: tuple[float | None, ...]


def period_of(day: date, months: int = 1) -> date:
    """Return the first day of a day's month or, with three ``months``, of its quarter."""
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def later(period: date, steps: int, months: int = 1) -> date:
    """Return the first day of the period so many steps later (earlier when negative)."""
    place = period.year * 12 + period.month - 1 + steps * months
    return date(place // 12, place % 12 + 1, 1)


def cohorts(
    joined: Mapping[int, date], active: Mapping[int, set[date]], today: date, *, months: int = 1, periods: int = 8
) -> list[Cohort]:
    """Return the cohorts of the last periods, the oldest first; shares of fewer than ten people are withheld.

    :param active: per member the months (their first days) in which she did something.
    :param months: length of a period.
    """
    last = period_of(today, months)
    came: dict[date, list[int]] = {}
    for member, day in joined.items():
        came.setdefault(period_of(day, months), []).append(member)
    busy = {member: {period_of(day, months) for day in days} for member, days in active.items()}
    found = []
    for back in range(periods - 1, -1, -1):
        since = later(last, -back, months)
        people = came.get(since, [])
        shares = [_share(people, busy, later(since, step, months)) for step in range(back + 1)]
        found.append(Cohort(since, len(people), tuple(shares)))
    return found


def _share(people: Sequence[int], busy: Mapping[int, set[date]], period: date) -> float | None:
    if len(people) < FEWEST:
        return None
    return sum(period in busy.get(member, ()) for member in people) / len(people)


def cohort_months(joined: Mapping[int, date], today: date) -> int:
    """Return 1 (month) when half of the last eight months brought ten people or more, else 3 (quarter)."""
    last = period_of(today)
    sizes = [sum(period_of(day) == later(last, -back) for day in joined.values()) for back in range(8)]
    return 1 if sum(size >= FEWEST for size in sizes) >= len(sizes) / 2 else 3


def activation(joined: Mapping[int, date], first_act: Mapping[int, date], since: date, today: date) -> tuple[int, int]:
    """Return how many of those who joined since a day did something within seven days, and how many they are."""
    ripe = [m for m, day in joined.items() if since <= day <= today - timedelta(days=ACTIVATION_DAYS)]
    quick = sum(m in first_act and (first_act[m] - joined[m]).days <= ACTIVATION_DAYS for m in ripe)
    return quick, len(ripe)


def daily_over_monthly(days: Mapping[date, set[int]], today: date, span: int = 30) -> float | None:
    """Return the median over ``span`` days of people active on the day, over those active in the span."""
    window = [days.get(today - timedelta(days=back), set()) for back in range(span)]
    month = set[int]().union(*window)
    return float(np.median([len(day) for day in window])) / len(month) if month else None
