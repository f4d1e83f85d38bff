"""What is worth how much, and how a ledger is folded. Pure decisions: values in, verdict out.

Points are counted in thousandths, as whole numbers, so that a reversal restores a sum to the digit.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

POLICY = 1
"""Version of what follows; each line of the ledger remembers under which it was written."""
SCALE = 1000
DAY_CAP = 100 * SCALE
PAIR_CAP = 30 * SCALE
"""From one member to another in a calendar year."""
OBJECT_CAP = 100 * SCALE
LEAST_PEOPLE = 5
LEAST_DAYS = 7
TRUSTED = 0.75
"""Whoever weighs so much counts as a person towards a public place; a ring with five bridges makes none."""


class Kind(StrEnum):
    """What a line of the ledger is for."""

    VOTE = "vote"
    ACCEPTED = "accepted"
    HELPED = "helped"
    SPARED = "spared"
    VERIFIED = "verified"
    PLANNED = "planned"
    MAKING = "making"
    SHIPPED = "shipped"
    FLAG = "flag"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Worth:
    """What one kind of line is worth: points, how much trust it hands on, whether caps hold it."""

    points: int
    vouches: float = 0.0
    capped: bool = True


WORTH: Mapping[str, Worth] = {
    Kind.VOTE: Worth(2, 0.25),
    Kind.ACCEPTED: Worth(15, 1.0),
    Kind.HELPED: Worth(5, 0.5),
    Kind.SPARED: Worth(5, 0.5),
    Kind.VERIFIED: Worth(15, 1.0, capped=False),
    Kind.PLANNED: Worth(20, 1.0, capped=False),
    Kind.MAKING: Worth(5, capped=False),
    Kind.SHIPPED: Worth(30, 1.0, capped=False),
    Kind.FLAG: Worth(2),
    Kind.HIDDEN: Worth(0, capped=False),
}


OF_MODERATION = (Kind.FLAG, Kind.HIDDEN)
"""Lines that stand because a thing is out of sight, and fall when it is shown again."""


class Cause(StrEnum):
    """Why a line was reversed; a reversal is a line, too, and can be reversed itself."""

    WITHDRAWN = "withdrawn"
    UNDONE = "undone"
    MOVED_BACK = "moved_back"
    OUT_OF_SIGHT = "out_of_sight"
    SHOWN_AGAIN = "shown_again"


class Cap(StrEnum):
    """What held a line back."""

    NONE = ""
    REVERSED = "reversed"
    UNKNOWN = "unknown"
    """Nobody we know vouches for whoever gave it."""
    OBJECT = "object"
    PAIR = "pair"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger. ``reverses`` is the line that it takes back, for a reversal."""

    id: int
    beneficiary_id: int
    kind: str
    at: datetime
    object_kind: str = ""
    object_id: int = 0
    actor_id: int | None = None
    points: int = 0
    reverses: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What a line came to, in thousandths of points, and what held it back."""

    counted: int
    cap: str = Cap.NONE
    reversed_by: int | None = None


@dataclass(slots=True)
class Folded:
    """A member's lines as they add up."""

    points: int = 0
    lines: dict[int, Line] = field(default_factory=dict)
    people: set[int] = field(default_factory=set)
    """Those who are trusted and gave something that counts."""
    days: set[date] = field(default_factory=set)


def fold(entries: Iterable[Entry], weights: Mapping[int, float]) -> Folded:
    """Fold the lines of one member, whatever the order in which they arrived.

    A line counts its points times the trust of whoever gave it, as far as the caps leave room: of its object, of the
    two members' year, of the day. Lines are taken in the order of the acts, so the earliest come first.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    >>> vote = Entry(id=1, beneficiary_id=7, actor_id=8, kind="vote", at=noon, object_kind="idea", points=2)
    >>> fold([vote], {8: 0.5}).points
    1000
    >>> back = Entry(id=2, beneficiary_id=7, kind="withdrawn", at=noon, reverses=1)
    >>> fold([back, vote], {8: 0.5}).points
    0
    """
    known = list(entries)
    dead = standing_reversals(known)
    given = sorted((one for one in known if one.reverses is None and one.kind in WORTH), key=order)
    room = _Room()
    folded = Folded()
    for one in given:
        line = _counted(one, dead.get(one.id), weights, room)
        folded.lines[one.id] = line
        folded.points += line.counted
        if line.counted > 0 and one.actor_id is not None and weights.get(one.actor_id, 0.0) >= TRUSTED:
            folded.people.add(one.actor_id)
            folded.days.add(one.at.date())
    return folded


def order(one: Entry) -> tuple[object, ...]:
    """Return the place of a line among the acts; equal acts differ by their numbers only."""
    return (one.at, one.kind, one.object_kind, one.object_id, one.actor_id or 0, one.id)


def standing_reversals(entries: Collection[Entry]) -> dict[int, int]:
    """Return for each line that does not stand the last reversal that takes it back and stands itself."""
    against: dict[int, list[int]] = defaultdict(list)
    for one in entries:
        if one.reverses is not None:
            against[one.reverses].append(one.id)
    strikes: dict[int, list[int]] = {}

    def standing(line_id: int) -> bool:
        if line_id not in strikes:
            strikes[line_id] = [strike for strike in against.get(line_id, ()) if standing(strike)]
        return not strikes[line_id]

    return {line_id: max(strikes[line_id]) for line_id in list(against) if not standing(line_id)}


class _Room:
    """What the caps leave."""

    def __init__(self) -> None:
        self.used: dict[tuple[object, ...], int] = defaultdict(int)

    def take(self, one: Entry, wanted: int) -> tuple[int, str]:
        """Take as much as every cap leaves; return it and the tightest cap, if one held it back."""
        places = (
            (("object", one.object_kind, one.object_id), OBJECT_CAP, Cap.OBJECT),
            (("pair", one.actor_id, one.at.year), PAIR_CAP, Cap.PAIR),
            (("day", one.at.date()), DAY_CAP, Cap.DAY),
        )
        left, name = min(((cap - self.used[place], name) for place, cap, name in places), key=lambda pair: pair[0])
        got = max(0, min(wanted, left))
        for place, _cap, _name in places:
            self.used[place] += got
        return got, name if got < wanted else Cap.NONE


def _counted(one: Entry, reversed_by: int | None, weights: Mapping[int, float], room: _Room) -> Line:
    if reversed_by is not None:
        return Line(0, Cap.REVERSED, reversed_by)
    wanted = round(one.points * SCALE * weights.get(one.actor_id or 0, 0.0))
    if wanted <= 0:
        return Line(0, Cap.NONE if not one.points else Cap.UNKNOWN)
    if not WORTH[one.kind].capped:
        return Line(wanted)
    return Line(*room.take(one, wanted))
