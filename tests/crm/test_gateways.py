"""The contract that every gateway keeps, against the real thing."""

import itertools
from dataclasses import replace

import pytest

from portal.crm.gateways.base import Gateway, Happening, Kind, NotOffered, Row
from portal.crm.rules import wanted_fields

_numbers = itertools.count(5000)


def a_row(kind: Kind = "contact", **values: object) -> Row:
    number = next(_numbers)
    return Row(kind, number, values or {"portal_votes": 3}, name=f"Wanda {number}", email=f"w{number}@example.org")


def an_event(row: Row, sequence: int = 1, **more: object) -> Happening:
    return Happening(
        id=f"fact-{row.key}-{sequence}",
        kind=row.kind,
        key=row.key,
        type="portal.idea.accepted",
        time="2026-11-01T10:00:00+00:00",
        sequence=sequence,
        summary="Lana da tingere a colori",
        data={"idea_id": 7},
        **more,
    )


def stored(gateway: Gateway, row: Row) -> dict[str, object] | None:
    if gateway.limits.reads:
        found = gateway.read_back(row.kind, [row.key]).get(row.key)
        return dict(found.values) if found else None
    simulator = gateway.simulator
    held = simulator.contacts if row.kind == "contact" else simulator.accounts
    return held.get(row.key)


@pytest.fixture(autouse=True)
def _know_the_simulator(gateway: Gateway, request: pytest.FixtureRequest) -> None:
    if not gateway.limits.reads:
        gateway.simulator = request.getfixturevalue("simulator")


def test_all_fields_that_we_send_are_there(gateway: Gateway) -> None:
    gateway.verify()
    plan = gateway.plan(wanted_fields())
    assert len(plan) == sum(len(fields) for fields in wanted_fields().values())
    assert [field.name for field in plan if not field.there] == []
    assert [field.name for field in gateway.apply(wanted_fields()) if not field.there] == []


@pytest.mark.parametrize("kind", ["contact", "account"])
def test_a_row_is_created_then_updated_then_unchanged(gateway: Gateway, kind: Kind) -> None:
    field = "portal_votes" if kind == "contact" else "portal_account_votes"
    row = a_row(kind, **{field: 3})
    first = gateway.upsert([row])[0]
    assert (first.key, first.status) == (row.key, "created")
    assert first.crm_id
    again = Row(kind, row.key, {field: 4})
    assert [gateway.upsert([again])[0].status for _ in range(2)] == ["updated", "unchanged"]
    assert stored(gateway, row)[field] == 4


def test_every_type_comes_back_as_it_went(gateway: Gateway) -> None:
    values = {
        "portal_votes": 12,
        "portal_tone": 0.619048,
        "portal_top_topics": "tintura, lana locale, più «colori» 🧶",
        "portal_joined": "2025-09-15T13:13:23+00:00",
        "portal_consent": True,
        "portal_engagement": 71.5,
    }
    row = a_row(**values)
    gateway.upsert([row])
    found = stored(gateway, row)
    assert {name: found[name] for name in values} == values


def test_a_field_is_emptied_by_none(gateway: Gateway) -> None:
    row = a_row(portal_tone=0.5)
    gateway.upsert([row])
    gateway.upsert([Row("contact", row.key, {"portal_tone": None})])
    assert stored(gateway, row)["portal_tone"] is None


def test_a_bad_row_is_refused_with_its_reason_and_the_others_go_on(gateway: Gateway) -> None:
    rows = [a_row(), a_row(portal_votes="many"), a_row()]
    verdicts = gateway.upsert(rows)
    assert [v.status for v in verdicts] == ["created", "refused", "created"]
    assert [v.key for v in verdicts] == [row.key for row in rows]
    assert verdicts[1].reason == "portal_votes must be a whole number"
    assert verdicts[1].field == "portal_votes"
    assert stored(gateway, rows[1]) is None


def test_events_are_taken_once(gateway: Gateway) -> None:
    row = a_row()
    gateway.upsert([row])
    events = [an_event(row, 1), an_event(row, 2)]
    assert [v.status for v in gateway.append(events)] == ["created", "created"]
    assert [v.status for v in gateway.append([*events, an_event(row, 3)])] == ["unchanged", "unchanged", "created"]


def test_an_event_that_comes_for_another_is_hers_from_then_on(gateway: Gateway) -> None:
    row, other = a_row(), a_row()
    gateway.upsert([row, other])
    event = an_event(row)
    gateway.append([event])
    assert [v.status for v in gateway.append([replace(event, key=other.key)])] == ["updated"]
    gateway.forget("contact", [row.key])
    assert [v.status for v in gateway.append([replace(event, key=other.key)])] == ["unchanged"]


def test_an_event_of_nobody_is_refused(gateway: Gateway) -> None:
    row = a_row()
    gateway.upsert([row])
    verdicts = gateway.append([an_event(a_row()), an_event(row)])
    assert [v.status for v in verdicts] == ["refused", "created"]
    assert verdicts[0].field == "key"


def test_what_is_forgotten_is_gone(gateway: Gateway) -> None:
    row = a_row()
    gateway.upsert([row])
    gateway.append([an_event(row)])
    assert gateway.forget("contact", [row.key]) == 1
    assert stored(gateway, row) is None


def test_a_full_batch_arrives(gateway: Gateway) -> None:
    rows = [a_row() for _ in range(gateway.limits.rows)]
    assert {v.status for v in gateway.upsert(rows)} == {"created"}


def test_who_cannot_be_read_says_so(gateway: Gateway) -> None:
    if gateway.limits.lists:
        gateway.upsert([row := a_row()])
        page = gateway.changes("contact", None)
        while page.more:
            page = gateway.changes("contact", page.cursor)
        assert row.key in {news.key for news in page.items}
    else:
        with pytest.raises(NotOffered):
            gateway.changes("contact", None)
        with pytest.raises(NotOffered):
            gateway.read_back("contact", [1])
