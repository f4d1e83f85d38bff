"""Slow work with CRMs: sending, taking in, comparing. Every job can run twice: marks go only when rows arrived."""

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, current_app
from flask_babel import gettext as _

from portal.crm import queries
from portal.crm.events import GatewayResumed
from portal.crm.gateways.base import BatchRefused, Gateway, NotOffered, Paused, RetryLater
from portal.crm.gateways.tryton import TrytonGateway
from portal.crm.gateways.webhook import WebhookGateway
from portal.crm.services import comparing, marking, news, outlet, sending
from portal.crm.services.outlet import Outlet
from portal.kernel import projections
from portal.kernel.database import db
from portal.kernel.errors import Refused
from portal.kernel.jobs import job
from portal.kernel.outbox import publish
from portal.kernel.periodic import periodic
from portal.kernel.progress import LongRun, Progress

log = structlog.get_logger(__name__)
PROJECTION = "crm"
RECONCILE = "crm.reconcile"
AWAY = (RetryLater, BatchRefused)


def init_app(app: Flask) -> None:
    """Remember which gateways the settings ask for; each is made when it is first used."""
    app.extensions["crm"] = {}
    app.extensions["crm_checked"] = set()


def gateway_name(config: Mapping[str, Any]) -> str | None:
    """Return the gateway that the settings ask for, or None."""
    name = str(config.get("PORTAL_CRM") or "none").strip().lower()
    return None if name == "none" else name


def connected() -> list[str]:
    """Return the names of the gateways that the settings ask for, whether they can be reached or not."""
    name = gateway_name(current_app.config)
    return [] if name is None else [name]


def site() -> str:
    """Return the public address of this site."""
    return str(current_app.config.get("PORTAL_URL") or "").rstrip("/")


def outlets() -> dict[str, Outlet]:
    """Return the ways out that the settings ask for.

    :raise Refused: when the settings make no sense.
    """
    made: dict[str, Outlet] = current_app.extensions["crm"]
    name = gateway_name(current_app.config)
    if name is not None and name not in made:
        made[name] = connect(name, current_app.config)
    return dict(made)


def connect(name: str, config: Mapping[str, Any]) -> Outlet:
    """Return the way out by the settings.

    :raise Refused: when they make no sense.
    """
    return Outlet(
        gateway=_gateway(name, config),
        site=str(config.get("PORTAL_URL") or "").rstrip("/"),
        calls_a_day=int(config.get("PORTAL_CRM_CALLS_A_DAY") or 0),
        calls_a_second=float(config.get("PORTAL_CRM_CALLS_A_SECOND") or 0),
    )


def _gateway(name: str, config: Mapping[str, Any]) -> Gateway:
    url = str(config.get("PORTAL_CRM_URL") or "")
    if name not in {"tryton", "webhook"}:
        raise Refused(_("PORTAL_CRM is “%(name)s”; it can be tryton, webhook or none.", name=name))
    if not url:
        raise Refused(_("PORTAL_CRM is “%(name)s”, but PORTAL_CRM_URL is empty.", name=name))
    if name == "tryton":
        keys = ("PORTAL_CRM_DATABASE", "PORTAL_CRM_USER", "PORTAL_CRM_PASSWORD")
        database, user, password = (str(config.get(key) or "") for key in keys)
        return TrytonGateway(url, database, user, password)
    try:
        return WebhookGateway(
            url,
            str(config.get("PORTAL_CRM_SECRET") or ""),
            allow_private=str(config.get("PORTAL_CRM_ALLOW_PRIVATE") or "0") == "1",
        )
    except Exception as error:
        raise Refused(_("PORTAL_CRM_SECRET must be a secret of Standard Webhooks: whsec_ and base64.")) from error


def _fits(way_out: Outlet) -> bool:
    """Check once a process that the CRM has the fields that we send; without them it is paused, and nothing is lost."""
    checked: set[str] = current_app.extensions["crm_checked"]
    if way_out.name not in checked:
        try:
            why = outlet.why_unfit(way_out)
        except AWAY:
            return True
        if why is not None:
            sending.pause_gateway(outlet.state_of(way_out.name), why)
            return False
        checked.add(way_out.name)
    return True


@job(queue="crm")
def dispatch(name: str) -> None:
    """Send one batch to a gateway, and ask for the next while there is more."""
    way_out = outlets().get(name)
    if way_out is None or not _fits(way_out):
        return
    outcome = sending.send_batch(way_out)
    if outcome.more:
        dispatch.once(name, name)


@periodic(seconds=10, queue="crm")
def dispatch_what_waits() -> None:
    """Open gateways that are new, try paused ones, and send what waits, should a call have been lost."""
    for name, way_out in outlets().items():
        if marking.open_gateway(name):
            # From the first fact: what happened before this CRM was connected belongs to its lane of events, too.
            projections.rebuild(PROJECTION)
        _resume_if_possible(way_out)
        if queries.figures(name).pending:
            dispatch.once(name, name)


def _resume_if_possible(way_out: Outlet) -> None:
    state = outlet.state_of(way_out.name)
    if state.paused_at is None:
        return
    try:
        why = outlet.why_unfit(way_out)
    except AWAY as error:
        why = str(error)
    if why is None:
        resume(way_out.name)
    else:
        state.why = why


def resume(name: str) -> None:
    """Let a paused gateway send again."""
    state = outlet.state_of(name)
    state.paused_at = state.why = state.hold_until = None
    state.failures = state.suspects = 0
    state.narrowed = None
    publish(GatewayResumed(gateway=name))
    dispatch.once(name, name)


@periodic(seconds=60, queue="crm")
def take_news() -> None:
    """Take in what changed in the CRMs. A CRM that is away is asked again a minute later."""
    for name, way_out in outlets().items():
        try:
            taken = news.take_news(way_out)
        except (*AWAY, Paused) as error:
            db.session.rollback()
            log.info("no news", gateway=name, why=str(error))
        else:
            if taken.news:
                log.info("news", gateway=name, news=taken.news, members=taken.members)


@periodic(cron="40 2 * * *", queue="crm")
def reconcile_every_night() -> None:
    """Look at everybody anew, for some figures move with the days, and compare every CRM with what was sent to it."""
    for name in outlets():
        marking.want_everybody(name)
        reconcile.once(name, name, None)


@job(queue="crm")
def reconcile(name: str, run_id: int | None) -> None:
    """Compare one CRM with what was sent, field by field, and mend by the policy of each field."""
    progress = Progress(run_id)
    way_out = outlets().get(name)
    if way_out is None:
        return
    try:
        progress.begin("compare", queries.count_links(name))
        found = comparing.compare(way_out, tell=progress.tell)
        progress.finish(found.as_json())
    except (*AWAY, Paused, NotOffered) as error:
        progress.fail(error)
        return
    except BaseException as error:
        progress.fail(error)
        raise
    dispatch.once(name, name)


def ask_to_reconcile(name: str, *, asked_by: int | None) -> LongRun:
    """Promise a comparison; one that waits or runs already is joined."""
    from portal.kernel.progress import ask_for

    run = ask_for(RECONCILE, name, asked_by=asked_by)
    if run.state == "waiting":
        reconcile.once(f"run-{run.id}", name, run.id)
    return run


@job(queue="crm")
def look_back(name: str, kind: str, subject_id: int) -> None:
    """Read one contact or account back, for whoever looks at its fields."""
    way_out = outlets().get(name)
    if way_out is None:
        return
    try:
        comparing.look_back(way_out, "account" if kind == "account" else "contact", subject_id)
    except (*AWAY, Paused, NotOffered) as error:
        log.info("could not look back", gateway=name, why=str(error))


def dispatch_soon() -> None:
    """Promise a batch to every gateway that is connected here."""
    for name in marking.known_gateways():
        dispatch.once(name, name)
