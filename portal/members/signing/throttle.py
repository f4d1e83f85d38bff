"""Limits on what can be tried: counted in the broker for all processes, in memory while the broker is away."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from flask import Flask, current_app
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

from portal.kernel.broker import with_broker

SIGN_IN = RateLimitItemPerMinute(10, 5, namespace="sign-in")
"""Failed attempts an account, and an address, in five minutes."""
CODE = RateLimitItemPerMinute(6, 5, namespace="code")
"""Wrong codes of a second step an account, and an address, in five minutes: one in a thousand guesses a day hits."""
EVERYWHERE = RateLimitItemPerMinute(1500, 5, namespace="everywhere")
"""Failed attempts of all together in five minutes: whoever tries one password on a million accounts is stopped, too."""
SIGN_UP = RateLimitItemPerMinute(100, 60, namespace="sign-up")
"""New accounts an address in an hour."""

LINK = RateLimitItemPerMinute(5, 60, namespace="link")
"""Mailed links an account, and an address, in an hour."""


class _OneClient(RedisStorage):
    """Counts by the client that we use anyway; the library would load a second one besides."""

    DEPENDENCIES: ClassVar = {"redis": None}  # type: ignore[misc]


class Throttle:
    """Counts attempts by key."""

    def __init__(self, redis_url: str) -> None:
        storage = _OneClient(redis_url, wrap_exceptions=False, socket_timeout=1, socket_connect_timeout=1)
        self._shared = FixedWindowRateLimiter(storage)
        self._own = FixedWindowRateLimiter(MemoryStorage())

    def is_open(self, limit: RateLimitItem, keys: Iterable[str]) -> bool:
        """Return whether another attempt is allowed under every key."""
        return all(self._ask(_test(limit, key)) for key in keys)

    def count(self, limit: RateLimitItem, keys: Iterable[str]) -> None:
        """Count an attempt under every key."""
        for key in keys:
            self._ask(_hit(limit, key))

    def _ask(self, question: Callable[[FixedWindowRateLimiter], bool]) -> bool:
        answer = with_broker(lambda _broker: question(self._shared))
        return question(self._own) if answer is None else answer


def _test(limit: RateLimitItem, key: str) -> Callable[[FixedWindowRateLimiter], bool]:
    return lambda limiter: limiter.test(limit, key)


def _hit(limit: RateLimitItem, key: str) -> Callable[[FixedWindowRateLimiter], bool]:
    return lambda limiter: limiter.hit(limit, key)


def throttle() -> Throttle:
    """Return the running application's throttle."""
    found: Throttle = current_app.extensions["throttle"]
    return found


def init_app(app: Flask) -> None:
    """Prepare the counters; nothing is sent before the first attempt."""
    app.extensions["throttle"] = Throttle(app.config["REDIS_URL"])
