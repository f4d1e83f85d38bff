"""``portal crm``: look at the exchange with CRMs, and push it along."""

import json as jsonlib
import time
from collections.abc import Mapping
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup
from flask_babel import gettext as _

from portal.crm import jobs, queries
from portal.crm.gateways.base import BatchRefused, NotOffered, Paused, Planned, RetryLater
from portal.crm.rules import wanted_fields
from portal.crm.services import comparing, letters, marking, news, outlet, sending
from portal.crm.services.outlet import Outlet
from portal.kernel import projections
from portal.kernel.database import transaction
from portal.kernel.errors import Refused

LONGEST_WAIT = 5.0
PATIENCE = 60.0
IDLE_TURNS = 3
"""What is left after so many turns in which nothing moved waits for a person: events of a refused contact."""
crm = AppGroup("crm", help="The exchange with CRMs: fields, sending, dead letters, comparison.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
for_gateway = click.option("--gateway", help="Only this one.")


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(crm)


def _outlets(gateway: str | None = None) -> dict[str, Outlet]:
    found = {name: way for name, way in jobs.outlets().items() if gateway in {None, name}}
    if not found:
        raise Refused(_("No CRM is connected: set PORTAL_CRM to tryton or webhook, and PORTAL_CRM_URL."))
    return found


def _say(document: Mapping[str, Any], *, as_json: bool, text: str) -> None:
    click.echo(jsonlib.dumps(document, default=str) if as_json else text)


@crm.command()
@for_gateway
@as_json
def plan(gateway: str | None, *, as_json: bool) -> None:
    """Show which fields are missing in the CRM."""
    _show_plan({name: _asked(way.gateway.plan, wanted_fields()) for name, way in _outlets(gateway).items()}, as_json)


@crm.command()
@for_gateway
@as_json
def apply(gateway: str | None, *, as_json: bool) -> None:
    """Create the missing fields, as far as the CRM lets a program do that."""
    left = {name: _asked(way.gateway.apply, wanted_fields()) for name, way in _outlets(gateway).items()}
    _show_plan(left, as_json)
    if any(not field.there for fields in left.values() for field in fields):
        raise click.exceptions.Exit(1)


def _asked(ask: Any, *args: Any) -> Any:
    try:
        return ask(*args)
    except (RetryLater, BatchRefused, Paused, NotOffered) as error:
        raise Refused(str(error)) from error


def _show_plan(plans: Mapping[str, list[Planned]], as_json: bool) -> None:  # noqa: FBT001 - the flag as given
    document = {
        name: {
            "missing": [{"kind": f.kind, "field": f.name, "type": f.type} for f in fields if not f.there],
            "there": sum(field.there for field in fields),
        }
        for name, fields in plans.items()
    }
    lines = []
    for name, fields in plans.items():
        lines += [f"{name}: {sum(f.there for f in fields)} of {len(fields)} fields are there"]
        lines += [f"  + {f.kind}.{f.name} ({f.type})" for f in fields if not f.there]
    _say(document, as_json=as_json, text="\n".join(lines))


@crm.command()
@for_gateway
@click.option("--changed", is_flag=True, help="Only what is marked already; without it everybody is looked at again.")
@click.option(
    "--limit", type=float, default=PATIENCE, show_default=True, help="Seconds to wait for a CRM that is away."
)
@as_json
def sync(gateway: str | None, *, changed: bool, limit: float, as_json: bool) -> None:
    """Take in what is new, send what has changed, and wait until it has arrived."""
    ways = _outlets(gateway)
    for name, way in ways.items():
        _open(name, everybody=not changed)
        _take_news(way)
        _drain(way, limit)
    _show_status(list(ways), as_json)
    if any(queries.figures(name).pending for name in ways):
        raise click.exceptions.Exit(1)


def _open(name: str, *, everybody: bool) -> None:
    """Bring the marks up to date with the record before sending."""
    with transaction():
        new = marking.open_gateway(name)
        if everybody and not new:
            marking.want_everybody(name)
    if new:
        projections.rebuild(jobs.PROJECTION)
    else:
        projections.advance(jobs.PROJECTION)
    with transaction():
        state = outlet.state_of(name)
        state.paused_at = state.hold_until = state.why = None


def _take_news(way: Outlet) -> None:
    try:
        with transaction():
            taken = news.take_news(way)
        click.echo(f"{way.name}: {taken.news} news of {taken.seen}", err=True)
    except (RetryLater, BatchRefused, Paused) as error:
        click.echo(f"{way.name}: no news, {error}", err=True)


def _drain(way: Outlet, patience: float) -> None:
    deadline, idle = time.monotonic() + patience, 0
    while idle < IDLE_TURNS:
        with transaction():
            outcome = sending.send_batch(way)
        if outcome.arrived or outcome.refused:
            click.echo(f"{way.name}: {outcome.arrived} arrived, {outcome.refused} refused", err=True)
        if outcome.more:
            continue
        moved = outcome.arrived + outcome.refused + outcome.unchanged + outcome.taken_back
        idle = 0 if moved or outcome.why else idle + 1
        with transaction():
            left = queries.figures(way.name)
        if not left.pending or left.state == "paused" or time.monotonic() + outcome.wait > deadline:
            if outcome.why:
                click.echo(f"{way.name}: {outcome.why}", err=True)
            return
        time.sleep(min(max(outcome.wait, 0.05), LONGEST_WAIT))


@crm.command()
@as_json
def status(*, as_json: bool) -> None:
    """Say what is pending, sent, failed, dead, how late and how far apart."""
    _show_status(sorted({*jobs.outlets(), *marking.known_gateways()}), as_json)


def _show_status(names: list[str], as_json: bool) -> None:  # noqa: FBT001 - the flag as given
    found = [queries.figures(name) for name in names]
    lines = [
        f"{f.name}: {f.state}, {f.pending} pending, {f.sent} sent, {f.failed} failed, {f.dead} dead, "
        f"{f.lag_seconds:.0f} s late, drift {'not known' if f.drift is None else f.drift}"
        + (f" ({f.why})" if f.why else "")
        for f in found
    ]
    document = {f.name: f.as_json() for f in found}
    _say(document, as_json=as_json, text="\n".join(lines) or "No CRM is connected.")


@crm.command()
@for_gateway
@click.option("--dry-run", is_flag=True, help="Compare only, mend nothing.")
@as_json
def reconcile(gateway: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Compare the CRM with what was sent, mend what differs, and compare again."""
    found = {}
    for name, way in _outlets(gateway).items():
        try:
            with transaction():
                first = comparing.compare(way, repair=not dry_run)
            if first.mended:
                _drain(way, PATIENCE)
                with transaction():
                    first.drift = comparing.compare(way, repair=False).drift
        except NotOffered as error:
            click.echo(f"{name}: {error}", err=True)
            continue
        except (RetryLater, BatchRefused, Paused) as error:
            raise Refused(f"{name}: {error}") from error
        found[name] = first
    lines = [
        f"{name}: {c.compared} compared, {len(c.differences)} differences, {c.mended} sent again, "
        f"{c.taken} values taken over, drift {c.drift}"
        for name, c in found.items()
    ]
    _say({name: c.as_json() for name, c in found.items()}, as_json=as_json, text="\n".join(lines))


@crm.command()
@click.argument("ids", nargs=-1, type=int)
@for_gateway
@as_json
def replay(ids: tuple[int, ...], gateway: str | None, *, as_json: bool) -> None:
    """Send dead letters again: those with these numbers, or all."""
    with transaction():
        replayed = letters.replay(gateway=gateway, ids=ids)
    for name, way in jobs.outlets().items():
        if name in replayed:
            _drain(way, PATIENCE)
    document = {name: {"replayed": replayed.count(name), "dead": queries.count_dead(name)} for name in set(replayed)}
    lines = [f"{name}: {d['replayed']} sent again, {d['dead']} dead" for name, d in document.items()]
    _say(document, as_json=as_json, text="\n".join(lines) or "There are no dead letters.")
