"""Worker processes: RQ's own, inside the application, reading JSON."""

from typing import Any

from flask import Flask
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer

from portal.kernel.database import db
from portal.kernel.jobs import QUEUES


class QuickWorker(SimpleWorker):
    """Runs short jobs in its own process: many a second."""


class HeavyWorker(Worker):
    """Forks for each job, so that a job's memory goes back when it ends."""

    def main_work_horse(self, *args: Any, **kwargs: Any) -> Any:
        """Give the child connections of its own before it works."""
        db.engine.dispose(close=False)
        return super().main_work_horse(*args, **kwargs)


def work(app: Flask, redis: "Redis", queues: tuple[str, ...] = QUEUES, *, burst: bool = False) -> None:
    """Work on queues, in the order of their names given, until stopped (or until they are empty)."""
    kind = HeavyWorker if queues == ("heavy",) and not burst else QuickWorker
    with app.app_context():
        lines = [Queue(name, connection=redis, serializer=JSONSerializer) for name in queues]
        kind(lines, connection=redis, serializer=JSONSerializer).work(
            burst=burst, with_scheduler=False, logging_level="WARNING"
        )
