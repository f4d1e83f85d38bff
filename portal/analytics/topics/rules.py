"""What the figures of topics mean: growth with its interval, what is out of the ordinary, who gets an own model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

OWN_MODEL = 2_000
"""A board with so many threads gets a model of its own; smaller ones share the community's."""

FEWEST_PEOPLE = 10
"""Shares over fewer people than this are withheld."""

EMERGING_AUTHORS = 5
EMERGING_RATE = 0.05
"""False discoveries allowed among the topics that are announced as out of the ordinary."""

GROWN = 1.2
"""So many times as much text as at the last training calls for a new one."""

FIRST_TRAINING = 30
"""So many threads call for the first training."""

STALE = timedelta(days=7)
Z90 = 1.6448536269514722
WEEKS = (4, 12, 26, 52)
WEEK = timedelta(days=7)
LONGEST_NAME = 80
_ENOUGH = 1e-12


@dataclass(frozen=True, slots=True)
class Growth:
    """How much more was written than in the period before, as a share: 0.38 is +38 %; with its 90 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Return whether the interval leaves out that nothing changed."""
        return self.low > 0 or self.high < 0


def growth(now: int, before: int) -> Growth | None:
    """Compare two counts over periods of equal length; None when there were too few to compare.

    Given their sum, the newer count is binomial; Wilson's interval of its share gives that of the ratio (Przyborowski
    & Wilenski 1940; Wilson 1927). Half a count is added to both so that a beginning has a size.

    >>> growth(138, 100).low < 0.38 < growth(138, 100).high
    True
    """
    if now + before < FEWEST_PEOPLE:
        return None
    newer, older = now + 0.5, before + 0.5
    size = newer + older
    share = newer / size
    spread = Z90 * math.sqrt(share * (1 - share) / size + Z90**2 / (4 * size**2))
    middle = share + Z90**2 / (2 * size)
    scale = 1 + Z90**2 / size
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return Growth(newer / older - 1, low / (1 - low) - 1, high / (1 - high) - 1)


def weeks_until(until: datetime, weeks: int) -> list[datetime]:
    """Return the beginnings of the last weeks before a moment, the earliest first."""
    return [until - WEEK * back for back in range(weeks, 0, -1)]


def chance_of(count: int, usual: Sequence[int]) -> float:
    """Return how likely a week of at least ``count`` posts is, given those of usual weeks.

    The tail of a negative binomial with the mean and variance of the usual weeks; of a Poisson where these vary no
    more than chance. Half a post is added to the mean, so that a topic never seen before is not infinitely surprising.
    """
    if not usual or count <= 0:
        return 1.0
    mean = sum(usual) / len(usual) + 0.5 / len(usual)
    spread = sum((week - mean) ** 2 for week in usual) / max(len(usual) - 1, 1)
    return _poisson_tail(count, mean) if spread <= mean else _negative_binomial_tail(count, mean, spread)


def _poisson_tail(count: int, mean: float) -> float:
    below = sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count))
    return max(1 - below, _ENOUGH)


def _negative_binomial_tail(count: int, mean: float, variance: float) -> float:
    size = mean**2 / (variance - mean)
    share = size / (size + mean)

    def log_chance(k: int) -> float:
        ways = math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
        return ways + size * math.log(share) + k * math.log1p(-share)

    return max(1 - sum(math.exp(log_chance(k)) for k in range(count)), _ENOUGH)


def discoveries(chances: Sequence[float], rate: float = EMERGING_RATE) -> list[bool]:
    """Return which of many chances are small enough together (Benjamini & Hochberg 1995).

    >>> discoveries([0.001, 0.8, 0.03, 0.04])
    [True, False, False, False]
    """
    order = sorted(range(len(chances)), key=chances.__getitem__)
    last = max((rank for rank, place in enumerate(order, 1) if chances[place] <= rate * rank / len(chances)), default=0)
    found = set(order[:last])
    return [place in found for place in range(len(chances))]
