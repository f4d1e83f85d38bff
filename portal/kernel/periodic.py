"""What happens by the clock: RQ's own cron puts it on a queue, a worker runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redis import Redis
from rq.cron import CronJob, CronScheduler
from rq.job import Job as RqJob
from rq.queue import Queue
from rq.serializers import JSONSerializer

from portal.kernel import jobs, outbox, projections
from portal.kernel.database import db

Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Periodic:
    """One act by the clock, each ``seconds`` or by a ``cron`` expression in local time."""

    name: str
    act: Act
    queue: str
    seconds: int | None
    cron: str | None


_periodic: dict[str, Periodic] = {}


def periodic(*, seconds: int | None = None, cron: str | None = None, queue: str = "quick") -> Callable[[Act], Act]:
    """Run the decorated function by the clock, in a transaction of its own, safe to repeat."""

    def register(act: Act) -> Act:
        name = f"{act.__module__}.{act.__qualname__}"
        _periodic[name] = Periodic(name, act, queue, seconds, cron)
        return act

    return register


def run_periodic(name: str) -> None:
    """Entry point of the worker."""
    try:
        _periodic[name].act()
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        db.session.remove()


class _JsonCronJob(CronJob):
    """RQ's cron job, enqueued once at a time and with the serializer that our workers read."""

    def enqueue(self, connection: "Redis") -> RqJob:
        """Put the act on its queue."""
        line = Queue(self.queue_name, connection=connection, serializer=JSONSerializer)
        return line.enqueue_call(run_periodic, args=self.args, result_ttl=0, failure_ttl=3600, ttl=self._patience())

    def _patience(self) -> int:
        """Return for how long a call may wait: no longer than until the next one."""
        return self.interval or 3600


def scheduler(redis: "Redis") -> CronScheduler:
    """Return RQ's scheduler with everything that is declared `periodic`."""
    cron = CronScheduler(connection=redis)
    for one in _periodic.values():
        job = _JsonCronJob(
            queue_name=one.queue,
            func=run_periodic,
            args=(one.name,),
            interval=one.seconds,
            cron=one.cron,
            name=one.name,
        )
        cron._cron_jobs.append(job)  # noqa: SLF001 - `register` cannot be given another class
    return cron


def declared() -> dict[str, Any]:
    """Return what runs by the clock, for `portal doctor`."""
    return {one.name: one.cron or f"{one.seconds} s" for one in _periodic.values()}


@periodic(seconds=10)
def hand_over_what_is_due() -> None:
    """Hand over promises that are due and bring projections up to date, should a call have been lost."""
    jobs.sweep()
    projections.advance_all()


@periodic(cron="17 3 * * *")
def prepare_partitions() -> None:
    """Make the coming months' partitions of the record."""
    outbox.ensure_partitions()
