"""What is known of those who answer, at one moment and never later."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from portal.kernel.text import fold

HOUR = 3600.0
DAY = 24 * HOUR
SCALES = tuple(half_life / math.log(2) for half_life in (HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY, 120 * DAY))
"""Time constants, in seconds, of the decayed counts of answers."""
SHORT_SCALES = 3
SECOND_REPLY = 0.3
"""What a further reply to the same question counts on the short scales: it shows presence, no new help."""
HABIT = 28 * DAY
STRENGTH = 20 * DAY
WEEK_HOURS = 168
DAY_HOURS = 24
DAYS_KEPT = 31
ASKERS_KEPT = 400
WORDS_READ = 150
COMMON = 0.1
COMMON_AT_LEAST = 30
RARE = 3
WORDS_USED = 40
_WORD = re.compile(r"[a-z][a-z0-9]{2,}")


def words_of(title: str, body: str) -> tuple[str, ...]:
    """Return the distinct words of a question: all of its title, the first of its body; accents folded."""
    found = _WORD.findall(fold(title)) + _WORD.findall(fold(body[:2000]))[:WORDS_READ]
    return tuple(sorted(set(found)))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question was asked at ``at`` (seconds of the epoch)."""

    id: int
    asker_id: int | None
    at: float
    words: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """A member other than the asker answered."""

    question_id: int
    member_id: int
    at: float


@dataclass(slots=True)
class Helper:
    """One who has answered: counts that fade, habits, and what the model has learned of this person."""

    id: int
    last: float = 0.0
    strength: float = -math.inf
    total: int = 0
    decayed: list[float] = field(default_factory=lambda: [0.0] * len(SCALES))
    hours: list[float] = field(default_factory=lambda: [0.0] * DAY_HOURS)
    week: list[float] = field(default_factory=lambda: [0.0] * WEEK_HOURS)
    tags: dict[str, int] = field(default_factory=dict)
    askers: dict[str, int] = field(default_factory=dict)
    days: dict[str, dict[str, int]] = field(default_factory=dict)
    bias: float = 0.0
    bias_seen: float = 1.0
    tag_bias: dict[str, list[float]] = field(default_factory=dict)

    def faded(self, at: float) -> list[float]:
        """Return the counts of answers at ``at``, one for each of `SCALES`."""
        gap = max(0.0, at - self.last)
        return [count * math.exp(-gap / scale) for count, scale in zip(self.decayed, SCALES, strict=True)]

    def replied(self, at: float, *, first: bool) -> None:
        """Count one reply; only the first to a question counts in full."""
        self.decayed = self.faded(at) if self.total else self.decayed
        weight = 1.0 if first else SECOND_REPLY
        for scale in range(len(SCALES) if first else SHORT_SCALES):
            self.decayed[scale] += weight
        self._keep_habits(at, weight)
        self.last = at

    def _keep_habits(self, at: float, weight: float) -> None:
        fade = math.exp(-max(0.0, at - self.last) / HABIT) if self.total else 0.0
        self.hours = [count * fade for count in self.hours]
        self.week = [count * fade for count in self.week]
        moment = datetime.fromtimestamp(at, UTC)
        self.hours[moment.hour] += weight
        self.week[moment.weekday() * DAY_HOURS + moment.hour] += weight

    def helped(self, question: Asked, at: float) -> None:
        """Count one more question answered: its tags, its asker, the day."""
        self.total += 1
        day = self.days.setdefault(str(int(at // DAY)), {})
        day[""] = day.get("", 0) + 1
        for tag in question.tags:
            self.tags[tag] = self.tags.get(tag, 0) + 1
            day[tag] = day.get(tag, 0) + 1
        if len(self.days) > DAYS_KEPT:
            self.days = {k: v for k, v in self.days.items() if int(k) > at // DAY - DAYS_KEPT}
        asker = str(question.asker_id)
        self.askers[asker] = self.askers.pop(asker, 0) + 1
        if len(self.askers) > ASKERS_KEPT:
            del self.askers[next(iter(self.askers))]
        # ln of the sum of exp(t/T): comparable between helpers without knowing what time it is.
        self.strength = _log_add(self.strength, at / STRENGTH)

    def answers_within(self, at: float, days: int, tag: str = "") -> int:
        """Return how many questions, of a tag or of all, this helper answered in the last days (at most 30)."""
        since = at // DAY - days
        return sum(count.get(tag, 0) for day, count in self.days.items() if int(day) > since)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON-ready values."""
        kept = asdict(self)
        kept["strength"] = self.strength if math.isfinite(self.strength) else None
        return kept

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Helper":
        """Return the helper that `to_json` wrote."""
        strength = kept["strength"]
        return cls(**{**kept, "strength": -math.inf if strength is None else strength})


def _log_add(a: float, b: float) -> float:
    high, low = max(a, b), min(a, b)
    return high + math.log1p(math.exp(low - high)) if math.isfinite(low) else high


class Memory(Protocol):
    """Where helpers and words are kept: dictionaries in a replay, tables in the running portal."""

    questions: int
    """How many questions have been asked."""
    answers: int
    """How many times somebody was an answerer of a question."""
    tag_answers: dict[str, int]

    def helper(self, member_id: int) -> Helper:
        """Return a helper, new or known."""

    def strongest(self, count: int) -> Sequence[Helper]:
        """Return the helpers who answered most lately, the first first."""

    def asked(self, words: Iterable[str]) -> dict[str, int]:
        """Return in how many questions each of the words stood; unknown words are left out."""

    def answered(self, words: Sequence[str]) -> dict[str, Mapping[int, int]]:
        """Return for each word how many questions with it each of the candidates answered."""

    def count_question(self, words: Sequence[str]) -> None:
        """Count the words of a new question."""

    def count_answer(self, words: Sequence[str], member_id: int) -> None:
        """Count the words of a question that a helper answered."""


class InMemory:
    """A memory in dictionaries."""

    def __init__(self) -> None:
        self.questions = self.answers = 0
        self.tag_answers: dict[str, int] = {}
        self.helpers: dict[int, Helper] = {}
        self.word_questions: dict[str, int] = {}
        self.word_helpers: dict[str, dict[int, int]] = {}
        self._order: list[Helper] = []

    def helper(self, member_id: int) -> Helper:
        """Return a helper, new or known."""
        if member_id not in self.helpers:
            self.helpers[member_id] = Helper(member_id)
            self._order.append(self.helpers[member_id])
        return self.helpers[member_id]

    def strongest(self, count: int) -> Sequence[Helper]:
        """Return the helpers who answered most lately, the first first."""
        # Nearly sorted from the last time, which is what sorting in Python is fastest at.
        self._order.sort(key=lambda helper: -helper.strength)
        return self._order[:count]

    def asked(self, words: Iterable[str]) -> dict[str, int]:
        """Return in how many questions each of the words stood."""
        return {word: self.word_questions[word] for word in words if word in self.word_questions}

    def answered(self, words: Sequence[str]) -> dict[str, Mapping[int, int]]:
        """Return for each word how many questions with it each helper answered."""
        return {word: self.word_helpers.get(word, {}) for word in words}

    def count_question(self, words: Sequence[str]) -> None:
        """Count the words of a new question."""
        for word in words:
            self.word_questions[word] = self.word_questions.get(word, 0) + 1

    def count_answer(self, words: Sequence[str], member_id: int) -> None:
        """Count the words of a question that a helper answered."""
        for word in words:
            helpers = self.word_helpers.setdefault(word, {})
            helpers[member_id] = helpers.get(member_id, 0) + 1


def telling_words(memory: Memory, words: Iterable[str]) -> dict[str, int]:
    """Return the words that tell questions apart, the rarest first, with the number of questions that hold them."""
    most = max(memory.questions * COMMON, COMMON_AT_LEAST)
    useful = [(asked, word) for word, asked in memory.asked(words).items() if RARE <= asked <= most]
    return {word: asked for asked, word in sorted(useful)[:WORDS_USED]}
