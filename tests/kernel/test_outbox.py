"""What was acknowledged is told exactly once, whatever breaks in between."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import func, select, text

from portal.kernel import jobs, outbox
from portal.kernel.database import db, transaction
from portal.kernel.jobs import Promise
from portal.kernel.outbox import Fact, publish
from tests.conftest import Workers
from tests.kernel.events import BellRung, DoorShut, Fault, heard


@pytest.fixture(autouse=True)
def sound() -> Iterator[None]:
    """Begin and end without a fault."""
    Fault.at = None
    yield
    Fault.at = None


AT_ONCE = timedelta()


def promises() -> int:
    return db.session.scalar(select(func.count()).select_from(Promise)) or 0


def ring(bell_id: int = 1) -> None:
    with transaction():
        publish(BellRung(bell_id=bell_id, actor_id=7))


def make_due() -> None:
    db.session.execute(text("UPDATE promise SET due_at = now() - interval '1 second'"))
    db.session.commit()


def test_a_fact_is_told_once(committed: Flask, workers: Workers) -> None:
    ring()
    workers.run()
    workers.run()
    assert heard("bell 1") == 1
    assert promises() == 0


def test_what_is_rolled_back_is_neither_recorded_nor_told(committed: Flask, workers: Workers) -> None:
    with contextlib.suppress(KeyError), transaction():
        publish(BellRung(bell_id=1))
        raise KeyError
    ring(2)
    workers.run()
    assert heard("bell 1") == 0
    assert heard("bell 2") == 1
    assert db.session.scalar(select(func.count()).select_from(Fact)) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_that_dies_in_the_middle_loses_and_doubles_nothing(committed: Flask, moment: str) -> None:
    ring()
    promise_id = db.session.scalars(select(Promise.id)).one()
    db.session.rollback()
    Fault.at = moment
    with pytest.raises(SystemExit):
        jobs.keep(promise_id)
    assert heard("bell 1") == 0
    assert promises() == 1
    db.session.rollback()
    Fault.at = None
    jobs.keep(promise_id)
    jobs.keep(promise_id)
    assert heard("bell 1") == 1
    assert promises() == 0


def test_a_flushed_broker_loses_nothing(committed: Flask, workers: Workers, redis: "Redis") -> None:
    ring()
    redis.flushdb()
    workers.run()
    assert heard("bell 1") == 0
    db.session.rollback()
    assert jobs.sweep(AT_ONCE) == 1
    workers.run()
    assert heard("bell 1") == 1


def test_an_act_succeeds_while_the_broker_is_away(
    committed: Flask, workers: Workers, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = Redis(port=1, socket_connect_timeout=0.2)
    monkeypatch.setitem(committed.extensions, "redis", nowhere)
    ring()
    assert promises() == 1
    db.session.rollback()
    monkeypatch.setitem(committed.extensions, "redis", redis)
    committed.extensions["broker_breaker"].open_until = 0.0
    jobs.sweep(AT_ONCE)
    workers.run()
    assert heard("bell 1") == 1


def test_a_promise_that_fails_waits_longer_and_longer_and_ends_where_an_operator_sees_it(
    committed: Flask, workers: Workers
) -> None:
    ring()
    Fault.at = "error"
    for tries in range(1, jobs.TRIES + 1):
        make_due()
        jobs.sweep(AT_ONCE)
        workers.run()
        broken = db.session.scalars(select(Promise)).one()
        assert broken.tries == tries
        assert "ValueError" in (broken.error or "")
        db.session.rollback()
    assert jobs.waiting() == {"waiting": 0, "dead": 1}
    Fault.at = None
    with transaction():
        assert jobs.replay_dead() == 1
    workers.run()
    assert heard("bell 1") == 1


def test_promises_with_one_key_become_one_until_it_begins(committed: Flask) -> None:
    for _ in range(3):
        with transaction():
            outbox.tell.once("same", 1, "nobody")
    assert promises() == 1
    with transaction():
        outbox.tell.once("other", 1, "nobody")
    assert promises() == 2


def test_a_key_is_free_again_once_the_worker_has_begun(committed: Flask) -> None:
    with transaction():
        outbox.tell.once("same", 999, "nobody")
    first = db.session.scalars(select(Promise.id)).one()
    db.session.rollback()
    jobs.keep(first)  # fails: there is no such fact, so the promise stays, without its key
    with transaction():
        outbox.tell.once("same", 1, "nobody")
    assert promises() == 2


def test_a_quiet_fact_is_recorded_and_told_to_nobody(committed: Flask) -> None:
    with transaction():
        publish(BellRung(bell_id=3), quiet=True)
    assert promises() == 0
    assert db.session.scalars(select(Fact.subject_id)).one() == 3


def test_an_older_payload_is_read_in_todays_shape() -> None:
    assert outbox.event_of("DoorShut", {"slam": 4, "actor_id": 2}, 1) == DoorShut(door_id=4, actor_id=2)


def test_partitions_are_made_ahead_once(app: Flask) -> None:
    assert outbox.ensure_partitions(ahead=5) != []
    assert outbox.ensure_partitions(ahead=5) == []


def test_a_call_that_died_with_its_worker_does_not_stand_in_the_way(
    committed: Flask, workers: Workers, redis: "Redis"
) -> None:
    ring()
    queue = Queue("quick", connection=redis, serializer=JSONSerializer)
    begun = queue.pop_job_id()
    while begun is not None and not begun.startswith("promise-"):
        begun = queue.pop_job_id()
    assert begun is not None
    assert queue.fetch_job(begun) is not None, "the call's record stays, as after kill -9"
    jobs.sweep(AT_ONCE)
    workers.run()
    assert heard("bell 1") == 1
    assert promises() == 0


def test_a_sweep_calls_a_promise_once_a_minute_at_most(committed: Flask, redis: "Redis") -> None:
    ring()
    assert jobs.sweep() == 0, "what has just been handed over is left alone"
    for _ in range(3):
        jobs.sweep(AT_ONCE)
    queue = Queue("quick", connection=redis, serializer=JSONSerializer)
    assert sum(job_id.startswith("promise-") for job_id in queue.job_ids) <= 3
