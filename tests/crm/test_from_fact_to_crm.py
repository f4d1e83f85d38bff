"""From something that a member does to the CRM, by the real queue and real workers, without anybody asking."""

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.crm import jobs, queries, rules
from portal.crm.gateways.base import RetryLater
from portal.crm.gateways.tryton import Rpc, TrytonGateway
from portal.crm.gateways.webhook import WebhookGateway
from portal.crm.models import Link
from portal.crm.services.outlet import Outlet
from portal.crm.services.portraits import portraits
from portal.ideas.services import cast_vote, withdraw_vote
from portal.kernel import outbox, periodic, projections
from portal.kernel.database import db, transaction
from portal.local import tryton
from portal.members import services as people
from portal.members.privacy import erasing
from portal.members.queries import viewer_of
from portal.members.rules import Purpose
from tests.conftest import Workers
from tests.crm.simulator import BadDay, Simulator
from tests.ideas.factories import an_idea
from tests.members.factories import a_member

CLOCK = f"{jobs.__name__}.dispatch_what_waits"


@pytest.fixture
def connected(committed: Flask, webhook_gateway: WebhookGateway) -> Iterator[Flask]:
    """The portal with the simulated CRM in its settings."""
    before = committed.config["PORTAL_CRM"]
    committed.config["PORTAL_CRM"] = "webhook"
    committed.extensions["crm"]["webhook"] = Outlet(webhook_gateway, site="https://c.example.org")
    yield committed
    committed.config["PORTAL_CRM"] = before
    committed.extensions["crm"].clear()


def tick() -> None:
    """Let the clock strike."""
    periodic.run_periodic(CLOCK)


def test_a_new_gateway_is_told_of_everything_that_happened_before(
    connected: Flask, workers: Workers, simulator: Simulator
) -> None:
    member_id = a_member()
    projections.advance_all()
    tick()
    workers.run()
    workers.run()
    assert set(simulator.contacts) == {member_id}
    assert [event["type"] for event in simulator.events.values()] == ["portal.member.joined"]


def test_what_a_member_does_arrives_without_anybody_asking(
    connected: Flask, workers: Workers, simulator: Simulator
) -> None:
    tick()
    member_id = a_member()
    workers.run()
    assert set(simulator.contacts) == {member_id}
    with transaction():
        people.say_consent(member_id, Purpose.CRM, given=False)
    workers.run()
    assert simulator.contacts == {}
    assert queries.figures("webhook").pending == 0


def test_an_erased_member_is_taken_back_and_forgotten(connected: Flask, workers: Workers, simulator: Simulator) -> None:
    tick()
    member_id = a_member(name="Rosa Lana")
    workers.run()
    assert set(simulator.contacts) == {member_id}
    with transaction():
        erasing.erase(member_id, texts=True)
    workers.run()
    assert simulator.contacts == {}
    left = db.session.scalars(select(Link.subject_id).filter_by(kind="contact")).all()
    assert member_id not in left


def test_who_refuses_profiling_shares_the_rest(connected: Flask, workers: Workers, simulator: Simulator) -> None:
    member_id = a_member()
    with transaction():
        people.say_consent(member_id, Purpose.PROFILING, given=False)
    tick()
    workers.run()
    drawn = portraits("contact", [member_id], site="")[member_id]
    assert drawn.shares
    fields = rules.FIELDS["contact"]
    assert [f.field for f in fields if f.purpose is rules.Purpose.PROFILING and drawn.values[f.field] is not None] == []
    assert drawn.values["portal_joined"] is not None


def test_with_the_broker_away_nothing_is_lost(
    connected: Flask, workers: Workers, simulator: Simulator, redis: Any
) -> None:
    tick()
    member_id = a_member()
    projections.advance_all()
    redis.flushdb()
    assert simulator.contacts == {}
    tick()
    workers.run()
    assert set(simulator.contacts) == {member_id}


def test_a_paused_gateway_is_tried_again_by_the_clock(connected: Flask, workers: Workers, simulator: Simulator) -> None:
    tick()
    simulator.bad_days = [BadDay(401), BadDay(401)]
    member_id = a_member()
    workers.run()
    assert queries.figures("webhook").state == "paused"
    db.session.rollback()
    tick()
    assert queries.figures("webhook").state == "paused"
    db.session.rollback()
    tick()
    workers.run()
    assert set(simulator.contacts) == {member_id}
    names = db.session.scalars(db.select(outbox.Fact.name).order_by(outbox.Fact.id)).all()
    assert [n for n in names if n.startswith("Gateway")] == ["GatewayPaused", "GatewayResumed"]


def test_a_crm_without_our_fields_is_paused_and_nothing_is_lost(
    committed: Flask, workers: Workers, tmp_path: Path
) -> None:
    port = tryton.free_port()
    tryton.prepare(tmp_path, port)
    with sqlite3.connect(tmp_path / f"{tryton.DATABASE}.sqlite") as database:
        database.execute("UPDATE ir_module SET state = 'not activated' WHERE name = 'portal'")
    committed.config["PORTAL_CRM"] = "tryton"
    committed.extensions["crm_checked"].clear()
    with _plain_server(tmp_path, port) as url:
        gateway = TrytonGateway(url, tryton.DATABASE, tryton.ADMIN, tryton.PASSWORD)
        committed.extensions["crm"]["tryton"] = Outlet(gateway)
        a_member()
        tick()
        workers.run()
    figures = queries.figures("tryton")
    assert (figures.state, figures.sent, figures.dead) == ("paused", 0, 0)
    assert figures.pending >= 1
    committed.config["PORTAL_CRM"] = "none"
    committed.extensions["crm"].clear()
    committed.extensions["crm_checked"].clear()


@contextmanager
def _plain_server(folder: Path, port: int) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(tryton.prepare(folder, port), stdout=log, stderr=log)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                with Rpc(url, tryton.DATABASE, tryton.ADMIN, tryton.PASSWORD) as rpc:
                    rpc.call("model.ir.module.search", [])
                break
            except RetryLater:
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def test_rebuilding_from_the_first_fact_sends_nothing_twice(
    connected: Flask, workers: Workers, simulator: Simulator
) -> None:
    tick()
    a_member()
    workers.run()
    calls = len(simulator.calls)
    assert projections.rebuild(jobs.PROJECTION) >= 1
    workers.run()
    assert len(simulator.calls) == calls
    assert len(simulator.events) == 1


def test_a_vote_reaches_the_tryton_server(committed: Flask, workers: Workers, tryton_gateway: TrytonGateway) -> None:
    committed.config["PORTAL_CRM"] = "tryton"
    committed.extensions["crm"]["tryton"] = Outlet(tryton_gateway, site="https://c.example.org")
    author, voter = a_member(name="Nives Marcantuono"), a_member(name="Kofi Mensah")
    try:
        tick()
        idea = an_idea(viewer_of(author))
        with transaction():
            cast_vote(idea, viewer_of(voter), origin="newest")
        for _ in range(3):
            workers.run()
        there = tryton_gateway.read_back("contact", [author, voter])
        assert there[voter].values["portal_votes"] == 1
        assert there[author].values["portal_ideas_submitted"] == 1
        with transaction():
            withdraw_vote(idea, viewer_of(voter))
        for _ in range(3):
            workers.run()
        assert tryton_gateway.read_back("contact", [voter])[voter].values["portal_votes"] == 0
        assert queries.figures("tryton").pending == 0
    finally:
        tryton_gateway.forget("contact", [author, voter])
        committed.config["PORTAL_CRM"] = "none"
        committed.extensions["crm"].clear()


def test_a_wrong_setting_says_what_is_wrong(connected: Flask) -> None:
    from portal.kernel.errors import Refused

    for config, word in (
        ({"PORTAL_CRM": "salesfarce", "PORTAL_CRM_URL": "http://x"}, "salesfarce"),
        ({"PORTAL_CRM": "tryton"}, "PORTAL_CRM_URL"),
        ({"PORTAL_CRM": "webhook", "PORTAL_CRM_URL": "http://x", "PORTAL_CRM_SECRET": "?"}, "whsec_"),
    ):
        with pytest.raises(Refused, match=word):
            jobs.connect(config["PORTAL_CRM"], config)
