"""Is it alive, is it ready, what does it count: for supervisors, load balancers and Prometheus."""

import os
import time
from hmac import compare_digest
from ipaddress import ip_address
from typing import Any

from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from portal.crm import facade as crm
from portal.kernel import projections
from portal.kernel.broker import broker
from portal.kernel.database import db, is_reachable, rollback
from portal.kernel.errors import Forbidden
from portal.members.policy import access, anyone
from portal.web.language import reader

health = Blueprint("health", __name__)
requests = Counter("portal_requests_total", "Requests answered", ("endpoint", "method", "status"))
seconds = Histogram(
    "portal_request_seconds",
    "Time to answer a request",
    ("endpoint",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


def init_app(app: Flask) -> None:
    """Count requests and answer those who watch."""
    app.register_blueprint(health)
    app.after_request(_count)


@health.get("/livez")
@access(anyone)
def livez() -> ResponseReturnValue:
    """Say that this process answers; asks nothing else."""
    return jsonify(status="alive")


@health.get("/readyz")
@access(anyone)
def readyz() -> ResponseReturnValue:
    """Say whether pages can be served, and how far each consumer is behind.

    Only the database decides: without the broker work waits, and the site goes on.
    """
    checks: dict[str, Any] = {"database": _database(), "broker": _broker()}
    if checks["database"] == "ready":
        checks["migrations"] = _migrations()
        checks["lag"] = _lags() if checks["migrations"] == "ready" else {}
        checks["crm"] = _crms() if checks["migrations"] == "ready" else {}
    ready = checks["database"] == "ready" and checks["migrations"] == "ready"
    response = jsonify(status="ready" if ready else "not ready", **checks)
    if not ready:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return response


@health.get("/metrics")
@access(anyone)
def metrics() -> ResponseReturnValue:
    """Give Prometheus the counters of all processes; for this machine, a token holder's scraper, or an admin."""
    if not _may_scrape():
        raise Forbidden(_("Metrics are for this machine and for administrators."))
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    own = CollectorRegistry()
    own.register(_Lags())
    return Response(generate_latest(registry) + generate_latest(own), content_type=CONTENT_TYPE_LATEST)


class _Lags:
    """The lag of each projection, read when asked."""

    def collect(self) -> list[GaugeMetricFamily]:
        """Return facts waiting and the age of the oldest, by projection; nothing while the database is away."""
        waiting = GaugeMetricFamily("portal_lag_facts", "Facts a projection has not read", labels=["projection"])
        age = GaugeMetricFamily("portal_lag_seconds", "Age of the oldest unread fact", labels=["projection"])
        try:
            lags = projections.lags()
        except SQLAlchemyError:
            rollback()
            return []
        for name, lag in lags.items():
            waiting.add_metric([name], lag.facts)
            age.add_metric([name], lag.seconds)
        return [waiting, age, *self._crms()]

    @staticmethod
    def _crms() -> list[GaugeMetricFamily]:
        """Return what waits for each CRM and what it refused, by gateway."""
        families = {
            "pending": GaugeMetricFamily("portal_crm_pending", "Rows and events that wait", labels=["gateway"]),
            "dead": GaugeMetricFamily("portal_crm_dead", "Rows and events refused", labels=["gateway"]),
            "lag_seconds": GaugeMetricFamily("portal_crm_lag_seconds", "Age of the oldest", labels=["gateway"]),
        }
        for name in crm.known_gateways():
            found = crm.figures(name)
            for figure, family in families.items():
                family.add_metric([name], getattr(found, figure))
        return list(families.values())


def _may_scrape() -> bool:
    token = current_app.config.get("PORTAL_METRICS_TOKEN")
    if token and compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()):
        return True
    if reader().has_role():
        return True
    forwarded = "X-Forwarded-For" in request.headers
    return not forwarded and ip_address(request.remote_addr or "0.0.0.0").is_loopback  # noqa: S104


def _database() -> str:
    try:
        is_reachable()
    except SQLAlchemyError:
        rollback()
        return "away"
    return "ready"


def _broker() -> str:
    try:
        broker().ping()
    except (RedisError, OSError):
        return "away"
    return "ready"


def _migrations() -> str:
    try:
        found = set(db.session.scalars(text("SELECT version_num FROM alembic_version")))
    except DBAPIError:
        rollback()
        return "missing"
    folder = current_app.extensions["migrate"].directory
    wanted = current_app.extensions.setdefault("portal_heads", set(ScriptDirectory(folder).get_heads()))
    return "ready" if found == wanted else "behind"


def _lags() -> dict[str, dict[str, Any]]:
    return {
        name: {"facts": lag.facts, "seconds": round(lag.seconds, 3), "paused": lag.paused, "error": lag.error}
        for name, lag in projections.lags().items()
    }


def _crms() -> dict[str, dict[str, Any]]:
    found = {name: crm.figures(name) for name in crm.known_gateways()}
    return {
        name: {"pending": one.pending, "seconds": round(one.lag_seconds, 3), "paused": one.state == "paused"}
        for name, one in found.items()
    }


def _count(response: Response) -> Response:
    endpoint = request.endpoint or "none"
    requests.labels(endpoint, request.method, response.status_code).inc()
    if "began" in g:
        seconds.labels(endpoint).observe(time.perf_counter() - g.began)
    return response
