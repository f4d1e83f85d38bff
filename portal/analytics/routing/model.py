"""A conditional logit over candidates, learned online by Adagrad, with a bias for each helper and tag.

McFadden (1974), "Conditional logit analysis of qualitative choice behavior"; Duchi, Hazan & Singer (2011),
"Adaptive subgradient methods". The weights begin where an even-handed community would have them, so that a
young board is served before there is anything to learn from.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import mul
from typing import Any

from portal.analytics.routing.features import NAMES
from portal.analytics.routing.memory import Helper

RATE = 0.05
BIAS_RATE = 0.1
RIDGE = 1e-4
FADE = 1 - 1e-4
SOME = 1e-2
FIRST_WEIGHTS = {
    "rate_3d": 0.1,
    "rate_7d": 0.1,
    "rate_30d": 0.2,
    "rate_120d": 0.25,
    "hours_0_12": 0.2,
    "week_0_24": 0.1,
    "tags": 0.5,
    "words": 0.9,
    "asker": 0.15,
    "total": 0.15,
}


@dataclass(slots=True)
class Model:
    """Weights of the features, and how much each has been moved."""

    weights: list[float] = field(default_factory=lambda: [FIRST_WEIGHTS.get(name, 0.0) for name in NAMES])
    moved: list[float] = field(default_factory=lambda: [SOME] * len(NAMES))
    lessons: int = 0

    def score(self, features: Sequence[float], helper: Helper, tags: Sequence[str]) -> float:
        """Return the utility; only differences between candidates of one question mean something."""
        utility: float = sum(map(mul, self.weights, features))
        return utility + helper.bias + _tag_bias(helper, tags)

    def learn(self, rows: Sequence[Sequence[float]], helpers: Sequence[Helper], tags: Sequence[str],
              answered: Sequence[bool]) -> None:  # fmt: skip
        """Move the weights one step towards those who answered. Nothing to learn when none or all did."""
        right = sum(answered)
        if right in {0, len(rows)}:
            return
        chances = softmax([self.score(row, helper, tags) for row, helper in zip(rows, helpers, strict=True)])
        errors = [hit / right - chance for hit, chance in zip(answered, chances, strict=True)]
        self._move(rows, errors)
        for helper, error in zip(helpers, errors, strict=True):
            _move_bias(helper, error, tags)
        self.lessons += 1

    def _move(self, rows: Sequence[Sequence[float]], errors: Sequence[float]) -> None:
        for place, values in enumerate(zip(*rows, strict=True)):
            slope = sum(map(mul, errors, values)) - RIDGE * self.weights[place]
            self.moved[place] += slope * slope
            self.weights[place] += RATE * slope / math.sqrt(self.moved[place])

    def to_json(self) -> dict[str, Any]:
        """Return the weights by name, so that a feature may come or go between versions."""
        weights = dict(zip(NAMES, self.weights, strict=True))
        return {"weights": weights, "moved": dict(zip(NAMES, self.moved, strict=True)), "lessons": self.lessons}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Model":
        """Return the model that `to_json` wrote."""
        weights = [kept["weights"].get(name, 0.0) for name in NAMES]
        return cls(weights, [kept["moved"].get(name, SOME) for name in NAMES], kept["lessons"])


def softmax(scores: Sequence[float]) -> list[float]:
    """Return the chances that belong to the scores: positive, with sum 1."""
    top = max(scores)
    weights = [math.exp(score - top) for score in scores]
    whole = sum(weights)
    return [weight / whole for weight in weights]


def _tag_bias(helper: Helper, tags: Sequence[str]) -> float:
    if not tags or not helper.tag_bias:
        return 0.0
    return sum(helper.tag_bias[tag][0] for tag in tags if tag in helper.tag_bias) / len(tags)


def _move_bias(helper: Helper, error: float, tags: Sequence[str]) -> None:
    helper.bias_seen += error * error
    helper.bias = (helper.bias + BIAS_RATE * error / math.sqrt(helper.bias_seen)) * FADE
    for tag in tags:
        entry = helper.tag_bias.setdefault(tag, [0.0, 1.0])
        entry[1] += error * error
        entry[0] = (entry[0] + BIAS_RATE * error / math.sqrt(entry[1])) * FADE
