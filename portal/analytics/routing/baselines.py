"""Simpler ways to say who will answer, computed beside ours so that nobody need take ours on trust."""

import math
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from heapq import nlargest

from portal.analytics.routing.memory import COMMON, COMMON_AT_LEAST, DAY, Answered, Asked

RECENT = 30 * DAY
NEIGHBOURS = 30
NEIGHBOUR_WORDS = 20


def z_score(answers: int, questions: int) -> float:
    """Return how far a member answers more than she asks, in standard deviations of chance.

    Zhang, Ackerman & Adamic (2007), "Expertise networks in online communities": (a − q) / √(a + q).
    """
    return (answers - questions) / math.sqrt(answers + questions) if answers + questions else 0.0


class Standing:
    """Members kept in order of a figure, largest first; a figure that moved a little is put right in no time."""

    def __init__(self) -> None:
        self.order: list[int] = []
        self._figures: dict[int, tuple[float, float]] = {}
        self._place: dict[int, int] = {}

    def set(self, member: int, figure: tuple[float, float]) -> None:
        """Give a member a figure and its place."""
        if member not in self._place:
            self._place[member] = len(self.order)
            self.order.append(member)
        self._figures[member] = figure
        while self._swaps(self._place[member] - 1) or self._swaps(self._place[member]):
            pass

    def _swaps(self, upper: int) -> bool:
        if not 0 <= upper < len(self.order) - 1:
            return False
        high, low = self.order[upper], self.order[upper + 1]
        if self._figures[high] >= self._figures[low]:
            return False
        self.order[upper], self.order[upper + 1] = low, high
        self._place[low], self._place[high] = upper, upper + 1
        return True


class Baselines:
    """Counts over what has happened so far, and the members in the order of each."""

    def __init__(self) -> None:
        self.answers: Counter[int] = Counter()
        self.asked: Counter[int] = Counter()
        self.recent: Counter[int] = Counter()
        self._recent: deque[tuple[float, int]] = deque()
        self._texts = Neighbours()
        self._counted, self._scored = Standing(), Standing()

    def ask(self, question: Asked) -> None:
        """Count a question."""
        asker = question.asker_id
        if asker is not None:
            self.asked[asker] += 1
            if asker in self.answers:
                self._stand(asker)
        self._texts.add(question)

    def answer(self, answer: Answered) -> None:
        """Count an answer."""
        member = answer.member_id
        self.answers[member] += 1
        self.recent[member] += 1
        self._recent.append((answer.at, member))
        self._texts.answer(answer)
        self._stand(member)

    def _stand(self, member: int) -> None:
        answers = self.answers[member]
        self._counted.set(member, (answers, 0))
        self._scored.set(member, (z_score(answers, self.asked[member]), answers))

    def rankings(self, question: Asked, most: int) -> dict[str, list[int]]:
        """Return the first members by each baseline at the time of a question, the asker aside; ties by count."""
        while self._recent and self._recent[0][0] < question.at - RECENT:
            _, member = self._recent.popleft()
            self.recent[member] -= 1
            if not self.recent[member]:
                del self.recent[member]
        near = self._texts.near(question)
        orders = {
            "last_30_days": self._by(self.recent),
            "answer_count": self._counted.order[: most + 1],
            "z_score": self._scored.order[: most + 1],
            "neighbours": self._by(near),
        }
        return {
            name: [member for member in order if member != question.asker_id][:most] for name, order in orders.items()
        }

    def _by(self, figures: Mapping[int, float]) -> list[int]:
        return sorted(figures, key=lambda member: (figures[member], self.answers[member]), reverse=True)


class Neighbours:
    """The earlier questions nearest in words (cosine of Tf-idf), and who answered them."""

    def __init__(self) -> None:
        self._holding: dict[str, list[int]] = {}
        self._lengths: list[float] = []
        self._answered: list[set[int]] = []
        self._places: dict[int, int] = {}

    def add(self, question: Asked) -> None:
        """Remember a question's words."""
        place = len(self._lengths)
        self._places[question.id] = place
        self._answered.append(set())
        self._lengths.append(math.sqrt(len(question.words) + 1))
        for word in question.words:
            self._holding.setdefault(word, []).append(place)

    def answer(self, answer: Answered) -> None:
        """Remember who answered."""
        if answer.question_id in self._places:
            self._answered[self._places[answer.question_id]].add(answer.member_id)

    def near(self, question: Asked) -> dict[int, float]:
        """Return each answerer's sum of likeness over the nearest questions."""
        likeness: dict[int, float] = {}
        for places, weight in self._telling(question.words):
            for place in places:
                likeness[place] = likeness.get(place, 0.0) + weight
        lengths = self._lengths
        found: dict[int, float] = {}
        for value, place in nlargest(NEIGHBOURS, ((value / lengths[p], p) for p, value in likeness.items())):
            for member in self._answered[place]:
                found[member] = found.get(member, 0.0) + value
        return found

    def _telling(self, words: Sequence[str]) -> list[tuple[list[int], float]]:
        whole = len(self._lengths)
        lists = (self._holding[word] for word in words if word in self._holding)
        useful = sorted((x for x in lists if len(x) <= max(COMMON_AT_LEAST, whole * COMMON)), key=len)[:NEIGHBOUR_WORDS]
        return [(places, math.log((whole + 1) / len(places)) ** 2) for places in useful]
