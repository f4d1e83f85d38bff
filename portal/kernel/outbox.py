"""The append-only record of what happened, and the telling of it.

`publish` writes one `Fact` (a row of the table ``activity``) in the transaction of the act itself. Listeners
that must act once per fact get a `Promise` each; projections (`portal.kernel.projections`) read facts behind
a cursor of their own.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from redis import Redis
from sqlalchemy import Identity, Index, func, insert, select, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.broker import with_broker
from portal.kernel.clock import now, today
from portal.kernel.database import Model, Xid8, after_commit, db
from portal.kernel.events import Event, listeners_of
from portal.kernel.jobs import enqueue, job, promise

MONTHS_AHEAD = 3
WAKE_KEY = "portal:wake"
WAKE_SECONDS = 5


class Fact(Model):
    """One event, exactly as it happened. Ordered by ``(xid, id)``; partitioned by the month of recording."""

    __tablename__ = "activity"
    __table_args__ = (
        Index("ix_activity_xid_id", "xid", "id"),
        Index("ix_activity_actor_id", "actor_id", "id"),
        Index("ix_activity_subject", "subject_kind", "subject_id"),
        {"postgresql_partition_by": "RANGE (recorded_at)"},
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, init=False)
    recorded_at: Mapped[datetime] = mapped_column(primary_key=True, init=False, server_default=text("now()"))
    xid: Mapped[str] = mapped_column(Xid8(), init=False, server_default=text("pg_current_xact_id()"))
    name: Mapped[str]
    version: Mapped[int]
    actor_id: Mapped[int | None]
    subject_kind: Mapped[str]
    subject_id: Mapped[int | None]
    payload: Mapped[dict[str, Any]]
    happened_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    quiet: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether nobody is told of it: it comes from an import, or from the texts of a demo."""


_RECORD = Fact.metadata.tables["activity"]
# The table itself, not the class: what nobody reads back as an object need not pass through the ORM.
_INSERT = insert(_RECORD).returning(_RECORD.c.id)
_gathered: ContextVar[list[dict[str, Any]] | None] = ContextVar("gathered facts", default=None)


def publish(event: Event, *, at: datetime | None = None, quiet: bool = False) -> None:
    """Record ``event`` with the current transaction and promise it to each listener.

    :param at: when it happened, if not now: imports and demo texts come with their own times.
    :param quiet: promise nothing to listeners; projections still read it. For imports.
    """
    row, rows = _row(event, at, quiet=quiet), _gathered.get()
    if quiet and rows is not None:
        rows.append(row)
        return
    fact_id = db.session.execute(_INSERT, row).scalar_one()
    if not quiet:
        for listener in listeners_of(type(event).__name__):
            promise(tell.name, tell.queue, [fact_id, listener])
    after_commit(wake, key="wake")


@contextmanager
def gathered() -> Iterator[None]:
    """Record the quiet events of this block together at its end, in their order, instead of one by one.

    For thousands of past acts in one transaction, none of which reads what the others recorded.
    """
    rows: list[dict[str, Any]] = []
    mark = _gathered.set(rows)
    try:
        yield
    finally:
        _gathered.reset(mark)
    if rows:
        db.session.execute(insert(_RECORD), rows)
        after_commit(wake, key="wake")


def publish_many(events: Iterable[tuple[Event, datetime | None]]) -> int:
    """Record many events, quietly, in a few statements; return how many."""
    rows = [_row(event, at, quiet=True) for event, at in events]
    if rows:
        db.session.execute(insert(_RECORD), rows)
        after_commit(wake, key="wake")
    return len(rows)


def _row(event: Event, at: datetime | None, *, quiet: bool) -> dict[str, Any]:
    return {
        "name": type(event).__name__,
        "version": event.version,
        "actor_id": event.actor_id,
        "subject_kind": event.subject,
        "subject_id": event.subject_id(),
        "payload": event.payload(),
        "happened_at": at or now(),
        "quiet": quiet,
    }


def has_happened(name: str, subject_kind: str, subject_id: int) -> bool:
    """Return whether an event of this name was ever recorded about a thing."""
    wanted = select(Fact.id).filter_by(name=name, subject_kind=subject_kind, subject_id=subject_id).limit(1)
    return db.session.scalar(wanted) is not None


@job(queue="quick")
def tell(fact_id: int, listener: str) -> None:
    """Let one listener hear one fact. The promise that called it makes a repeat impossible."""
    fact = db.session.scalars(select(Fact).filter_by(id=fact_id)).one()
    listeners_of(fact.name)[listener](event_of(fact.name, fact.payload, fact.version))


def event_of(name: str, payload: dict[str, Any], version: int) -> Event:
    """Return the event of a stored fact in today's shape."""
    return Event.registry[name].read(payload, version)


def wake() -> None:
    """Ask a worker to bring every projection up to date; a request that waits already is enough."""

    def send(redis: "Redis") -> None:
        if redis.set(WAKE_KEY, b"1", nx=True, ex=WAKE_SECONDS):
            # Named, not imported: projections read the facts of this module.
            enqueue(redis, "quick", "portal.kernel.projections.advance_all", job_id=f"wake-{uuid4()}")

    with_broker(send)


def ensure_partitions(ahead: int = MONTHS_AHEAD) -> list[str]:
    """Create the monthly partitions of this month and the next ones; return the names of new ones."""
    made = []
    for month in _months(today(), ahead + 1):
        name = f"activity_{month:%Y_%m}"
        if db.session.scalar(select(func.to_regclass(name))) is None:
            last = _next_month(month)
            db.session.execute(
                text(f"CREATE TABLE {name} PARTITION OF activity FOR VALUES FROM ('{month}') TO ('{last}')")
            )
            made.append(name)
    return made


def _months(start: date, count: int) -> Iterable[date]:
    month = start.replace(day=1)
    for _ in range(count):
        yield month
        month = _next_month(month)


def _next_month(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)
