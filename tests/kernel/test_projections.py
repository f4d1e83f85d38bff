"""Projections read every fact once, in order, and can begin again."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from flask import Flask
from sqlalchemy import text

from portal.kernel import projections
from portal.kernel.database import db, transaction
from portal.kernel.outbox import publish, publish_many
from portal.kernel.projections import FactRow, projection
from tests.kernel.events import BellRung, DoorShut, heard, note


class Trouble:
    """Whether the next batch breaks down."""

    on = False


def forget() -> None:
    db.session.execute(text("DELETE FROM long_run WHERE kind = 'heard'"))


@pytest.fixture(autouse=True)
def counting() -> Iterator[None]:
    """Declare one projection for these tests only."""

    @projection("test-count", on=(BellRung,), reset=forget, batch=3)
    def count(facts: Sequence[FactRow]) -> None:
        for fact in facts:
            assert isinstance(fact.event, BellRung)
            note(f"count {fact.event.bell_id}")
        if Trouble.on:
            raise ValueError

    Trouble.on = False
    yield
    projections._projections.pop("test-count")


def read(name: str, expected: int) -> int:
    """Advance until as much was read as is expected: open transactions of other test processes hold facts back."""
    total = 0

    def enough() -> bool:
        nonlocal total
        total += projections.advance(name) if total < expected else 0
        return total >= expected

    wait_for(enough)
    return total


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        db.session.rollback()
        time.sleep(0.02)


def ring(*bells: int) -> None:
    with transaction():
        publish_many((BellRung(bell_id=bell), None) for bell in bells)


def test_every_fact_is_read_once(committed: Flask) -> None:
    ring(*range(8))
    with transaction():
        publish(DoorShut(door_id=1), quiet=True)
    assert read("test-count", 8) == 8
    assert projections.advance("test-count") == 0
    assert [heard(f"count {bell}") for bell in range(8)] == [1] * 8


def test_a_batch_that_breaks_leaves_no_trace_and_is_read_again(committed: Flask) -> None:
    ring(1, 2)
    Trouble.on = True
    wait_for(lambda: projections.advance("test-count") == 0 and projections.lags()["test-count"].error is not None)
    assert heard("count 1") == 0
    lag = projections.lags()["test-count"]
    assert lag.facts == 2
    assert "ValueError" in (lag.error or "")
    db.session.rollback()
    Trouble.on = False
    assert read("test-count", 2) == 2
    assert projections.lags()["test-count"].facts == 0
    assert heard("count 1") == 1


def test_a_transaction_that_commits_late_is_not_skipped(committed: Flask) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with committed.app_context():
            publish(BellRung(bell_id=1), quiet=True)
            begun.set()
            go_on.wait(10)
            db.session.commit()

    late = threading.Thread(target=slow)
    late.start()
    begun.wait(10)
    ring(2)
    assert projections.advance("test-count") == 0, "nothing above an open transaction may be read"
    go_on.set()
    late.join()
    assert read("test-count", 2) == 2
    assert heard("count 1") == heard("count 2") == 1


def test_a_rebuild_begins_with_the_first_fact_and_finds_the_same(committed: Flask) -> None:
    ring(1, 2, 3, 4)
    assert read("test-count", 4) == 4
    again = projections.rebuild("test-count")
    assert again + read("test-count", 4 - again) == 4
    assert heard("count 4") == 1


def test_a_paused_projection_waits(committed: Flask) -> None:
    projections.advance("test-count")
    with transaction():
        db.session.execute(text("UPDATE projection_cursor SET paused = true WHERE name = 'test-count'"))
    ring(1)
    assert projections.advance("test-count") == 0
    assert projections.lags()["test-count"].paused
