"""``portal crm …`` as programs use it: one JSON document on standard output, and an exit status."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from portal.crm.gateways.tryton import TrytonGateway
from portal.crm.gateways.webhook import WebhookGateway
from portal.crm.services.outlet import Outlet
from tests.conftest import read_all_facts
from tests.crm.simulator import BadDay, Simulator
from tests.members.factories import a_member


@pytest.fixture
def connected(committed: Flask, webhook_gateway: WebhookGateway) -> Iterator[Flask]:
    committed.config["PORTAL_CRM"] = "webhook"
    committed.extensions["crm"]["webhook"] = Outlet(webhook_gateway, site="https://c.example.org")
    yield committed
    committed.config["PORTAL_CRM"] = "none"
    committed.extensions["crm"].clear()


def portal(app: Flask, *words: str) -> tuple[int, Any]:
    result = app.test_cli_runner().invoke(args=["crm", *words, "--json"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, json.loads(result.stdout)


def test_status_has_the_agreed_fields(connected: Flask) -> None:
    code, document = portal(connected, "status")
    assert code == 0
    assert {"pending", "sent", "failed", "dead", "lag_seconds", "drift"} <= set(document["webhook"])


def test_sync_sends_everybody_once(connected: Flask, simulator: Simulator) -> None:
    ids = [a_member(), a_member()]
    read_all_facts()
    code, document = portal(connected, "sync")
    assert code == 0
    assert (document["webhook"]["pending"], document["webhook"]["dead"]) == (0, 0)
    assert set(simulator.contacts) == set(ids)
    assert len(simulator.events) == 2
    calls = len(simulator.calls)
    portal(connected, "sync")
    assert len(simulator.calls) == calls


def test_what_is_refused_is_replayed(connected: Flask, simulator: Simulator) -> None:
    member_id = a_member()
    simulator.refuses[member_id] = "not now"
    assert portal(connected, "sync")[1]["webhook"]["dead"] == 1
    simulator.refuses.clear()
    code, document = portal(connected, "replay")
    assert (code, document["webhook"]) == (0, {"replayed": 1, "dead": 0})


def test_a_crm_that_is_away_leaves_a_bad_exit_status(connected: Flask, simulator: Simulator) -> None:
    a_member()
    simulator.bad_days = [BadDay(503, retry_after="60")]
    code, document = portal(connected, "sync", "--limit", "0.2")
    assert code == 1
    assert document["webhook"]["pending"] >= 1
    assert document["webhook"]["failed"] == 1


def test_plan_apply_and_reconcile(committed: Flask, tryton_gateway: TrytonGateway) -> None:
    committed.config["PORTAL_CRM"] = "tryton"
    committed.extensions["crm"]["tryton"] = Outlet(tryton_gateway)
    try:
        member_id = a_member()
        assert portal(committed, "plan")[1]["tryton"]["missing"] == []
        assert portal(committed, "apply")[0] == 0
        assert portal(committed, "sync")[1]["tryton"]["pending"] == 0
        tryton_gateway.forget("contact", [member_id])
        found = portal(committed, "reconcile", "--dry-run")[1]["tryton"]
        assert (found["drift"], found["missing"]) == (1, 1)
        mended = portal(committed, "reconcile")[1]["tryton"]
        assert (mended["mended"], mended["drift"]) == (1, 0)
        assert portal(committed, "status")[1]["tryton"]["drift"] == 0
        tryton_gateway.forget("contact", [member_id])
    finally:
        committed.config["PORTAL_CRM"] = "none"
        committed.extensions["crm"].clear()


def test_without_a_crm_the_command_says_so(committed: Flask) -> None:
    result = committed.test_cli_runner().invoke(args=["crm", "sync"])
    assert result.exit_code != 0
    assert portal(committed, "status") == (0, {})
