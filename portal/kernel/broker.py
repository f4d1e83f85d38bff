"""Valkey or Redis: carries work, never keeps it. When it is away, requests go on and work waits."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from flask import Flask, current_app
from prometheus_client import Counter
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

T = TypeVar("T")
log = structlog.get_logger(__name__)
PAUSE = 2.0
away = Counter("portal_broker_away_total", "Hand-overs to the broker that failed and were left to the sweep")


class _Breaker:
    """Remembers for a moment that the broker is away, so that each request need not find out anew."""

    open_until = 0.0


def broker() -> "Redis":
    """Return the client of the running application; workers and web share its settings, not its sockets."""
    client: Redis = current_app.extensions["redis"]
    return client


def with_broker(act: Callable[["Redis"], T]) -> T | None:
    """Do something with the broker if it is there; None when it is away, which is logged and counted."""
    breaker: _Breaker = current_app.extensions["broker_breaker"]
    if time.monotonic() < breaker.open_until:
        away.inc()
        return None
    try:
        return act(broker())
    except (RedisError, OSError) as error:
        breaker.open_until = time.monotonic() + PAUSE
        away.inc()
        log.warning("broker away; the sweep will hand over", error=str(error))
        return None


def init_app(app: Flask) -> None:
    """Prepare the connection; nothing is sent before the first use."""
    app.extensions["broker_breaker"] = _Breaker()
    app.extensions["redis"] = Redis.from_url(
        app.config["REDIS_URL"],
        socket_timeout=app.config.get("REDIS_TIMEOUT", 2.0),
        socket_connect_timeout=1.0,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=30,
    )
