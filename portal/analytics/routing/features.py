"""What the model looks at, for one question and one helper."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from portal.analytics.routing.memory import (
    DAY,
    DAY_HOURS,
    HOUR,
    WEEK_HOURS,
    Asked,
    Helper,
    Memory,
    telling_words,
)

HOUR_WINDOWS = ((-1, 2), (0, 3), (0, 6), (0, 12))
WEEK_WINDOWS = ((-1, 2), (0, 3), (0, 12), (0, 24))
ONLINE = (HOUR / 4, HOUR, 3 * HOUR, DAY / 2, DAY)
HOUR_PRIOR = 0.1
WEEK_PRIOR = 0.02
TAG_PRIOR = 5.0
WORD_PRIOR = 2.0
FEW = 0.02

NAMES = (
    *(f"answers_{scale}" for scale in ("1h", "6h", "1d", "3d", "7d", "30d", "120d")),
    *(f"rate_{scale}" for scale in ("1d", "3d", "7d", "30d", "120d")),
    *(f"hours_{low}_{high}" for low, high in HOUR_WINDOWS),
    *(f"week_{low}_{high}" for low, high in WEEK_WINDOWS),
    "recency",
    *(f"online_{name}" for name in ("15m", "1h", "3h", "12h", "1d")),
    "tags",
    "words",
    "asker",
    "total",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Context:
    """The part of the features that all helpers share: what is asked, when, and what its words weigh."""

    question: Asked
    hour: int
    week_hour: int
    words: tuple[tuple[Mapping[int, int], float], ...]
    answers: int
    tag_answers: tuple[tuple[str, int], ...]


def context_of(question: Asked, memory: Memory) -> Context:
    """Look up once what all candidates need: each telling word with its helpers and its share of questions."""
    moment = datetime.fromtimestamp(question.at, UTC)
    asked = telling_words(memory, question.words)
    answered = memory.answered(list(asked))
    words = tuple((answered[word], count / (memory.questions + 1)) for word, count in asked.items())
    tags = tuple((tag, memory.tag_answers.get(tag, 0)) for tag in question.tags)
    week_hour = moment.weekday() * DAY_HOURS + moment.hour
    return Context(question, moment.hour, week_hour, words, memory.answers, tags)


def features_of(helper: Helper, context: Context) -> list[float]:
    """Return one number for each of `NAMES`."""
    at = context.question.at
    faded = helper.faded(at)
    gap = max(0.0, at - helper.last)
    share = (helper.total + 0.5) / (context.answers + 1)
    return [
        *(math.log1p(count) for count in faded),
        *(math.log(count + FEW) for count in faded[2:]),
        *_habit(helper.hours, context.hour, DAY_HOURS, HOUR_WINDOWS, HOUR_PRIOR),
        *_habit(helper.week, context.week_hour, WEEK_HOURS, WEEK_WINDOWS, WEEK_PRIOR),
        math.log1p(gap / 60),
        *(1.0 if gap < limit else 0.0 for limit in ONLINE),
        tag_affinity(helper, context, share),
        word_affinity(helper, context),
        math.log1p(helper.askers.get(str(context.question.asker_id), 0)),
        math.log1p(helper.total),
    ]


def _habit(
    counts: Sequence[float], now: int, size: int, windows: Sequence[tuple[int, int]], prior: float
) -> list[float]:
    """Return the log of the smoothed share of this helper's replies in some hours around now."""
    whole = math.log(sum(counts) + prior * size)
    around = [counts[(now + step) % size] for step in range(windows[0][0], windows[-1][1])]
    first = windows[0][0]
    return [math.log(sum(around[low - first : high - first]) + prior * (high - low)) - whole for low, high in windows]


def tag_affinity(helper: Helper, context: Context, share: float) -> float:
    """Return how much likelier than elsewhere this helper answers under these tags: mean log ratio, shrunk."""
    if not context.tag_answers:
        return 0.0
    ratios = (
        math.log((helper.tags.get(tag, 0) + TAG_PRIOR * share) / (count + TAG_PRIOR) / share)
        for tag, count in context.tag_answers
    )
    return sum(ratios) / len(context.tag_answers)


def word_affinity(helper: Helper, context: Context) -> float:
    """Return how much likelier than elsewhere this helper answers questions with these words.

    A naive Bayes log ratio, each word's counts shrunk to what chance would give, over the root of their number.
    """
    ratio, total, member_id = 1.0, helper.total, helper.id
    for helpers, share in context.words:
        ratio *= (helpers.get(member_id, 0) + WORD_PRIOR) / (total * share + WORD_PRIOR)
    return math.log(ratio) / math.sqrt(len(context.words) + 1)
