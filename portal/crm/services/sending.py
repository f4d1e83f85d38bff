"""Sending: one batch of each lane, with one dispatcher a gateway at a time.

A transaction holds the turn, sends, and writes down what arrived. A crash at any moment leaves the marks where
they were: the same rows are sent again, and the CRM finds them unchanged.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

import structlog
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from portal.crm import queries, rules
from portal.crm.events import GatewayPaused
from portal.crm.gateways.base import BatchRefused, Happening, Paused, RetryLater, Row, Verdict
from portal.crm.models import CrmEvent, GatewayState, HourlyRows, Wanted
from portal.crm.services import event_lane, state_lane
from portal.crm.services.outlet import Calls, Outlet, OutOfCalls, state_of
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import publish

log = structlog.get_logger(__name__)
T = TypeVar("T", Row, Happening)


@dataclass(slots=True)
class Outcome:
    """What one batch has done. ``wait``: seconds until there is any sense in trying again."""

    arrived: int = 0
    unchanged: int = 0
    refused: int = 0
    taken_back: int = 0
    more: bool = False
    wait: float = 0.0
    why: str | None = None


@dataclass(slots=True)
class Delivery(Generic[T]):
    """What became of the rows of one batch, as far as it came."""

    verdicts: list[tuple[T, Verdict]] = field(default_factory=list)

    def send(self, rows: Sequence[T], call: Callable[[Sequence[T]], list[Verdict]]) -> None:
        """Send the rows; when they are refused as a whole, send halves of halves until the bad one stands alone.

        :raise RetryLater: :raise Paused: :raise OutOfCalls: what was answered before is kept.
        """
        try:
            self.verdicts += zip(rows, call(rows), strict=True)
        except BatchRefused as refused:
            if len(rows) == 1:
                self.verdicts.append((rows[0], _refusal(rows[0], str(refused))))
                return
            for half in rules.halves(rows):
                self.send(half, call)


def _refusal(row: Row | Happening, reason: str) -> Verdict:
    return Verdict(key=row.key if isinstance(row, Row) else row.id, status="refused", reason=reason)


def send_batch(outlet: Outlet) -> Outcome:
    """Send one batch of figures and one of events; safe to call at any time, from several workers at once."""
    outcome = Outcome()
    if not queries.has_turn(outlet.name):
        outcome.why = "another worker is sending"
        return outcome
    state = state_of(outlet.name)
    if outcome_of_rest := _resting(state):
        return outcome_of_rest
    calls = Calls(outlet, state)
    try:
        _send_figures(outlet, calls, outcome)
        _send_events(outlet, calls, outcome)
    except OutOfCalls as limit:
        _rest(state, limit.seconds)
        outcome.wait, outcome.why = limit.seconds, str(limit)
    except RetryLater as error:
        outcome.wait, outcome.why = _postpone(state, error, calls.rows), str(error)
    except Paused as error:
        pause_gateway(state, str(error))
        outcome.why = str(error)
    else:
        _all_is_well(outlet, state, calls)
    calls.settle()
    _count(state, outcome)
    outcome.more = outcome.more and not outcome.why
    return outcome


def _resting(state: GatewayState) -> Outcome | None:
    if state.paused_at is not None:
        return Outcome(why=state.why or "paused")
    if state.hold_until is not None and state.hold_until > now():
        return Outcome(wait=(state.hold_until - now()).total_seconds(), why=state.why or "resting")
    return None


def _send_figures(outlet: Outlet, calls: Calls, outcome: Outcome) -> None:
    """Send the figures of those who have waited longest."""
    limit = min(outlet.gateway.limits.rows, calls.state.narrowed or outlet.gateway.limits.rows)
    claim = queries.claim_wanted(outlet.name, limit)
    if claim is None:
        return
    batch = state_lane.compose(outlet, claim)
    delivery: Delivery[Row] = Delivery()
    try:
        if leaving := [*batch.to_forget, *batch.to_lift]:
            calls.take()
            outlet.gateway.forget(batch.kind, leaving)
            state_lane.note_forgotten(outlet.name, batch)
            state_lane.note_lifted(outlet.name, batch)
        if batch.rows:
            delivery.send(batch.rows, lambda rows: _called(calls, outlet.gateway.upsert, rows))
    except RetryLater:
        _blame(claim, batch, delivery, outlet)
        raise
    finally:
        arrived, refused = state_lane.note_delivery(outlet, batch, delivery.verdicts)
        outcome.arrived += arrived
        outcome.refused += refused
    outcome.unchanged += batch.unchanged
    outcome.taken_back += len(batch.to_forget)
    outcome.more = len(claim.subjects) >= limit or claim.kind == "account" or bool(batch.strayed)


def _blame(claim: queries.Claim, batch: state_lane.Batch, delivery: Delivery[Row], outlet: Outlet) -> None:
    """Count the try; a row that keeps failing alone is put aside so that the others go on."""
    if delivery.verdicts or not batch.rows:
        return
    if rules.gives_up(claim.tries + 1, len(batch.rows)):
        reason = f"failed {claim.tries + 1} times"
        delivery.verdicts.append((batch.rows[0], _refusal(batch.rows[0], reason)))
        log.warning("row put aside", gateway=outlet.name, kind=batch.kind, subject=batch.rows[0].key)
        return
    db.session.execute(update(Wanted).where(Wanted.id.in_(claim.marks)).values(tries=Wanted.tries + 1))


def _called(calls: Calls, call: Callable[[Sequence[T]], list[Verdict]], rows: Sequence[T]) -> list[Verdict]:
    calls.take()
    calls.rows = len(rows)
    return call(rows)


def _send_events(outlet: Outlet, calls: Calls, outcome: Outcome) -> None:
    """Send the oldest events of those whom the CRM knows; the others wait for their figures to arrive."""
    limit = min(outlet.gateway.limits.events, calls.state.narrowed or outlet.gateway.limits.events)
    events = queries.claim_events(outlet.name, limit)
    if not events:
        event_lane.want_unknown_subjects(outlet.name)
        return
    happenings = event_lane.compose(outlet, events)
    delivery: Delivery[Happening] = Delivery()
    try:
        if happenings:
            delivery.send(happenings, lambda rows: _called(calls, outlet.gateway.append, rows))
    except RetryLater:
        _blame_event(events, happenings, delivery)
        raise
    finally:
        arrived, refused = event_lane.note_delivery(outlet.name, events, delivery.verdicts)
        outcome.arrived += arrived
        outcome.refused += refused
    outcome.more = outcome.more or len(events) >= limit


def _blame_event(events: Sequence[CrmEvent], happenings: Sequence[Happening], delivery: Delivery[Happening]) -> None:
    if delivery.verdicts or not happenings:
        return
    tries = max(event.tries for event in events) + 1
    if rules.gives_up(tries, len(happenings)):
        delivery.verdicts.append((happenings[0], _refusal(happenings[0], f"failed {tries} times")))
        return
    for event in events:
        event.tries += 1


def _all_is_well(outlet: Outlet, state: GatewayState, calls: Calls) -> None:
    if calls.made:
        state.failures = state.suspects = 0
        state.narrowed = rules.widened(state.narrowed, outlet.gateway.limits.rows)
        state.checked_at = now()
        state.why = state.hold_until = None
    if outlet.gateway.rest > 0:
        _rest(state, outlet.gateway.rest)


def _rest(state: GatewayState, seconds: float) -> None:
    state.hold_until = now() + timedelta(seconds=seconds)


def _postpone(state: GatewayState, error: RetryLater, rows: int) -> float:
    """Hold the gateway for a pause that grows; a fault of its own makes the next batches smaller."""
    state.failures += 1
    if error.suspect:
        state.suspects += 1
        state.narrowed = rules.narrowed(rows, state.suspects, state.narrowed)
    state.failed += 1
    seconds = rules.pause(state.failures, error.after, random.random())  # noqa: S311 - jitter is no secret
    _rest(state, seconds)
    state.why = str(error)
    log.warning("crm away", gateway=state.name, error=str(error), pause=round(seconds, 1))
    return seconds


def pause_gateway(state: GatewayState, why: str) -> None:
    """Stop sending until somebody acts, and say so to those who listen."""
    if state.paused_at is None:
        publish(GatewayPaused(gateway=state.name, why=why))
    state.paused_at, state.why = now(), why


def _count(state: GatewayState, outcome: Outcome) -> None:
    state.sent += outcome.arrived
    state.nulled += outcome.taken_back
    if outcome.arrived:
        hour = now().replace(minute=0, second=0, microsecond=0)
        row = insert(HourlyRows).values(gateway=state.name, hour=hour, rows=outcome.arrived)
        more = {"rows": HourlyRows.rows + row.excluded.rows}
        db.session.execute(row.on_conflict_do_update(index_elements=["gateway", "hour"], set_=more))
