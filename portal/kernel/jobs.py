"""Background jobs: promised in the transaction, run by RQ, never lost, never done twice in our database.

A `Promise` is written with the rest of the transaction. After the commit it is handed to RQ; when the broker
is away, a sweep hands it over later. The worker locks the promise, does the work and deletes the promise in
one transaction: a crash at any moment leaves either all of it or none of it.
"""

import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import update_wrapper
from typing import Any, Generic, ParamSpec

import structlog
from prometheus_client import Counter
from redis import Redis
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer
from sqlalchemy import Index, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.broker import with_broker
from portal.kernel.clock import now
from portal.kernel.database import Model, collected, db

P = ParamSpec("P")
log = structlog.get_logger(__name__)
QUEUES = ("quick", "crm", "heavy")
TRIES = 12
LONGEST_PAUSE = 3600.0
QUICK_TIMEOUT = 120
SWEPT_AFTER = timedelta(seconds=5)
HEAVY_TIMEOUT = 7200
kept = Counter("portal_promises_kept_total", "Promises kept", ["job"])
failed = Counter("portal_promises_failed_total", "Tries of promises that failed", ["job"])
_jobs: "dict[str, Job[...]]" = {}


class Promise(Model):
    """A job that must run. It is here until it has; ``dead_at`` marks one that an operator must look at."""

    __tablename__ = "promise"
    __table_args__ = (
        Index("uq_promise_key", "key", unique=True, postgresql_where=text("key IS NOT NULL")),
        Index("ix_promise_due_at", "due_at", postgresql_where=text("dead_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    job: Mapped[str]
    queue: Mapped[str]
    args: Mapped[list[Any]]
    key: Mapped[str | None] = mapped_column(default=None)
    made_at: Mapped[datetime] = mapped_column(default_factory=now)
    due_at: Mapped[datetime] = mapped_column(default_factory=now)
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(default=None)
    dead_at: Mapped[datetime | None] = mapped_column(default=None)


class Job(Generic[P]):
    """A function that can run later, in a transaction of its own."""

    def __init__(self, work: Callable[P, None], queue: str) -> None:
        if queue not in QUEUES:
            raise ValueError(queue)
        self.work, self.queue = work, queue
        self.name = f"{work.__module__}.{work.__qualname__}"
        update_wrapper(self, work)
        _jobs[self.name] = self

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Run now, in the caller's transaction."""
        self.work(*args, **kwargs)

    def later(self, *args: P.args, **_: P.kwargs) -> None:
        """Promise to run as soon as the current transaction has committed."""
        promise(self.name, self.queue, args)

    def once(self, key: str, *args: P.args, **_: P.kwargs) -> None:
        """Promise to run once for all who ask with this ``key`` before it begins."""
        promise(self.name, self.queue, args, key=f"{self.name}:{key}")

    def after(self, delay: timedelta, *args: P.args, **_: P.kwargs) -> None:
        """Promise to run when ``delay`` has passed."""
        promise(self.name, self.queue, args, delay=delay)


def job(queue: str = "quick") -> Callable[[Callable[P, None]], Job[P]]:
    """Declare a background job on a queue: ``quick``, ``crm`` or ``heavy``."""
    return lambda work: Job(work, queue)


def promise(
    name: str,
    queue: str,
    args: Iterable[Any],
    *,
    key: str | None = None,
    delay: timedelta | None = None,
) -> None:
    """Write a promise into the current transaction and hand it over once that has committed.

    With a key, a promise that has not begun is joined. The row stays locked until the transaction ends, so
    that a worker cannot begin before it can see what the joining transaction wrote.
    """
    due = now() + (delay or timedelta())
    row = insert(Promise).values(job=name, queue=queue, args=list(args), key=key, due_at=due)
    if key is not None:
        row = row.on_conflict_do_update(
            index_elements=["key"],
            index_where=text("key IS NOT NULL"),
            set_={"due_at": func.least(Promise.due_at, row.excluded.due_at)},
        )
    promise_id = db.session.execute(row.returning(Promise.id)).scalar_one()
    if delay is None:
        hand_over([(promise_id, queue)])


def hand_over(promises: list[tuple[int, str]]) -> None:
    """Give promises to RQ after the commit; those of one transaction go together."""
    collected("promises", _enqueue).extend(promises)


def _enqueue(promises: list[tuple[int, str]], mark: str = "") -> int | None:
    def send(redis: "Redis") -> int:
        for promise_id, queue in promises:
            enqueue(redis, queue, keep, promise_id, job_id=f"promise-{promise_id}{mark}")
        return len(promises)

    return with_broker(send)


def enqueue(redis: "Redis", queue: str, work: Any, *args: Any, job_id: str) -> None:
    """Put a call of a function (or of its dotted name) on a queue unless the same one waits there already."""
    line = Queue(queue, connection=redis, serializer=JSONSerializer)
    try:
        line.enqueue_call(
            work,
            args=args,
            job_id=job_id,
            unique=True,
            result_ttl=0,
            failure_ttl=0,
            timeout=HEAVY_TIMEOUT if queue == "heavy" else QUICK_TIMEOUT,
        )
    except DuplicateJobError:
        log.debug("already waiting", job=job_id)


def keep(promise_id: int) -> None:
    """Entry point of the worker: do the work and drop the promise, in one transaction."""
    name = "?"
    try:
        # Without its key, whoever asks from now on makes a new promise and is not answered by this run.
        db.session.execute(update(Promise).where(Promise.id == promise_id, Promise.key.is_not(None)).values(key=None))
        db.session.commit()
        wanted = select(Promise).filter_by(id=promise_id, dead_at=None).where(Promise.due_at <= now())
        mine = db.session.scalar(wanted.with_for_update(skip_locked=True))
        if mine is not None:
            name = mine.job
            _jobs[name].work(*mine.args)
            db.session.execute(delete(Promise).where(Promise.id == promise_id))
            kept.labels(name).inc()
        db.session.commit()
    except Exception as error:  # noqa: BLE001 - whatever a job raises is kept with its promise
        db.session.rollback()
        _postpone(promise_id, name, error)
    finally:
        db.session.remove()


def _postpone(promise_id: int, name: str, error: Exception) -> None:
    """Try again after a pause that grows, with full jitter; give up after `TRIES` and say so."""
    failed.labels(name).inc()
    log.warning("promise not kept", job=name, promise=promise_id, exc_info=error)
    broken = db.session.scalar(select(Promise).filter_by(id=promise_id).with_for_update())
    if broken is not None:
        broken.tries += 1
        broken.error = f"{type(error).__name__}: {error}"[:2000]
        pause = random.uniform(0, min(LONGEST_PAUSE, 2.0**broken.tries))  # noqa: S311
        broken.due_at = now() + timedelta(seconds=pause)
        broken.dead_at = now() if broken.tries >= TRIES else None
    db.session.commit()


def sweep(patience: timedelta = SWEPT_AFTER, limit: int = 2000) -> int:
    """Hand over again what has been due for a while and was not kept: RQ's cron calls this every few seconds.

    A worker that was killed leaves its call in the broker as begun, under the promise's name. The sweep therefore
    calls by another name each minute; whoever comes second finds the promise locked or gone.
    """
    moment = now()
    due = (
        select(Promise.id, Promise.queue)
        .where(Promise.due_at <= moment - patience, Promise.dead_at.is_(None))
        .order_by(Promise.due_at)
        .limit(limit)
    )
    found = [(promise_id, queue) for promise_id, queue in db.session.execute(due)]
    db.session.rollback()
    return _enqueue(found, f"-{int(moment.timestamp()) // 60}") or 0


def replay_dead(name: str | None = None) -> int:
    """Give dead promises, of one job or of all, a new life; return how many."""
    revived = update(Promise).where(Promise.dead_at.is_not(None))
    if name is not None:
        revived = revived.where(Promise.job == name)
    rows = db.session.execute(
        revived.values(dead_at=None, tries=0, due_at=now()).returning(Promise.id, Promise.queue)
    ).all()
    hand_over([(promise_id, queue) for promise_id, queue in rows])
    return len(rows)


def waiting() -> dict[str, int]:
    """Return how many promises wait and how many are dead."""
    row = db.session.execute(select(func.count().filter(Promise.dead_at.is_(None)), func.count(Promise.dead_at))).one()
    return {"waiting": row[0], "dead": row[1]}
