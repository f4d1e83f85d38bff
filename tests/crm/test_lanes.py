"""The two lanes: what is sent, what is not, what is put aside, and what a crash or a bad day leaves."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update

from portal.analytics.models import MemberDay
from portal.crm import queries
from portal.crm.gateways.base import Limits
from portal.crm.gateways.webhook import WebhookGateway
from portal.crm.models import CrmEvent, GatewayState, Link, Wanted
from portal.crm.services import letters, marking, sending
from portal.crm.services.marking import Occurrence
from portal.crm.services.outlet import Outlet
from portal.kernel.clock import now
from portal.kernel.database import db, transaction
from portal.members.models import Member
from tests.crm.simulator import BadDay, Simulator
from tests.members.factories import a_member

SITE = "https://community.example.org"


@pytest.fixture
def outlet(app: Flask, webhook_gateway: WebhookGateway) -> Outlet:
    marking.open_gateway("webhook")
    return Outlet(webhook_gateway, site=SITE)


def send_all(outlet: Outlet) -> sending.Outcome:
    total = sending.Outcome()
    for _ in range(50):
        outcome = sending.send_batch(outlet)
        db.session.commit()
        total.arrived += outcome.arrived
        total.refused += outcome.refused
        total.unchanged += outcome.unchanged
        total.taken_back += outcome.taken_back
        total.why = outcome.why
        if not outcome.more:
            return total
    raise AssertionError("it never ends")


def seen(member_id: int, at: datetime | None = None) -> None:
    """Let a figure of the member move."""
    db.session.execute(update(Member).filter_by(id=member_id).values(joined_at=at or now() + timedelta(days=1)))


def occurrence(member_id: int, number: int, **more: object) -> Occurrence:
    return Occurrence(
        id=f"fact-{number}",
        kind="contact",
        subject_id=member_id,
        type="portal.idea.accepted",
        at=datetime(2026, 11, 1, 10, tzinfo=UTC),
        sequence=number,
        summary=f"Idea {number}",
        path=f"/ideas/{number}",
        **more,
    )


def test_a_new_gateway_is_told_of_everybody_who_agrees(
    app: Flask, webhook_gateway: WebhookGateway, simulator: Simulator
) -> None:
    ids = [a_member(), a_member()]
    assert marking.open_gateway("webhook")
    assert not marking.open_gateway("webhook")
    assert send_all(Outlet(webhook_gateway, site=SITE)).arrived == 2
    assert set(simulator.contacts) == set(ids)
    assert simulator.contacts[ids[0]]["portal_url"] == f"{SITE}/members/{ids[0]}"
    assert simulator.contacts[ids[0]]["portal_consent"] is True


def test_marks_of_one_member_are_sent_once_with_the_latest_figures(outlet: Outlet, simulator: Simulator) -> None:
    member_id = a_member()
    for hours in range(5):
        seen(member_id, datetime(2026, 11, 1, hours, tzinfo=UTC))
        marking.want_sync([member_id])
    assert send_all(outlet).arrived == 1
    assert simulator.contacts[member_id]["portal_joined"] == "2026-11-01T04:00:00+00:00"
    assert db.session.scalar(select(func.count()).select_from(Wanted)) == 0


def test_what_has_not_changed_is_never_sent(outlet: Outlet, simulator: Simulator) -> None:
    ids = [a_member() for _ in range(3)]
    marking.want_sync(ids)
    send_all(outlet)
    calls = len(simulator.calls)
    marking.want_sync(ids)
    outcome = send_all(outlet)
    assert (outcome.arrived, outcome.unchanged) == (0, 3)
    assert len(simulator.calls) == calls
    seen(ids[0])
    marking.want_sync(ids)
    assert send_all(outlet).arrived == 1


def test_batches_keep_to_the_limit_of_the_crm(app: Flask, simulator: Simulator) -> None:
    marking.open_gateway("webhook")
    gateway = WebhookGateway(
        simulator.url, _secret(), allow_private=True, limits=Limits(3, 3, reads=False, lists=False)
    )
    simulator.most_rows = 3
    marking.want_sync([a_member() for _ in range(8)])
    assert send_all(Outlet(gateway)).arrived == 8
    assert len(simulator.calls) == 3


def _secret() -> str:
    from tests.crm.simulator import SECRET

    return SECRET


def test_a_member_who_does_not_agree_is_not_sent_and_what_was_sent_is_taken_back(
    outlet: Outlet, simulator: Simulator
) -> None:
    member_id = a_member()
    marking.want_sync([member_id])
    marking.record_occurrences([occurrence(member_id, 1)])
    send_all(outlet)
    assert simulator.events
    withdraw(member_id)
    marking.want_sync([member_id])
    marking.record_occurrences([occurrence(member_id, 2)])
    outcome = send_all(outlet)
    assert outcome.taken_back == 1
    assert simulator.forgotten == [member_id]
    assert member_id not in simulator.contacts
    assert simulator.events == {}
    assert queries.shares_and_withdrawals("webhook")["taken_back_this_week"] == 1


def withdraw(member_id: int) -> None:
    from portal.members import services
    from portal.members.rules import Purpose

    services.say_consent(member_id, Purpose.CRM, given=False)


def test_a_refused_row_is_put_aside_and_replayed(outlet: Outlet, simulator: Simulator) -> None:
    good, bad = a_member(), a_member()
    simulator.refuses[bad] = "email: no such domain"
    marking.want_sync([good, bad])
    outcome = send_all(outlet)
    assert (outcome.arrived, outcome.refused) == (1, 1)
    letter = queries.dead_letters()[0]
    assert (letter.subject_id, letter.reason, letter.field, letter.tries) == (bad, "email: no such domain", "email", 1)
    assert letters.replay() == ["webhook"]
    send_all(outlet)
    db.session.expire_all()
    assert queries.dead_letters()[0].tries == 2
    simulator.refuses.clear()
    letters.replay(ids=[letter.id])
    assert send_all(outlet).arrived == 1
    assert queries.count_dead("webhook") == 0


def test_a_batch_refused_as_a_whole_is_halved_until_the_bad_row_stands_alone(
    outlet: Outlet, simulator: Simulator
) -> None:
    ids = [a_member() for _ in range(9)]
    simulator.chokes_on = {ids[4]}
    marking.want_sync(ids)
    outcome = send_all(outlet)
    assert (outcome.arrived, outcome.refused) == (8, 1)
    assert set(simulator.contacts) == set(ids) - {ids[4]}
    assert queries.dead_letters()[0].subject_id == ids[4]


def test_a_crm_that_is_away_delays_and_loses_nothing(outlet: Outlet, simulator: Simulator) -> None:
    ids = [a_member() for _ in range(4)]
    marking.want_sync(ids)
    simulator.bad_days = [BadDay(429, retry_after="40"), BadDay(500, kept=2)]
    outcome = sending.send_batch(outlet)
    assert outcome.wait >= 40
    assert queries.figures("webhook").state == "waiting"
    assert queries.figures("webhook").pending == 4
    assert sending.send_batch(outlet).why
    assert len(simulator.calls) == 1
    rested(outlet)
    sending.send_batch(outlet)
    assert len(simulator.contacts) == 2
    rested(outlet)
    assert send_all(outlet).arrived == 4
    figures = queries.figures("webhook")
    assert (figures.pending, figures.failed, figures.state, figures.lag_seconds) == (0, 2, "running", 0.0)


def rested(outlet: Outlet) -> None:
    db.session.execute(update(GatewayState).values(hold_until=None))


def test_a_row_that_always_breaks_the_crm_does_not_stop_the_others(outlet: Outlet, simulator: Simulator) -> None:
    ids = [a_member() for _ in range(5)]
    simulator.breaks_on = {ids[1]}
    marking.want_sync(ids)
    for _ in range(60):
        sending.send_batch(outlet)
        rested(outlet)
    assert set(simulator.contacts) == set(ids) - {ids[1]}
    assert [(letter.subject_id, letter.reason[:6]) for letter in queries.dead_letters()] == [(ids[1], "failed")]
    assert queries.figures("webhook").pending == 0


def test_a_refused_key_pauses_and_is_told(outlet: Outlet, simulator: Simulator) -> None:
    marking.want_sync([a_member()])
    simulator.bad_days = [BadDay(401, text="unknown key")]
    sending.send_batch(outlet)
    figures = queries.figures("webhook")
    assert (figures.state, figures.pending) == ("paused", 1)
    assert "unknown key" in (figures.why or "")
    assert sending.send_batch(outlet).arrived == 0
    assert len(simulator.calls) == 1


def test_events_go_in_order_once_and_after_their_contact(outlet: Outlet, simulator: Simulator) -> None:
    member_id = a_member()
    marking.record_occurrences([occurrence(member_id, n) for n in (1, 2, 3)])
    marking.record_occurrences([occurrence(member_id, n) for n in (2, 3)])
    outcome = send_all(outlet)
    sending.send_batch(outlet)
    send_all(outlet)
    assert outcome.refused == 0
    assert list(simulator.events) == ["fact-1", "fact-2", "fact-3"]
    event = simulator.events["fact-1"]
    assert (event["type"], event["url"], event["sequence"]) == ("portal.idea.accepted", f"{SITE}/ideas/1", 1)
    marking.record_occurrences([occurrence(member_id, 3), occurrence(member_id, 4)])
    assert send_all(outlet).arrived == 1


def test_a_refused_event_is_mended_and_sent(outlet: Outlet, simulator: Simulator) -> None:
    member_id = a_member()
    marking.want_sync([member_id])
    send_all(outlet)
    simulator.contacts.pop(member_id)
    marking.record_occurrences([occurrence(member_id, 1, data={"key": "x"})])
    assert send_all(outlet).refused == 1
    simulator.contacts[member_id] = {}
    letter = queries.dead_letters()[0]
    assert (letter.lane, letter.field) == ("event", "key")
    assert letters.mend(letter.id, "mended") == "webhook"
    assert send_all(outlet).arrived == 1
    assert simulator.events["fact-1"]["data"]["key"] == "mended"


def test_what_is_left_out_is_gone_and_on_record(outlet: Outlet, simulator: Simulator) -> None:
    staff, member_id = a_member(), a_member()
    simulator.refuses[member_id] = "no"
    marking.want_sync([member_id])
    send_all(outlet)
    assert letters.leave_out(queries.dead_letters()[0].id, actor_id=staff)
    assert queries.count_dead("webhook") == 0


def test_a_daily_budget_and_a_pace_are_kept(outlet: Outlet, simulator: Simulator) -> None:
    marking.want_sync([a_member()])
    thrifty = Outlet(outlet.gateway, calls_a_day=1)
    assert sending.send_batch(thrifty).arrived == 1
    marking.want_sync([a_member()])
    outcome = sending.send_batch(thrifty)
    assert outcome.wait > 60
    assert len(simulator.calls) == 1
    rested(outlet)
    db.session.execute(update(GatewayState).values(calls=0, tokens=0.0, tokens_at=now()))
    slow = Outlet(outlet.gateway, calls_a_second=0.5)
    assert 0 < sending.send_batch(slow).wait <= 2.0


def test_a_rolled_back_batch_is_sent_again_and_changes_nothing(outlet: Outlet, simulator: Simulator) -> None:
    member_id = a_member()
    marking.want_sync([member_id])
    db.session.commit()
    sending.send_batch(outlet)
    db.session.rollback()
    assert queries.figures("webhook").pending == 1
    before = dict(simulator.contacts)
    assert send_all(outlet).arrived == 1
    assert simulator.contacts == before


def test_an_organisation_is_the_sum_of_its_members(outlet: Outlet, simulator: Simulator) -> None:
    from portal.members.models import Organisation

    mill = Organisation(name="Filatura Aventino", kind="supplier", crm={"account_id": "ACC-9"})
    db.session.add(mill)
    db.session.flush()
    marking.want_sync([a_member(organisation_id=mill.id) for _ in range(2)])
    send_all(outlet)
    account = simulator.accounts[mill.id]
    assert account["portal_members"] == 2
    assert account["portal_account_votes"] is None, "sums over fewer than three are withheld"
    marking.want_sync([a_member(organisation_id=mill.id)])
    send_all(outlet)
    assert simulator.accounts[mill.id]["portal_account_votes"] == 0


def test_old_marks_make_lag(outlet: Outlet) -> None:
    marking.want_sync([a_member()])
    db.session.execute(update(Wanted).values(wanted_at=now() - timedelta(minutes=3)))
    assert queries.figures("webhook").lag_seconds == pytest.approx(180, abs=5)


def test_links_remember_what_was_sent(outlet: Outlet) -> None:
    member_id = a_member()
    marking.want_sync([member_id])
    send_all(outlet)
    link = db.session.get(Link, ("webhook", "contact", member_id))
    assert link is not None
    assert link.crm_id == f"C-{member_id}"
    assert link.sent["portal_consent"] is True
    assert db.session.scalar(select(func.count()).select_from(CrmEvent)) == 0


def test_only_one_worker_sends_to_a_gateway_at_a_time(committed: Flask, webhook_gateway: WebhookGateway) -> None:
    with transaction():
        marking.open_gateway("webhook")
        marking.want_sync([a_member()])
    with db.engine.connect() as other:
        turn = "SELECT pg_advisory_xact_lock(hashtextextended('crm:webhook', 0))"
        other.execute(text(turn))
        with transaction():
            assert sending.send_batch(Outlet(webhook_gateway)).why == "another worker is sending"
    with transaction():
        assert sending.send_batch(Outlet(webhook_gateway)).arrived == 1


def test_a_member_who_is_gone_is_taken_back(outlet: Outlet, simulator: Simulator) -> None:
    member_id = a_member()
    marking.want_sync([member_id])
    send_all(outlet)
    db.session.execute(update(Member).filter_by(id=member_id).values(active=False))
    marking.want_everybody("webhook")
    assert send_all(outlet).taken_back == 1
    assert member_id not in simulator.contacts


def test_a_turn_of_the_figures_is_an_event(outlet: Outlet, simulator: Simulator) -> None:
    member_id = a_member()
    seen(member_id, now() - timedelta(days=400))
    voted(member_id, days_ago=5)
    marking.want_sync([member_id])
    send_all(outlet)
    assert simulator.contacts[member_id]["portal_lifecycle"] == "active"
    db.session.execute(delete(MemberDay))
    voted(member_id, days_ago=100)
    marking.want_sync([member_id])
    send_all(outlet)
    assert [event["type"] for event in simulator.events.values()] == ["portal.member.churn_signal"]


def voted(member_id: int, *, days_ago: int) -> None:
    """Let her have voted that long ago and never since."""
    day = (now() - timedelta(days=days_ago)).date()
    db.session.add(MemberDay(member_id=member_id, board_id=0, day=day, kind="vote", n=1))
    db.session.flush()
