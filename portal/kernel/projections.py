"""Projections: what is derived from facts, batch by batch, behind a cursor.

A projection reads facts in the order ``(xid, id)`` and only below ``pg_snapshot_xmin(pg_current_snapshot())``: a
transaction that commits late has a larger xid than every fact read before it, so none is skipped. Its batch and
its cursor move in one transaction; a crash repeats nothing. It can be stopped, says how far behind it is,
and can be rebuilt from the first fact.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.broker import with_broker
from portal.kernel.clock import now
from portal.kernel.database import Model, Xid8, db
from portal.kernel.events import Event
from portal.kernel.outbox import WAKE_KEY, event_of

log = structlog.get_logger(__name__)
BATCH = 1000
COUNTED_LAG = 10_000
Work = Callable[[Sequence["FactRow"]], None]


@dataclass(frozen=True, slots=True)
class FactRow:
    """One fact as a projection reads it."""

    id: int
    event: Event
    happened_at: datetime
    recorded_at: datetime
    quiet: bool = False
    """Whether nobody is to be told of it."""


@dataclass(frozen=True, slots=True)
class Projection:
    """A named reader of some events. ``first`` ones are brought up to date before the others."""

    name: str
    on: tuple[str, ...]
    work: Work
    reset: Callable[[], None] | None
    batch: int
    first: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a projection is behind: facts (counted up to 10,000) and the age of the oldest in seconds."""

    facts: int
    seconds: float
    paused: bool
    error: str | None


class Cursor(Model):
    """How far one projection has read."""

    __tablename__ = "projection_cursor"

    name: Mapped[str] = mapped_column(primary_key=True)
    xid: Mapped[str] = mapped_column(Xid8(), server_default=text("'0'"), init=False)
    fact_id: Mapped[int] = mapped_column(default=0)
    moved_at: Mapped[datetime | None] = mapped_column(default=None)
    paused: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None] = mapped_column(default=None)


_projections: dict[str, Projection] = {}


def projection(
    name: str,
    on: Sequence[type[Event] | str],
    *,
    reset: Callable[[], None] | None = None,
    batch: int = BATCH,
    first: bool = False,
    quiet: bool = True,
) -> Callable[[Work], Work]:
    """Read the events ``on`` in batches, in order, each once.

    :param on: the events; by their names those of a feature that this one may not know.
    :param reset: empties what the projection has derived, before it is rebuilt from the first fact. None for
        those whose effect lies outside (live hints), which a rebuild therefore skips.
    :param quiet: whether it reads quiet facts, too; who tells somebody does not.
    :param first: brought up to date before the others (live hints must not wait for figures).
    """

    def register(work: Work) -> Work:
        names = tuple(event if isinstance(event, str) else event.__name__ for event in on)
        _projections[name] = Projection(name, names, work, reset, batch, first, quiet)
        return work

    return register


def names() -> list[str]:
    """Return the names of all projections."""
    return sorted(_projections)


def advance_all() -> None:
    """Bring every projection up to date. Entry point of the worker; safe to run twice at once."""
    with_broker(lambda redis: redis.delete(WAKE_KEY))
    for one in sorted(_projections.values(), key=lambda p: (not p.first, p.name)):
        advance(one.name)


def advance(name: str) -> int:
    """Let one projection read all it has not read yet; return how many facts.

    What it raises is logged and kept with its cursor; the other projections go on.
    """
    total = 0
    try:
        while (count := _step(_projections[name])) > 0:
            total += count
    except Exception as error:
        db.session.rollback()
        log.exception("projection failed", projection=name)
        db.session.execute(update(Cursor).where(Cursor.name == name).values(error=repr(error)[:2000]))
        db.session.commit()
    finally:
        db.session.remove()
    return total


def _step(this: Projection) -> int:
    """Read one batch and move the cursor, in one transaction; 0 when nothing was left or another reads."""
    cursor = _locked_cursor(this.name)
    if cursor is None or cursor.paused:
        db.session.rollback()
        return 0
    rows = db.session.execute(
        text(_UNREAD + " ORDER BY xid, id LIMIT :batch"),
        {"xid": cursor.xid, "id": cursor.fact_id, "names": list(this.on), "batch": this.batch},
    ).all()
    if rows:
        this.work([
            FactRow(row.id, event_of(row.name, row.payload, row.version), row.happened_at, row.recorded_at, row.quiet)
            for row in rows
            if this.quiet or not row.quiet
        ])  # fmt: skip
        moved = {"xid": rows[-1].xid, "fact_id": rows[-1].id, "moved_at": now(), "error": None}
        db.session.execute(update(Cursor).where(Cursor.name == this.name).values(moved))
    db.session.commit()
    return len(rows)


_UNREAD = """
SELECT id, xid::text AS xid, name, version, payload, happened_at, recorded_at, quiet FROM activity
WHERE (xid, id) > (CAST(:xid AS xid8), :id) AND xid < pg_snapshot_xmin(pg_current_snapshot())
  AND name = ANY(:names)"""


def _locked_cursor(name: str) -> Any:
    wanted = (
        select(Cursor.xid.cast(db.Text).label("xid"), Cursor.fact_id, Cursor.paused)
        .where(Cursor.name == name)
        .with_for_update(skip_locked=True)
    )
    cursor = db.session.execute(wanted).one_or_none()
    if cursor is None:
        db.session.execute(insert(Cursor).values(name=name, fact_id=0, paused=False).on_conflict_do_nothing())
        db.session.commit()
        cursor = db.session.execute(wanted).one_or_none()
    return cursor


def rebuild(name: str) -> int:
    """Empty what a projection has derived and read all facts again; return how many.

    Emptying and the cursor's return to the beginning are one transaction, so a crash leaves it merely behind.
    """
    this = _projections[name]
    if this.reset is None:
        return 0
    _locked_cursor(name)
    this.reset()
    db.session.execute(text("UPDATE projection_cursor SET xid = '0', fact_id = 0 WHERE name = :n"), {"n": name})
    db.session.commit()
    return advance(name)


def skip_to_now(name: str) -> None:
    """Let a projection begin with the facts that come after this moment, as one without a past must."""
    _locked_cursor(name)
    db.session.execute(
        text("UPDATE projection_cursor SET xid = pg_snapshot_xmin(pg_current_snapshot()), fact_id = 0 WHERE name = :n"),
        {"n": name},
    )


def lags() -> dict[str, Lag]:
    """Return how far each projection is behind."""
    return {name: _lag(_projections[name]) for name in names()}


def _lag(this: Projection) -> Lag:
    cursor = db.session.execute(
        select(Cursor.xid.cast(db.Text).label("xid"), Cursor.fact_id, Cursor.paused, Cursor.error)
        .where(Cursor.name == this.name)
    ).one_or_none()  # fmt: skip
    unread = (
        "SELECT count(*), min(recorded_at) FROM (SELECT recorded_at FROM activity"
        " WHERE (xid, id) > (CAST(:xid AS xid8), :id) AND name = ANY(:names)"
        f" ORDER BY xid, id LIMIT {COUNTED_LAG}) AS unread"
    )
    values = {"xid": cursor.xid if cursor else "0", "id": cursor.fact_id if cursor else 0, "names": list(this.on)}
    count, oldest = db.session.execute(text(unread), values).one()
    seconds = (now() - oldest).total_seconds() if oldest else 0.0
    return Lag(count, max(seconds, 0.0), bool(cursor and cursor.paused), cursor.error if cursor else None)
