"""How well would we have ranked? Each question of a period, with only what was known when it was asked."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from portal.analytics.routing.baselines import Baselines
from portal.analytics.routing.memory import Answered, Asked, InMemory
from portal.analytics.routing.router import InMemoryShelf, Router
from portal.analytics.routing.spread import BUSIEST, PLACES, Load, spread

Happening = Asked | Answered
OURS, SPREAD = "ours", "ours_spread"
KEPT = 100
"""Places kept of each ranking; who stands lower counts as not found (it would add less than 0.01 to the MRR)."""


@dataclass(slots=True)
class Marks:
    """Marks of one way of ranking."""

    questions: int = 0
    first: int = 0
    five: int = 0
    reciprocal: float = 0.0
    given: Counter[int] = field(default_factory=Counter)

    def mark(self, ranked: Sequence[int], right: set[int]) -> None:
        """Count one question that was answered by those who are ``right``."""
        self.questions += 1
        self.given.update(ranked[:PLACES])
        place = next((place for place, member in enumerate(ranked, 1) if member in right), None)
        if place is not None:
            self.first += place == 1
            self.five += place <= PLACES
            self.reciprocal += 1 / place

    def report(self) -> dict[str, float]:
        """Return the marks as shares: hits, mean reciprocal rank, and how much the ten most recommended get."""
        whole = self.questions or 1
        top = sum(count for _, count in self.given.most_common(BUSIEST))
        return {
            "hit@1": round(self.first / whole, 4),
            "hit@5": round(self.five / whole, 4),
            "mrr": round(self.reciprocal / whole, 4),
            "top_ten_share": round(top / (sum(self.given.values()) or 1), 4),
        }


@dataclass(slots=True)
class _Guess:
    """What each way of ranking said of one question, kept until its answers are known."""

    known: frozenset[int]
    rankings: dict[str, list[int]]
    answered: set[int] = field(default_factory=set)


class _Walk:
    def __init__(self, since: float, until: float, tell: Callable[[int], object]) -> None:
        self.since, self.until, self.tell = since, until, tell
        self.router, self.baselines, self.load = Router(InMemory(), InMemoryShelf()), Baselines(), Load()
        self.guesses: dict[int, _Guess] = {}

    def ask(self, question: Asked) -> None:
        """Guess who will answer, then remember the question."""
        ranked = [one.helper.id for one in self.router.ask(question)]
        if self.since <= question.at < self.until:
            self.guesses[question.id] = self._guess(question, ranked)
            self.tell(len(self.guesses))
        self.baselines.ask(question)

    def _guess(self, question: Asked, ranked: list[int]) -> _Guess:
        known = frozenset(member for member in self.baselines.answers if member != question.asker_id)
        chosen = spread(ranked, self.load.at(question.at))
        self.load.ask(chosen, question.at)
        rankings = {OURS: ranked, SPREAD: [*chosen, *(member for member in ranked if member not in chosen)]}
        return _Guess(known, rankings | self.baselines.rankings(question, KEPT))

    def answer(self, answer: Answered) -> None:
        """Remember an answer, also as the truth about a guess."""
        self.router.answer(answer)
        self.baselines.answer(answer)
        if answer.question_id in self.guesses:
            self.guesses[answer.question_id].answered.add(answer.member_id)

    def report(self) -> dict[str, object]:
        """Mark every guess that can be marked."""
        marks = {name: Marks() for name in (OURS, "last_30_days", "answer_count", "z_score", "neighbours", SPREAD)}
        scored = 0
        for guess in self.guesses.values():
            right = guess.answered & guess.known
            scored += bool(right)
            for name, mark in marks.items() if right else ():
                mark.mark(guess.rankings[name], right)
        reports = {name: mark.report() for name, mark in marks.items()}
        return {"questions": scored, "asked": len(self.guesses), **reports}


def replay(
    happenings: Iterable[Happening],
    since: float,
    until: float,
    *,
    tell: Callable[[int], object] = lambda _: None,
) -> dict[str, object]:
    """Walk through everything in order of time and mark the questions asked in ``[since, until)``.

    Truth is whoever answered, ever, the asker aside; a question counts when one of them had answered something
    before. Nothing is looked up ahead: guesses are kept, and marked when the walk is over.

    :param happenings: from the first day of the board, in order of time.
    :param tell: is told how many questions have been ranked.
    """
    walk = _Walk(since, until, tell)
    for happening in happenings:
        if isinstance(happening, Asked):
            walk.ask(happening)
        else:
            walk.answer(happening)
    return walk.report()
