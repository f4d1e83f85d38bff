"""Writing the ledger from facts. Only the projection calls this, so there is one who writes, in the order of facts.

Transactions may be recorded in another order than they happened in: a withdrawal whose vote has not been read yet waits
as a line that reverses nothing, and takes back the vote when it comes.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Row, select, text, update
from sqlalchemy.orm import aliased

from portal.analytics.reputation.models import ReputationEntry
from portal.analytics.reputation.reading import BackInSight, Credit, GoneFromSight, Move, TakenBack, Thing
from portal.analytics.reputation.rules import OF_MODERATION, POLICY, WORTH, Cause, Kind
from portal.kernel.database import db

Entry = ReputationEntry
_AUTHOR = text("""
SELECT actor_id FROM activity
WHERE subject_kind = :kind AND subject_id = :id
  AND name IN ('IdeaPosted', 'QuestionAsked', 'AnswerGiven', 'CommentPosted')
ORDER BY id LIMIT 1""")


def write(move: Move, *, fact_id: int, at: datetime) -> set[int]:
    """Bring one move into the ledger; return the members whom it concerns."""
    match move:
        case Credit():
            return _credit(move, fact_id, at)
        case TakenBack():
            return _take_back(move, fact_id, at)
        case GoneFromSight():
            return _hide(move, fact_id, at)
        case BackInSight():
            return _show(move, fact_id, at)


def _line(thing: Thing, kind: str, *, fact_id: int, at: datetime, actor_id: int | None, beneficiary_id: int,
          points: int = 0, reverses_id: int | None = None) -> int:  # fmt: skip
    row = Entry(
        fact_id=fact_id, actor_id=actor_id, beneficiary_id=beneficiary_id, object_kind=thing.kind, object_id=thing.id,
        kind=kind, points=points, policy=POLICY, at=at, reverses_id=reverses_id,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    db.session.expunge(row)
    return row.id


def _credit(move: Credit, fact_id: int, at: datetime) -> set[int]:
    same = (Entry.kind == move.kind, Entry.actor_id.is_not_distinct_from(move.actor_id))
    if any(line.reversed_by is None for line in _lines_on(move.thing, *same)) and move.kind is not Kind.SPARED:
        return set()
    line_id = _line(
        move.thing, move.kind, fact_id=fact_id, at=at, actor_id=move.actor_id, beneficiary_id=move.beneficiary_id,
        points=WORTH[move.kind].points,
    )  # fmt: skip
    early = _early_reversal(move)
    if early is not None:
        db.session.execute(
            update(Entry).where(Entry.id == early).values(reverses_id=line_id, beneficiary_id=move.beneficiary_id)
        )
        db.session.execute(update(Entry).where(Entry.id == line_id).values(reversed_by=early))
    return {move.beneficiary_id}


def _early_reversal(move: Credit) -> int | None:
    """Return the reversal that was read before what it takes back."""
    wanted = select(Entry.id).where(
        Entry.object_kind == move.thing.kind,
        Entry.object_id == move.thing.id,
        Entry.kind == Cause.WITHDRAWN,
        Entry.actor_id.is_not_distinct_from(move.actor_id),
        Entry.reverses_id.is_(None),
    )
    return db.session.scalar(wanted.order_by(Entry.id).limit(1))


def _lines_on(thing: Thing, *which: ColumnElement[bool]) -> list[Row[int, int, int | None, int | None]]:
    """Return the credits on a thing: number, beneficiary, who gave it, and the reversal that holds, if any."""
    wanted = select(Entry.id, Entry.beneficiary_id, Entry.actor_id, Entry.reversed_by).where(
        Entry.object_kind == thing.kind,
        Entry.object_id == thing.id,
        Entry.kind.in_(list(WORTH)),
        *which,
    )
    return list(db.session.execute(wanted.order_by(Entry.id)).all())


def _take_back(move: TakenBack, fact_id: int, at: datetime) -> set[int]:
    which: list[ColumnElement[bool]] = [Entry.kind.in_(list(move.kinds))]
    if not move.by_anybody:
        which.append(Entry.actor_id.is_not_distinct_from(move.actor_id))
    lines = [line for line in _lines_on(move.thing, *which) if not _taken_back(line.id)]
    for line in lines:
        _reverse(move.thing, line, move.cause, fact_id, at)
    if not lines and move.cause is Cause.WITHDRAWN and move.actor_id is not None:
        _line(move.thing, move.cause, fact_id=fact_id, at=at, actor_id=move.actor_id, beneficiary_id=0)
    return {line.beneficiary_id for line in lines}


def _taken_back(line_id: int) -> bool:
    """Return whether a standing reversal takes a line back for another reason than that it is out of sight."""
    return any(kind != Cause.OUT_OF_SIGHT for _, kind in _standing_against(line_id))


def _standing_against(line_id: int) -> list[tuple[int, str]]:
    undone = aliased(Entry)
    wanted = select(Entry.id, Entry.kind).where(
        Entry.reverses_id == line_id, ~select(undone.id).where(undone.reverses_id == Entry.id).exists()
    )
    return [(row.id, row.kind) for row in db.session.execute(wanted.order_by(Entry.id))]


def _reverse(
    thing: Thing, line: Row[int, int, int | None, int | None], cause: Cause, fact_id: int, at: datetime
) -> None:
    reversal = _line(
        thing, cause, fact_id=fact_id, at=at, actor_id=line.actor_id, beneficiary_id=line.beneficiary_id,
        reverses_id=line.id,
    )  # fmt: skip
    db.session.execute(update(Entry).where(Entry.id == line.id).values(reversed_by=reversal))


def _hide(move: GoneFromSight, fact_id: int, at: datetime) -> set[int]:
    lines = [
        line
        for line in _lines_on(move.thing, Entry.kind.not_in(OF_MODERATION))
        if not any(kind == Cause.OUT_OF_SIGHT for _, kind in _standing_against(line.id))
    ]
    for line in lines:
        _reverse(move.thing, line, Cause.OUT_OF_SIGHT, fact_id, at)
    touched = {line.beneficiary_id for line in lines}
    author_id = db.session.scalar(_AUTHOR, {"kind": move.thing.kind, "id": move.thing.id})
    if author_id is not None and move.by_id not in {None, author_id}:
        _line(move.thing, Kind.HIDDEN, fact_id=fact_id, at=at, actor_id=move.by_id, beneficiary_id=author_id)
        touched.add(author_id)
    return touched


def _show(move: BackInSight, fact_id: int, at: datetime) -> set[int]:
    """Reverse the reversals that hid the lines, and the line that a moderator's act was; others stay as they are."""
    touched = set()
    for line in _lines_on(move.thing):
        against = _standing_against(line.id)
        if _is_of_moderation(line.id) and not against:
            _reverse(move.thing, line, Cause.SHOWN_AGAIN, fact_id, at)
            touched.add(line.beneficiary_id)
        for reversal, kind in against:
            if kind == Cause.OUT_OF_SIGHT:
                _line(move.thing, Cause.SHOWN_AGAIN, fact_id=fact_id, at=at, actor_id=line.actor_id,
                      beneficiary_id=line.beneficiary_id, reverses_id=reversal)  # fmt: skip
                left = [other for other, _ in against if other != reversal]
                standing = max(left) if left else None
                db.session.execute(update(Entry).where(Entry.id == line.id).values(reversed_by=standing))
                touched.add(line.beneficiary_id)
    return touched


def _is_of_moderation(line_id: int) -> bool:
    return db.session.scalar(select(Entry.kind).where(Entry.id == line_id)) in OF_MODERATION


def mark_stale(member_ids: Iterable[int]) -> None:
    """Note whose lines have changed since they were folded."""
    ids = sorted(member_ids)
    if ids:
        db.session.execute(_STALE, {"ids": ids})


_STALE = text("""
INSERT INTO reputation (member_id, points, people, days, trust, ranked, stale)
SELECT id, 0, 0, 0, 0, 0, true FROM unnest(CAST(:ids AS bigint[])) AS id
ON CONFLICT (member_id) DO UPDATE SET stale = true""")


def forget() -> None:
    """Empty the ledger and what it added up to; both are written anew from the first fact."""
    db.session.execute(text("DELETE FROM reputation"))
    db.session.execute(text("DELETE FROM reputation_entry"))
