"""What is allowed around ideas, and how their figures are made. Pure decisions: values in, verdict out."""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from portal.community.rules import Voting

TITLE_MAX = 120
BODY_MAX = 20_000
ANSWER_MAX = 10_000
EXCERPT = 200
FRESH_DAYS = 14
"""An account younger than this is new. Without a confirmed address its votes are *fresh*, with one they are *young*."""
YOUNG_WHOLE = 3
"""So many young votes on an idea count whole; all beyond them together count as their root."""
MANY_YOUNG = 10
"""From so many young votes on, more than half of all, moderators are told of an idea."""
MIN_VIEWERS = 50
"""So many people are shown every new idea in *Explore*."""
RISING_DAYS = 14.0
"""T of *Rising*: after so many days a vote weighs 1/e."""
RISING_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
"""t₀ of *Rising*; exp((t - t₀)/T) stays a double until 2051."""
UNVOTED = -1.0e6
"""Ideas without votes stand below all others in *Rising*, the newest first."""
WANTED_QUANTILE = 0.05
WANTED_PRIOR = (1.0, 9.0)
"""Before anything is known, one viewer in ten supports an idea."""
WEEKS = 12
SATURDAY = 5


class Stage(StrEnum):
    """Where an idea stands."""

    SUBMITTED = "submitted"
    REVIEW = "review"
    PLANNED = "planned"
    MAKING = "making"
    SHIPPED = "shipped"
    DECLINED = "declined"


CLOSED = frozenset({Stage.SHIPPED.value, Stage.DECLINED.value})


class VoteKind(StrEnum):
    """What a member says about an idea. The last two are private."""

    SUPPORT = "support"
    NOT_FOR_ME = "not_for_me"
    SKIP = "skip"


class Sort(StrEnum):
    """Orders of a list, each with a reason to tell."""

    RISING = "rising"
    WANTED = "wanted"
    EXPLORE = "explore"
    NEWEST = "newest"
    ANSWER_DUE = "answer_due"


class ReasonCode(StrEnum):
    """Why the company declines."""

    COST = "cost"
    TECHNICAL = "technical"
    TOO_FEW = "too_few"
    NOT_OUR_CRAFT = "not_our_craft"
    LEGAL = "legal"
    SUPPLIER_LIMITS = "supplier_limits"
    EXISTS = "exists"
    OTHER = "other"


class Refusal(StrEnum):
    """Why a vote is not taken; the sentence is the service's."""

    CLOSED = "closed"
    SCHEME = "scheme"
    NOT_YOURS_TO_GIVE = "not_yours_to_give"
    NO_SOURCE = "no_source"


def why_not_vote(stage: str, *, kind: str, scheme: str, for_another: bool, source: str) -> Refusal | None:
    """Return the reason a vote is refused, or None when it is welcome."""
    if stage in CLOSED:
        return Refusal.CLOSED
    if kind != VoteKind.SUPPORT and scheme != Voting.SUPPORT_NOT_FOR_ME_SKIP:
        return Refusal.SCHEME
    if for_another and not source.strip():
        return Refusal.NO_SOURCE
    return None


def is_fresh(*, verified: bool, tenure_days: int, trusted: bool = False) -> bool:
    """Return whether a vote comes from a young account without a confirmed address that nobody trusts yet."""
    return not verified and not trusted and tenure_days < FRESH_DAYS


def is_young(*, verified: bool, tenure_days: int, trusted: bool, by_herself: bool) -> bool:
    """Return whether a vote comes from a young account that nobody vouches for, though its address is confirmed."""
    return verified and by_herself and not trusted and tenure_days < FRESH_DAYS


def effective_votes(established: int, fresh_by_week: Iterable[int], young: int = 0) -> float:
    """Return how much the votes count: established ones as they are, fresh ones √n an idea and week.

    Of young ones a few count whole, so that newcomers are heard; a crowd of them counts little more than those few,
    until its accounts have grown older, or are trusted.

    >>> effective_votes(10, [4, 9])
    15.0
    >>> effective_votes(10, [], 2), effective_votes(10, [], 3 + 49)
    (12.0, 20.0)
    """
    many = max(young - YOUNG_WHOLE, 0)
    return established + sum(math.sqrt(n) for n in fresh_by_week) + young - many + math.sqrt(many)


def is_a_crowd(young: int, votes: int) -> bool:
    """Return whether so many young votes came together on an idea that a person should look."""
    return young >= MANY_YOUNG and 2 * young > votes


def rising(votes: Iterable[tuple[datetime, float]], proposed_at: datetime) -> float:
    """Return ln Σ wᵢ·exp((tᵢ - t₀)/T) over votes given as time and weight.

    The number does not change while time passes: all ideas fade alike, so the order stands and can be indexed.
    """
    total = UNVOTED
    for at, weight in votes:
        total = risen(total, at, weight)
    return total if total > UNVOTED else unvoted(proposed_at)


def risen(before: float, at: datetime, weight: float = 1.0) -> float:
    """Return *Rising* with one more vote, by logaddexp.

    >>> round(risen(risen(UNVOTED, RISING_EPOCH), RISING_EPOCH), 6) == round(math.log(2), 6)
    True
    """
    term = math.log(weight) + days_of(at) / RISING_DAYS
    high, low = max(before, term), min(before, term)
    return high + math.log1p(math.exp(low - high))


def unvoted(proposed_at: datetime) -> float:
    """Return the place in *Rising* of an idea without votes: below all that have some, by its time."""
    return UNVOTED + days_of(proposed_at) / RISING_DAYS


def days_of(at: datetime) -> float:
    """Return the days since t₀."""
    return (at - RISING_EPOCH) / timedelta(days=1)


def wanted(supporters: float, viewers: float) -> float:
    """Return the 5 % quantile of the posterior share of viewers who support an idea.

    The share has the prior Beta(1, 9); whoever voted has seen the idea, even if no list showed it. Fresh votes count as
    their root on both sides, so that throw-away accounts neither carry an idea nor drag one down.

    >>> wanted(0, 0) < wanted(5, 20) < wanted(50, 200) < 0.25
    True
    """
    prior_yes, prior_no = WANTED_PRIOR
    seen = max(viewers, supporters)
    return beta_quantile(WANTED_QUANTILE, prior_yes + supporters, prior_no + seen - supporters)


@lru_cache(maxsize=65_536)
def beta_quantile(p: float, a: float, b: float) -> float:
    """Return x with Iₓ(a, b) = p, by bisection, to 1e-9."""
    low, high = 0.0, 1.0
    while high - low > 1e-9:  # noqa: PLR2004
        middle = (low + high) / 2
        if beta_share(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_share(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function Iₓ(a, b).

    Continued fraction DLMF 8.17.22, evaluated by Lentz's method, with the symmetry 8.17.4 where it converges faster.
    """
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_share(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    tiny = 1e-300
    value, c, d = 1.0, 1.0, 0.0
    for step in range(500):
        half = step // 2
        if step == 0:
            term = 1.0
        elif step % 2:
            term = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            term = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        d = 1.0 / ((1.0 + term * d) or tiny)
        c = (1.0 + term / c) or tiny
        value *= c * d
        if abs(1.0 - c * d) < 1e-12:  # noqa: PLR2004
            break
    return value - 1.0


def after_working_days(start: datetime, days: int) -> datetime:
    """Return the moment so many working days, Monday to Friday, after another."""
    moment, left = start, days
    while left:
        moment += timedelta(days=1)
        left -= moment.weekday() < SATURDAY
    return moment


def working_days_between(start: date, end: date) -> int:
    """Return how many working days lie after ``start`` up to and with ``end``."""
    days = (end - start).days
    return sum((start + timedelta(days=n)).weekday() < SATURDAY for n in range(1, days + 1))


def why_not_stage(stage: str, *, known: Sequence[str], reason_code: str | None, answer: str) -> str | None:
    """Return the name of the field that is missing for a change of stage, or None when all is there."""
    if stage not in known:
        return "stage"
    if stage == Stage.DECLINED and reason_code not in set(ReasonCode):
        return "reason_code"
    if stage == Stage.DECLINED and not answer.strip():
        return "answer"
    return None
