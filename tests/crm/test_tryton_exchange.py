"""The whole exchange with a real Tryton: sent, read back, compared, mended, and what comes back."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask

from portal.crm import queries
from portal.crm.gateways.tryton import Rpc, TrytonGateway
from portal.crm.models import Link
from portal.crm.services import comparing, marking, news
from portal.crm.services.outlet import Outlet
from portal.kernel.database import db
from portal.local import tryton
from portal.members import facade as members
from portal.members import services as people
from portal.members.models import Member, Organisation
from tests.crm.test_lanes import occurrence, seen, send_all
from tests.members.factories import a_member


@pytest.fixture
def admin(tryton_server: tryton.Server) -> Iterator[Rpc]:
    with Rpc(tryton_server.url, tryton.DATABASE, tryton.ADMIN, tryton.PASSWORD) as rpc:
        yield rpc


@pytest.fixture
def outlet(app: Flask, tryton_gateway: TrytonGateway) -> Iterator[Outlet]:
    marking.open_gateway("tryton")
    outlet = Outlet(tryton_gateway, site="https://community.example.org")
    yield outlet
    with_something = [link.subject_id for link in queries.links_to_compare("tryton", "contact", 0, 1000)]
    tryton_gateway.forget("contact", with_something)


def sent_member(outlet: Outlet) -> tuple[int, Link]:
    member_id = a_member()
    seen(member_id)
    marking.want_sync([member_id])
    send_all(outlet)
    link = queries.link("tryton", "contact", member_id)
    assert link is not None
    return member_id, link


def party(admin: Rpc, crm_id: str | None, *fields: str) -> dict[str, object]:
    return admin.call("model.party.party.search_read", [["code", "=", crm_id]], 0, 1, None, ["id", *fields])[0]


def test_figures_and_events_arrive_on_the_party(outlet: Outlet, admin: Rpc) -> None:
    member_id, link = sent_member(outlet)
    marking.record_occurrences([occurrence(member_id, link.subject_id * 10 + 1)])
    send_all(outlet)
    found = party(admin, link.crm_id, "portal_member", "portal_url", "name", "portal_events")
    assert found["portal_member"] == member_id
    assert found["portal_url"] == f"https://community.example.org/members/{member_id}"
    assert len(found["portal_events"]) == 1
    assert [contact.contact_ids for contact in members.crm_contacts([member_id])] == [(link.crm_id,)]


def test_what_was_sent_is_there(outlet: Outlet) -> None:
    sent_member(outlet)
    found = comparing.compare(outlet)
    assert (found.compared, found.differences, found.drift) == (1, [], 0)
    assert queries.figures("tryton").drift == 0


def test_drift_is_found_and_mended(outlet: Outlet, tryton_gateway: TrytonGateway) -> None:
    member_id, link = sent_member(outlet)
    tryton_gateway.forget("contact", [member_id])
    found = comparing.compare(outlet)
    assert (found.missing, found.mended, found.drift) == (1, 1, 1)
    send_all(outlet)
    again = comparing.compare(outlet)
    assert (again.missing, again.drift) == (0, 0)
    db.session.refresh(link)
    assert link.there == {**link.there, **link.sent}


def test_each_field_has_its_policy(outlet: Outlet, tryton_server: tryton.Server) -> None:
    _, link = sent_member(outlet)
    # Tryton lets nobody but us write these fields: a restored backup is how they come to differ.
    import sqlite3

    with sqlite3.connect(tryton_server.folder / f"{tryton.DATABASE}.sqlite", timeout=20) as database:
        database.execute(
            "UPDATE party_party SET portal_url = 'elsewhere', portal_lifecycle = 'lost', write_date = '2099-01-01 00:00:00' "
            "WHERE code = ?",
            [link.crm_id],
        )
    found = comparing.compare(outlet)
    winners = {d["field"]: d["winner"] for d in found.differences}
    assert winners == {"portal_url": "portal", "portal_lifecycle": "crm"}
    assert (found.drift, found.mended, found.taken) == (1, 1, 1)
    send_all(outlet)
    assert comparing.compare(outlet).drift == 0


def test_a_contact_with_a_proven_address_becomes_the_members(outlet: Outlet, admin: Rpc) -> None:
    member_id, stranger = a_member(), a_member()
    people.confirm_address(member_id)
    proven, claimed = (db.session.get(Member, one).email for one in (member_id, stranger))
    for code, email in (("CON-P1", proven), ("CON-P2", claimed)):
        _contact(admin, code, email, crm_tier="gold", crm_products="maiella, lupo")
    news.take_news(outlet)
    assert db.session.get(Member, member_id).crm == {
        "contact_id": "CON-P1",
        "tier": "gold",
        "products_owned": ["maiella", "lupo"],
    }
    assert db.session.get(Member, stranger).crm == {}
    assert queries.members_of_contacts(["CON-P1", "CON-P2"]) == {"CON-P1": member_id}


def _contact(admin: Rpc, code: str, email: str, **more: object) -> int:
    mechanism = [["create", [{"type": "email", "value": email, "sequence": 1}]]]
    row = {"code": code, "name": code, "addresses": [], "contact_mechanisms": mechanism, **more}
    return admin.call("model.party.party.create", [row])[0]


def test_revenue_and_owner_of_an_account_come_in(outlet: Outlet, admin: Rpc) -> None:
    nello = a_member(kind="staff")
    members.link_contact(nello, "CON-NELLO", evidence="test")
    mill = Organisation(name="Old name", kind="supplier", crm={"account_id": "ACC-M1"})
    db.session.add(mill)
    db.session.flush()
    owner = _contact(admin, "CON-NELLO", "nello@example.org")
    row = {
        "portal_kind": "organisation",
        "code": "ACC-M1",
        "name": "Filatura Aventino",
        "addresses": [],
        "crm_revenue": {"__class__": "Decimal", "decimal": "48200.50"},
        "crm_segment": "mill",
        "crm_owner": owner,
    }
    admin.call("model.party.party.create", [row])
    first = news.take_news(outlet)
    assert mill.name == "Filatura Aventino"
    assert mill.crm["revenue_eur"] == 48200.5
    assert mill.crm["owner_id"] == nello
    assert first.organisations == 1


def test_what_we_wrote_ourselves_is_no_news(outlet: Outlet) -> None:
    member_id, _ = sent_member(outlet)
    news.take_news(outlet)
    seen(member_id, datetime(2026, 11, 1, tzinfo=UTC))
    marking.want_sync([member_id])
    assert send_all(outlet).arrived == 1
    again = news.take_news(outlet)
    assert again.seen >= 1, "the party has changed"
    assert again.news == 0, "but says nothing new"


def test_a_member_follows_her_contact_through_a_merge(outlet: Outlet, admin: Rpc) -> None:
    member_id, link = sent_member(outlet)
    news.take_news(outlet)
    gone = party(admin, link.crm_id, "name")
    kept = _contact(admin, f"CON-K{member_id}", f"k{member_id}@example.org")
    admin.call("model.party.party.write", [kept], {"name": gone["name"]})
    session = admin.call("wizard.party.replace.create")[0]
    ask = {"ask": {"source": gone["id"], "destination": kept}}
    admin.call("wizard.party.replace.execute", session, ask, "replace")
    news.take_news(outlet)
    assert queries.members_of_contacts([f"CON-K{member_id}"]) == {f"CON-K{member_id}": member_id}
    seen(member_id)
    marking.want_sync([member_id])
    assert send_all(outlet).arrived == 1
    assert party(admin, f"CON-K{member_id}", "portal_member")["portal_member"] == member_id


def test_consent_withdrawn_empties_the_party(outlet: Outlet, admin: Rpc) -> None:
    from portal.members.rules import Purpose

    member_id, link = sent_member(outlet)
    people.say_consent(member_id, Purpose.CRM, given=False)
    marking.want_sync([member_id])
    assert send_all(outlet).taken_back == 1
    found = party(admin, link.crm_id, "portal_member", "portal_url", "portal_consent", "portal_events")
    assert (found["portal_member"], found["portal_url"], found["portal_events"]) == (None, None, [])
    people.say_consent(member_id, Purpose.CRM, given=True)
    marking.want_sync([member_id])
    send_all(outlet)
    assert party(admin, link.crm_id, "portal_member")["portal_member"] == member_id
