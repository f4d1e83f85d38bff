"""The walk through time: questions are ranked as they come, answers are learned from once they are known."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from portal.analytics.routing.features import context_of, features_of
from portal.analytics.routing.memory import DAY, Answered, Asked, Helper, Memory
from portal.analytics.routing.model import Model

CANDIDATES = 40
LESSON_AFTER = (DAY, 5 * DAY)
FORGOTTEN = 60 * DAY


@dataclass(frozen=True, slots=True)
class Ranked:
    """One candidate with the utility the model gives and the features it came from."""

    helper: Helper
    score: float
    features: list[float]


@dataclass(slots=True)
class Pending:
    """A question whose answers are still to be learned from, as its candidates looked when it was asked."""

    question: Asked
    member_ids: list[int]
    rows: list[list[float]]
    lessons: int = 0
    answered: set[int] = field(default_factory=set)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON-ready values."""
        return {
            "asker_id": self.question.asker_id, "at": self.question.at, "words": list(self.question.words),
            "tags": list(self.question.tags), "member_ids": self.member_ids, "rows": self.rows,
            "lessons": self.lessons, "answered": sorted(self.answered),
        }  # fmt: skip

    @classmethod
    def from_json(cls, question_id: int, kept: dict[str, Any]) -> "Pending":
        """Return the pending question that `to_json` wrote."""
        asked = Asked(question_id, kept["asker_id"], kept["at"], tuple(kept["words"]), tuple(kept["tags"]))
        return cls(asked, kept["member_ids"], kept["rows"], kept["lessons"], set(kept["answered"]))


def rank(question: Asked, memory: Memory, model: Model, *, candidates: int = CANDIDATES) -> list[Ranked]:
    """Return the candidates for a question, likeliest to answer first; the asker is none of them."""
    context = context_of(question, memory)
    found = []
    for helper in memory.strongest(candidates + 1):
        if helper.id != question.asker_id:
            row = features_of(helper, context)
            found.append(Ranked(helper, model.score(row, helper, question.tags), row))
    return sorted(found[:candidates], key=lambda ranked: -ranked.score)


def remember_question(question: Asked, memory: Memory) -> None:
    """Count a question and its words."""
    memory.questions += 1
    memory.count_question(question.words)


def remember_answer(question: Asked, answer: Answered, memory: Memory) -> None:
    """Count that a helper answered a question for the first time."""
    memory.helper(answer.member_id).replied(answer.at, first=True)
    memory.helper(answer.member_id).helped(question, answer.at)
    memory.answers += 1
    for tag in question.tags:
        memory.tag_answers[tag] = memory.tag_answers.get(tag, 0) + 1
    memory.count_answer(question.words, answer.member_id)


def learn_from(pending: Pending, memory: Memory, model: Model) -> None:
    """Take one lesson from a question with the answers that are known by now."""
    helpers = [memory.helper(member_id) for member_id in pending.member_ids]
    answered = [member_id in pending.answered for member_id in pending.member_ids]
    model.learn(pending.rows, helpers, pending.question.tags, answered)
    pending.lessons += 1


class Shelf(Protocol):
    """Where questions wait until their answers have been learned from."""

    def put(self, pending: Pending) -> None:
        """Keep a new question."""

    def get(self, question_id: int) -> Pending | None:
        """Return a question that is still open, to change it."""

    def due(self, lessons: int, before: float) -> Iterable[Pending]:
        """Yield, once, those asked ``before`` a time from which ``lessons`` have been taken."""

    def clear(self, before: float) -> None:
        """Forget what was asked before."""


class InMemoryShelf:
    """A shelf in dictionaries; questions must come in order of time."""

    def __init__(self) -> None:
        self.open: dict[int, Pending] = {}
        self._ages: deque[Pending] = deque()
        self._due: tuple[deque[Pending], ...] = tuple(deque() for _ in LESSON_AFTER)

    def put(self, pending: Pending) -> None:
        """Keep a new question."""
        self.open[pending.question.id] = pending
        self._ages.append(pending)
        self._due[0].append(pending)

    def get(self, question_id: int) -> Pending | None:
        """Return a question that is still open."""
        return self.open.get(question_id)

    def due(self, lessons: int, before: float) -> Iterable[Pending]:
        """Yield those asked before a time from which so many lessons have been taken."""
        line = self._due[lessons]
        while line and line[0].question.at < before:
            pending = line.popleft()
            yield pending
            if lessons + 1 < len(self._due):
                self._due[lessons + 1].append(pending)

    def clear(self, before: float) -> None:
        """Forget what was asked before."""
        while self._ages and self._ages[0].question.at < before:
            del self.open[self._ages.popleft().question.id]


class Router:
    """A memory, a model, and a shelf of questions whose lessons are still to come."""

    def __init__(self, memory: Memory, shelf: Shelf, model: Model | None = None) -> None:
        self.memory, self.shelf, self.model = memory, shelf, model or Model()

    def ask(self, question: Asked) -> list[Ranked]:
        """Rank a question with what is known at its time, then remember it."""
        self.pass_time(question.at)
        ranked = rank(question, self.memory, self.model)
        self.shelf.put(Pending(question, [one.helper.id for one in ranked], [one.features for one in ranked]))
        remember_question(question, self.memory)
        return ranked

    def answer(self, answer: Answered) -> None:
        """Remember an answer; a further one, or one to a question long forgotten, shows presence only."""
        self.pass_time(answer.at)
        pending = self.shelf.get(answer.question_id)
        if pending is None or answer.member_id in pending.answered:
            self.memory.helper(answer.member_id).replied(answer.at, first=False)
            return
        pending.answered.add(answer.member_id)
        remember_answer(pending.question, answer, self.memory)

    def pass_time(self, at: float) -> None:
        """Take the lessons that are due and forget what is old."""
        for lessons, delay in enumerate(LESSON_AFTER):
            for pending in self.shelf.due(lessons, at - delay):
                learn_from(pending, self.memory, self.model)
        self.shelf.clear(at - FORGOTTEN)
