"""Who may do what to questions and answers, and how answers are ordered. Pure."""

from enum import StrEnum
from functools import lru_cache
from math import exp, lgamma, log, log1p

TITLE_MAX = 200
CATEGORY_MAX = 60
TAGS_MAX = 5
PRIOR = 2
QUANTILE = 0.05
_TINY = 1e-300


class Listing(StrEnum):
    """The lists of questions."""

    NEWEST = "newest"
    UNANSWERED = "unanswered"
    ACTIVE = "active"


class Mark(StrEnum):
    """What staff say of an answer."""

    VERIFIED = "verified"
    OFFICIAL = "official"
    OUTDATED = "outdated"


class Why(StrEnum):
    """Why an act is refused; the services hold the sentences."""

    OWN_ANSWER = "own_answer"
    OWN_QUESTION = "own_question"
    NOT_YOURS = "not_yours"
    STAFF_ONLY = "staff_only"


def why_not_vote(*, author_id: int, voter_id: int) -> Why | None:
    """Return why a member may not say that an answer helped: it is his own."""
    return Why.OWN_ANSWER if author_id == voter_id else None


def why_not_same_problem(*, author_id: int, member_id: int) -> Why | None:
    """Return why a member may not say that she has the same problem: she asked."""
    return Why.OWN_QUESTION if author_id == member_id else None


def why_not_accept(*, asker_id: int, member_id: int, is_agent: bool) -> Why | None:
    """Return why a member may not accept an answer: only the asker and support agents do."""
    return None if is_agent or asker_id == member_id else Why.NOT_YOURS


def why_not_edit(*, author_id: int, member_id: int, is_agent: bool) -> Why | None:
    """Return why a member may not change a text: it is neither hers nor is she of the company's support."""
    return None if is_agent or author_id == member_id else Why.NOT_YOURS


@lru_cache(maxsize=65536)
def lower_bound(helped: int, unhelped: int) -> float:
    """Return the 5 % quantile of Beta(helped + 2, unhelped + 2): how surely an answer helps.

    Zero votes give 0.1354. Bisection over the regularised incomplete beta function; exact to 1e-9.
    """
    return beta_quantile(QUANTILE, helped + PRIOR, unhelped + PRIOR)


@lru_cache(maxsize=65536)
def interval(helped: int, unhelped: int) -> tuple[float, float, float]:
    """Return the 5 % quantile, the mean and the 95 % quantile of Beta(helped + 2, unhelped + 2)."""
    a, b = helped + PRIOR, unhelped + PRIOR
    return beta_quantile(QUANTILE, a, b), a / (a + b), beta_quantile(1 - QUANTILE, a, b)


def beta_quantile(p: float, a: float, b: float) -> float:
    """Return the x at which the distribution function of Beta(a, b) reaches p."""
    low, high = 0.0, 1.0
    while high - low > 1e-10:  # noqa: PLR2004 - the precision promised above
        middle = (low + high) / 2
        low, high = (middle, high) if beta_cdf(middle, a, b) < p else (low, middle)
    return (low + high) / 2


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b).

    Lentz's continued fraction, as in Press et al., Numerical Recipes, 3rd ed., 6.4.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            step = c * d
            value *= step
        if abs(step - 1) < 1e-12:  # noqa: PLR2004 - beyond what a double can tell
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
