"""What staff see and do, what programs get, and what nobody else does."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.crm import queries
from portal.crm.gateways.webhook import WebhookGateway
from portal.crm.services import marking
from portal.crm.services.outlet import Outlet
from tests.crm.simulator import BadDay, Simulator
from tests.crm.test_lanes import occurrence, send_all
from tests.members.factories import a_member, a_token, bearer, sign_in


@pytest.fixture
def outlet(app: Flask, webhook_gateway: WebhookGateway) -> Any:
    app.config["PORTAL_CRM"] = "webhook"
    outlet = Outlet(webhook_gateway, site="https://c.example.org", calls_a_day=100)
    app.extensions["crm"]["webhook"] = outlet
    marking.open_gateway("webhook")
    yield outlet
    app.config["PORTAL_CRM"] = "none"
    app.extensions["crm"].clear()


@pytest.fixture
def manager(client: FlaskClient) -> FlaskClient:
    return sign_in(client, a_member(kind="staff", roles=["brand_manager"], name="Anna Di Tullo"))


def test_without_a_crm_the_page_says_how_to_connect_one(manager: FlaskClient) -> None:
    page = manager.get("/staff/crm")
    assert page.status_code == 200
    assert "PORTAL_CRM" in page.text


def test_customers_do_not_see_it(client: FlaskClient) -> None:
    assert client.get("/staff/crm").status_code in {302, 303, 401}
    sign_in(client, a_member())
    assert client.get("/staff/crm").status_code == 403
    assert client.post("/staff/crm/replay").status_code in {400, 403}


def test_the_page_shows_what_was_sent_field_by_field(
    manager: FlaskClient, outlet: Outlet, simulator: Simulator
) -> None:
    member_id = a_member(name="Marta Colantoni")
    marking.want_sync([member_id])
    send_all(outlet)
    page = manager.get(f"/staff/crm?contact={member_id}").text
    assert "Marta Colantoni" in page
    assert f"C-{member_id}" in page
    assert "1 of 100" in page
    assert manager.get("/staff/crm/table").text.count("<tr") == 2
    assert "no such member" in manager.get("/staff/crm?contact=nobody@example.org").text


def test_a_paused_gateway_is_said_and_tried_again(manager: FlaskClient, outlet: Outlet, simulator: Simulator) -> None:
    marking.want_sync([a_member()])
    simulator.bad_days = [BadDay(401, text="unknown key")]
    send_all(outlet)
    page = manager.get("/staff/crm").text
    assert "Webhook is paused." in page
    assert "unknown key" in page
    answer = post(manager, "/staff/crm/resume", gateway="webhook")
    assert answer.status_code == 303
    assert queries.figures("webhook").state == "running"


def post(browser: FlaskClient, url: str, **fields: object) -> Any:
    import re

    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/staff/crm").text)
    return browser.post(url, data={"csrf_token": token.group(1) if token else "", **fields})


def test_a_refused_event_is_mended_on_the_page(manager: FlaskClient, outlet: Outlet, simulator: Simulator) -> None:
    member_id = a_member(name="Wanda Ricci")
    marking.want_sync([member_id])
    send_all(outlet)
    simulator.refuses_events["fact-1"] = ("contact_email", "no such domain")
    marking.record_occurrences([occurrence(member_id, 1, data={"contact_email": "wanda@exampel.org"})])
    send_all(outlet)
    page = manager.get("/staff/crm").text
    assert "Wanda Ricci, event" in page
    assert "wanda@exampel.org" in page
    simulator.refuses_events.clear()
    letter = queries.dead_letters()[0]
    assert post(manager, f"/staff/crm/letters/{letter.id}/mend", value="wanda@example.org").status_code == 303
    send_all(outlet)
    assert simulator.events["fact-1"]["data"]["contact_email"] == "wanda@example.org"
    assert queries.count_dead("webhook") == 0


def test_dead_letters_are_replayed_or_left_out_on_the_page(
    manager: FlaskClient, outlet: Outlet, simulator: Simulator
) -> None:
    first, second = a_member(), a_member()
    simulator.refuses = {first: "no", second: "no"}
    marking.want_sync([first, second])
    send_all(outlet)
    gone = queries.dead_letters()[0]
    assert post(manager, f"/staff/crm/letters/{gone.id}/leave").status_code == 303
    assert post(manager, f"/staff/crm/letters/{gone.id}/leave").status_code == 404
    simulator.refuses = {}
    assert post(manager, "/staff/crm/replay").status_code == 303
    assert send_all(outlet).arrived == 1
    assert queries.count_dead("webhook") == 0


def test_the_page_speaks_italian(manager: FlaskClient, outlet: Outlet) -> None:
    page = manager.get("/staff/crm", headers={"Accept-Language": "it"})
    assert page.status_code == 200


def test_programs_read_the_status(client: FlaskClient, outlet: Outlet, simulator: Simulator) -> None:
    marking.want_sync([a_member()])
    admin = a_token(a_member(kind="staff", roles=["admin"]), "read")
    answer = client.get("/api/v1/crm/status", headers=bearer(admin))
    assert answer.status_code == 200
    assert answer.json is not None
    assert {"pending", "sent", "failed", "dead", "lag_seconds", "drift"} <= set(answer.json["webhook"])
    assert answer.json["webhook"]["pending"] >= 1
    assert client.get("/api/v1/crm/status", headers=bearer(a_token(a_member(), "read"))).status_code == 403
    assert client.get("/api/v1/crm/status").status_code == 401


def test_those_who_watch_see_what_waits(client: FlaskClient, outlet: Outlet, simulator: Simulator) -> None:
    marking.want_sync([a_member()])
    ready = client.get("/readyz").json
    assert ready is not None
    assert ready["crm"]["webhook"]["pending"] == 1
    assert 'portal_crm_pending{gateway="webhook"} 1.0' in client.get("/metrics").text
