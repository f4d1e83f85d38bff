"""Writing the ledger from facts. Only the projection calls this, so there is one who writes, in the order of facts.

A batch reads what the ledger says of the things it touches once, works on that, and writes all at its end.
Transactions may be recorded in another order than they happened in: a withdrawal whose vote has not been read yet waits
as a line that reverses nothing, and takes back the vote when it comes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text, tuple_

from portal.analytics.reputation.models import ReputationEntry
from portal.analytics.reputation.reading import BackInSight, Credit, GoneFromSight, Move, TakenBack, Thing
from portal.analytics.reputation.rules import OF_MODERATION, POLICY, WORTH, Cause, Kind
from portal.kernel.database import db

Entry = ReputationEntry
BLOCK = 200
NOBODY = 0
_AUTHOR = text("""
SELECT actor_id FROM activity
WHERE subject_kind = :kind AND subject_id = :id
  AND name IN ('IdeaPosted', 'QuestionAsked', 'AnswerGiven', 'CommentPosted')
ORDER BY id LIMIT 1""")
_NUMBERS = text("SELECT nextval(pg_get_serial_sequence('reputation_entry', 'id')) FROM generate_series(1, :n)")
_CHANGED = text("""
UPDATE reputation_entry e SET beneficiary_id = n.whose, reverses_id = n.reverses, reversed_by = n.by
FROM unnest(CAST(:ids AS bigint[]), CAST(:whose AS bigint[]), CAST(:reverses AS bigint[]), CAST(:by AS bigint[]))
     AS n (id, whose, reverses, by)
WHERE e.id = n.id""")
_STALE = text("""
INSERT INTO reputation (member_id, points, people, days, ranked, stale)
SELECT id, 0, 0, 0, 0, true FROM unnest(CAST(:ids AS bigint[])) AS id
ON CONFLICT (member_id) DO UPDATE SET stale = true""")


@dataclass(frozen=True, slots=True)
class Act:
    """A move with the fact it comes from, and when it happened."""

    move: Move
    fact_id: int
    at: datetime


@dataclass(slots=True)
class _Line:
    """A line while a batch is written."""

    id: int
    thing: Thing
    kind: str
    actor_id: int | None
    beneficiary_id: int
    reverses_id: int | None = None
    reversed_by: int | None = None
    new: dict[str, Any] | None = None
    """What else a line holds that is not in the table yet."""


def write(moves: Iterable[Act]) -> set[int]:
    """Bring moves into the ledger, in order; return the members whom they concern."""
    acts = list(moves)
    book = _Book({act.move.thing for act in acts})
    touched: set[int] = set()
    for act in acts:
        touched |= book.write(act)
    book.keep()
    return touched - {NOBODY}


class _Book:
    """The lines on some things, as they stand in a batch."""

    def __init__(self, things: set[Thing]) -> None:
        self.on: dict[Thing, list[_Line]] = defaultdict(list)
        self.against: dict[int, list[_Line]] = defaultdict(list)
        self.changed: set[int] = set()
        self.numbers: list[int] = []
        for line in _lines_on(things):
            self._hold(line)

    def _hold(self, line: _Line) -> None:
        self.on[line.thing].append(line)
        if line.reverses_id is not None:
            self.against[line.reverses_id].append(line)

    def write(self, act: Act) -> set[int]:
        """Bring in one move; return the members whom it concerns."""
        match act.move:
            case Credit():
                return self._credit(act.move, act)
            case TakenBack():
                return self._take_back(act.move, act)
            case GoneFromSight():
                return self._hide(act.move, act)
            case BackInSight():
                return self._show(act.move, act)

    def _new(self, act: Act, kind: str, actor_id: int | None, whose: int, reverses: int | None = None) -> _Line:
        if not self.numbers:
            self.numbers = sorted(db.session.scalars(_NUMBERS, {"n": BLOCK}), reverse=True)
        points = WORTH[kind].points if kind in WORTH else 0
        more = {"fact_id": act.fact_id, "at": act.at, "points": points}
        line = _Line(self.numbers.pop(), act.move.thing, kind, actor_id, whose, reverses, new=more)
        self._hold(line)
        return line

    def _credit(self, move: Credit, act: Act) -> set[int]:
        same = [line for line in self._credits(move.thing) if self._is_same(line, move)]
        if move.kind is not Kind.SPARED and any(line.reversed_by is None for line in same):
            return set()
        early = next((line for line in self.on[move.thing] if self._is_early(line, move)), None)
        line = self._new(act, move.kind, move.actor_id, move.beneficiary_id)
        if early is not None:
            early.reverses_id, early.beneficiary_id, line.reversed_by = line.id, move.beneficiary_id, early.id
            self.against[line.id].append(early)
            self.changed |= {early.id, line.id}
        return {move.beneficiary_id}

    @staticmethod
    def _is_same(line: _Line, move: Credit) -> bool:
        """Return whether a line is for the same act; one moderator answers the flags of several at once."""
        whose = move.kind is not Kind.FLAG or line.beneficiary_id == move.beneficiary_id
        return whose and (line.kind, line.actor_id) == (move.kind, move.actor_id)

    @staticmethod
    def _is_early(line: _Line, move: Credit) -> bool:
        """Return whether a line is a withdrawal that was read before what it takes back."""
        return (line.kind, line.actor_id, line.reverses_id) == (Cause.WITHDRAWN, move.actor_id, None)

    def _credits(self, thing: Thing) -> list[_Line]:
        return [line for line in self.on[thing] if line.reverses_id is None and line.kind in WORTH]

    def _standing_against(self, line: _Line) -> list[_Line]:
        return [strike for strike in self.against[line.id] if not self.against[strike.id]]

    def _reverse(self, line: _Line, cause: Cause, act: Act) -> None:
        reversal = self._new(act, cause, line.actor_id, line.beneficiary_id, line.id)
        line.reversed_by = reversal.id
        self.changed.add(line.id)

    def _take_back(self, move: TakenBack, act: Act) -> set[int]:
        lines = [
            line
            for line in self._credits(move.thing)
            if line.kind in move.kinds
            and (move.by_anybody or line.actor_id == move.actor_id)
            and all(strike.kind == Cause.OUT_OF_SIGHT for strike in self._standing_against(line))
        ]
        for line in lines:
            self._reverse(line, move.cause, act)
        if not lines and move.cause is Cause.WITHDRAWN and move.actor_id is not None:
            self._new(act, move.cause, move.actor_id, NOBODY)
        return {line.beneficiary_id for line in lines}

    def _hide(self, move: GoneFromSight, act: Act) -> set[int]:
        lines = [
            line
            for line in self._credits(move.thing)
            if line.kind not in OF_MODERATION
            and all(strike.kind != Cause.OUT_OF_SIGHT for strike in self._standing_against(line))
        ]
        for line in lines:
            self._reverse(line, Cause.OUT_OF_SIGHT, act)
        touched = {line.beneficiary_id for line in lines}
        author_id = db.session.scalar(_AUTHOR, {"kind": move.thing.kind, "id": move.thing.id})
        if author_id is not None and move.by_id not in {None, author_id}:
            self._new(act, Kind.HIDDEN, move.by_id, author_id)
            touched.add(author_id)
        return touched

    def _show(self, move: BackInSight, act: Act) -> set[int]:
        """Reverse the reversals that hid the lines, and what the act of moderation was; others stay as they are."""
        touched = set()
        for line in self._credits(move.thing):
            against = self._standing_against(line)
            if line.kind in OF_MODERATION and not against:
                self._reverse(line, Cause.SHOWN_AGAIN, act)
                touched.add(line.beneficiary_id)
            for strike in [strike for strike in against if strike.kind == Cause.OUT_OF_SIGHT]:
                self._new(act, Cause.SHOWN_AGAIN, line.actor_id, line.beneficiary_id, strike.id)
                left = [other.id for other in against if other is not strike]
                line.reversed_by = max(left) if left else None
                self.changed.add(line.id)
                touched.add(line.beneficiary_id)
        return touched

    def keep(self) -> None:
        """Write what is new and what has changed."""
        lines = [line for found in self.on.values() for line in found]
        rows = [_row(line, line.new) for line in sorted(lines, key=lambda line: line.id) if line.new is not None]
        if rows:
            db.session.execute(insert(Entry), rows)
        moved = [line for line in lines if line.id in self.changed]
        if moved:
            db.session.execute(_CHANGED, {
                "ids": [line.id for line in moved],
                "whose": [line.beneficiary_id for line in moved],
                "reverses": [line.reverses_id for line in moved],
                "by": [line.reversed_by for line in moved],
            })  # fmt: skip


def _row(line: _Line, more: dict[str, Any]) -> dict[str, Any]:
    """Return a new line with links to earlier ones only; links to later ones are written when those are there."""
    earlier = line.reverses_id if line.reverses_id is not None and line.reverses_id < line.id else None
    return {
        "id": line.id, "actor_id": line.actor_id, "beneficiary_id": line.beneficiary_id, "kind": line.kind,
        "object_kind": line.thing.kind, "object_id": line.thing.id, "policy": POLICY, "weight": 0.0, "counted": 0,
        "cap": "", "reverses_id": earlier, "reversed_by": None, **more,
    }  # fmt: skip


def _lines_on(things: Iterable[Thing]) -> Sequence[_Line]:
    """Return every line on some things, reversals included, the oldest first."""
    keys = [(thing.kind, thing.id) for thing in things]
    found: list[_Line] = []
    for start in range(0, len(keys), BLOCK):
        rows = db.session.execute(
            select(Entry.id, Entry.object_kind, Entry.object_id, Entry.kind, Entry.actor_id, Entry.beneficiary_id,
                   Entry.reverses_id, Entry.reversed_by)
            .where(tuple_(Entry.object_kind, Entry.object_id).in_(keys[start : start + BLOCK]))
        )  # fmt: skip
        found += [_Line(row[0], Thing(row[1], row[2]), *row[3:]) for row in rows]
    return sorted(found, key=lambda line: line.id)


def mark_stale(member_ids: Iterable[int]) -> None:
    """Note whose lines have changed since they were folded."""
    ids = sorted(member_ids)
    if ids:
        db.session.execute(_STALE, {"ids": ids})


def forget() -> None:
    """Empty the ledger and what it added up to; both are written anew from the first fact."""
    db.session.execute(text("DELETE FROM reputation"))
    db.session.execute(text("DELETE FROM reputation_entry"))
