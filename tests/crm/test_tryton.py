"""What is Tryton's own: who may write, merges, erasure, news, and a module that is not there yet."""

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from portal.crm.gateways.base import BatchRefused, Happening, News, Paused, RetryLater, Row
from portal.crm.gateways.tryton import Rpc, TrytonGateway
from portal.crm.rules import wanted_fields
from portal.local import tryton
from tests.crm.test_gateways import a_row, an_event

DEMO = Path(__file__).parents[2] / "portal" / "demo" / "data"


@pytest.fixture
def admin(tryton_server: tryton.Server) -> Iterator[Rpc]:
    with Rpc(tryton_server.url, tryton.DATABASE, tryton.ADMIN, tryton.PASSWORD) as rpc:
        yield rpc


def party_of(admin: Rpc, crm_id: str) -> int:
    return admin.call("model.party.party.search", [["code", "=", crm_id]])[0]


def news_of(gateway: TrytonGateway, crm_id: str) -> News:
    page = gateway.changes("contact", None)
    while True:
        for one in page.items:
            if one.crm_id == crm_id:
                return one
        assert page.more, crm_id
        page = gateway.changes("contact", page.cursor)


def test_people_may_not_write_the_figures(tryton_gateway: TrytonGateway, admin: Rpc) -> None:
    verdict = tryton_gateway.upsert([a_row()])[0]
    with pytest.raises(BatchRefused, match="not allowed"):
        admin.call("model.party.party.write", [party_of(admin, verdict.crm_id)], {"portal_votes": 99})
    with pytest.raises(BatchRefused, match="Community Portal"):
        admin.call("model.portal.exchange.upsert", "contact", [])


def test_events_cannot_be_changed(tryton_gateway: TrytonGateway, admin: Rpc) -> None:
    row = a_row()
    tryton_gateway.upsert([row])
    tryton_gateway.append([an_event(row)])
    event_id = admin.call("model.portal.event.search", [["event_id", "=", f"fact-{row.key}-1"]])[0]
    for call in [("write", [event_id], {"summary": "no"}), ("delete", [event_id])]:
        with pytest.raises(BatchRefused):
            admin.call(f"model.portal.event.{call[0]}", *call[1:])


def test_a_contact_is_found_by_its_code_and_keeps_its_member(tryton_gateway: TrytonGateway, admin: Rpc) -> None:
    party = {"code": "CON-A1", "name": "Marta", "addresses": []}
    admin.call("model.party.party.create", [party])
    row = a_row()
    verdict = tryton_gateway.upsert([Row("contact", row.key, {"portal_votes": 5}, crm_id="CON-A1", name="Else")])[0]
    assert (verdict.status, verdict.crm_id) == ("updated", "CON-A1")
    other = tryton_gateway.upsert([Row("contact", a_row().key, {"portal_votes": 1}, crm_id="CON-A1")])[0]
    assert (other.status, other.field) == ("refused", "crm_id")
    assert str(row.key) in (other.reason or "")


def test_two_rows_of_one_batch_cannot_have_one_contact(tryton_gateway: TrytonGateway) -> None:
    first, second = a_row(), a_row()
    rows = [Row("contact", row.key, {"portal_votes": 1}, crm_id="CON-TWICE") for row in (first, second)]
    assert [v.status for v in tryton_gateway.upsert(rows)] == ["created", "refused"]


def test_a_merge_is_followed(tryton_gateway: TrytonGateway, admin: Rpc) -> None:
    row = a_row()
    gone = tryton_gateway.upsert([row])[0].crm_id
    tryton_gateway.append([an_event(row)])
    admin.call("model.party.party.create", [{"code": f"KEPT-{row.key}", "name": row.name, "addresses": []}])
    kept = party_of(admin, f"KEPT-{row.key}")
    _wizard(admin, "party.replace", "replace", {"source": party_of(admin, gone), "destination": kept})
    assert news_of(tryton_gateway, gone).merged_into == f"KEPT-{row.key}"
    verdict = tryton_gateway.upsert([Row("contact", row.key, {"portal_votes": 8})])[0]
    assert (verdict.status, verdict.crm_id) == ("updated", f"KEPT-{row.key}")
    assert admin.call("model.portal.event.search_read", [["party", "=", kept]], 0, None, None, ["summary"])


def test_an_erased_contact_holds_nothing_of_ours(tryton_gateway: TrytonGateway, admin: Rpc) -> None:
    row = a_row()
    party = party_of(admin, tryton_gateway.upsert([row])[0].crm_id)
    tryton_gateway.append([an_event(row)])
    admin.call("model.party.party.write", [party], {"active": False})
    _wizard(admin, "party.erase", "erase", {"party": party})
    assert tryton_gateway.read_back("contact", [row.key]) == {}
    left = admin.call("model.portal.event.search_read", [["party", "=", party]], 0, None, None, ["summary", "data"])
    assert [(event["summary"], event["data"]) for event in left] == [(None, None)]


def _wizard(admin: Rpc, name: str, act: str, ask: dict[str, int]) -> None:
    session = admin.call(f"wizard.{name}.create")[0]
    admin.call(f"wizard.{name}.execute", session, {"ask": ask}, act)


def test_a_new_address_is_news_of_the_contact(tryton_gateway: TrytonGateway, admin: Rpc) -> None:
    crm_id = tryton_gateway.upsert([a_row()])[0].crm_id
    before = news_of(tryton_gateway, crm_id)
    mechanism = {"type": "email", "value": "new@example.org", "party": party_of(admin, crm_id), "sequence": 1}
    admin.call("model.party.contact_mechanism.create", [mechanism])
    assert news_of(tryton_gateway, crm_id).changed_at > before.changed_at


def test_what_the_company_knows_is_told(tryton_gateway: TrytonGateway, tryton_server: tryton.Server) -> None:
    assert tryton.fill(tryton_server.url, DEMO)["accounts"] == 22
    assert tryton.fill(tryton_server.url, DEMO) == {"accounts": 0, "contacts": 0}
    ornella = news_of(tryton_gateway, "CON-2029")
    assert ornella.email == "ornella@it.example"
    assert ornella.values == {
        "account": None,
        "spent_eur": 640.0,
        "tier": "gold",
        "products_owned": ["maiella", "grezza", "morrone"],
    }
    accounts = {one.crm_id: one for one in tryton_gateway.changes("account", None).items}
    assert accounts["ACC-1001"].values["revenue_eur"] == 18400.0
    assert accounts["ACC-1001"].values["owner"] == "CON-2004"


def test_a_wrong_password_pauses(tryton_server: tryton.Server) -> None:
    with pytest.raises(Paused):
        TrytonGateway(tryton_server.url, tryton.DATABASE, tryton.USER, "wrong").verify()


def test_a_server_that_is_away_is_asked_later() -> None:
    gateway = TrytonGateway(f"http://127.0.0.1:{tryton.free_port()}", "portal", "portal", "x")
    with pytest.raises(RetryLater) as away:
        gateway.upsert([a_row()])
    assert not away.value.suspect


def test_a_session_that_has_ended_is_begun_again(tryton_gateway: TrytonGateway, admin: Rpc) -> None:
    tryton_gateway.verify()
    tryton_gateway._rpc._session = "cG9ydGFsOjE6bm9uc2Vuc2U="
    tryton_gateway.verify()


def test_the_module_is_activated_by_apply(tmp_path: Path) -> None:
    command = tryton.prepare(tmp_path, port := tryton.free_port())
    with sqlite3.connect(tmp_path / f"{tryton.DATABASE}.sqlite") as database:
        database.execute("UPDATE ir_module SET state = 'not activated' WHERE name = 'portal'")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        gateway = TrytonGateway(url, tryton.DATABASE, tryton.ADMIN, tryton.PASSWORD)
        _wait_for_login(url)
        assert not any(field.there for field in gateway.plan(wanted_fields()))
        with pytest.raises(Paused):
            gateway.verify()
        assert all(field.there for field in gateway.apply(wanted_fields()))
        with pytest.raises(Paused, match="Community Portal"):
            gateway.verify()
        TrytonGateway(url, tryton.DATABASE, tryton.USER, tryton.PASSWORD).verify()
    finally:
        process.terminate()
        process.wait(10)


def _wait_for_login(url: str) -> None:
    for _ in range(100):
        try:
            with Rpc(url, tryton.DATABASE, tryton.ADMIN, tryton.PASSWORD) as rpc:
                rpc.call("model.ir.module.search", [])
                return
        except RetryLater:
            time.sleep(0.2)


def test_an_event_needs_its_time(tryton_gateway: TrytonGateway) -> None:
    row = a_row()
    tryton_gateway.upsert([row])
    event = Happening(id="x-1", kind="contact", key=row.key, type="t", time="soon", sequence=1)
    assert tryton_gateway.append([event])[0].field == "time"


def test_an_address_is_marked_until_it_is_confirmed(tryton_gateway: TrytonGateway, admin: Rpc) -> None:
    row = a_row()

    def mark() -> str | None:
        wanted = [["value", "=", row.email]]
        found = admin.call("model.party.contact_mechanism.search_read", wanted, 0, None, None, ["name"])
        return found[0]["name"]

    tryton_gateway.upsert([row])
    assert mark() == "not confirmed"
    tryton_gateway.upsert([replace(row, email_confirmed=True)])
    assert mark() is None


def test_a_kept_database_is_brought_up_to_date_with_the_module(tmp_path: Path) -> None:
    tryton.prepare(tmp_path, 1)
    (tmp_path / ".module").write_text("older")
    command = tryton.prepare(tmp_path, tryton.free_port())
    assert (tmp_path / ".module").read_text() == tryton.ensure_template().stem
    assert command[0].endswith("trytond")


def test_tryton_finds_no_fault_with_the_module() -> None:
    """Tryton's own suite for modules: views, access, fields, copies, wizards, merges and erasure."""
    tryton.ensure_venv()
    done = subprocess.run(
        [str(tryton.HOME / "bin" / "python"), "-W", "ignore", "-m", "unittest", "trytond_portal.tests.test_module"],
        env={"DB_NAME": ":memory:", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
