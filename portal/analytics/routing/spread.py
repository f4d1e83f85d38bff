"""Sharing the load: the first places go to the likeliest, the others also reach people who are asked less."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence

from portal.analytics.routing.memory import DAY

PLACES = 5
SURE_PLACES = 2
BUSIEST = 10
FAIR_SHARE = 0.02
"""Of all that is asked in the window; who has more gets none of the later places."""
WINDOW = 30 * DAY


def spread(ranked: Sequence[int], load: Mapping[int, int], *, places: int = PLACES) -> list[int]:
    """Return whom to ask: two by rank; the others by rank too, but past those who have had their fair share.

    :param ranked: members, likeliest first.
    :param load: how often each was asked lately (`WINDOW`).
    """
    chosen = list(ranked[:SURE_PLACES])
    rest = ranked[SURE_PLACES:]
    most = max(1.0, FAIR_SHARE * sum(load.values()))
    chosen += [member for member in rest if load.get(member, 0) < most][: places - len(chosen)]
    chosen += [member for member in rest if member not in chosen][: places - len(chosen)]
    return chosen


class Load:
    """How often each member was asked in the last thirty days."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self._asked: deque[tuple[float, list[int]]] = deque()

    def ask(self, members: Sequence[int], at: float) -> None:
        """Count one question's invitations."""
        self._asked.append((at, list(members)))
        self.counts.update(members)

    def at(self, at: float) -> Mapping[int, int]:
        """Return the counts at a moment; what is older than the window is forgotten."""
        while self._asked and self._asked[0][0] < at - WINDOW:
            self.counts.subtract(self._asked.popleft()[1])
        return self.counts
