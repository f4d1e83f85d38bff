"""Real PostgreSQL and Valkey for the tests: those of the environment, else embedded ones for this run.

All processes of one run (pytest-xdist) share them; the last one to stop ends them and removes their folder.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from portal.local.places import places
from portal.local.services import Services as Embedded


@dataclass(frozen=True, slots=True)
class Services:
    """Where the servers are, and what to call when done with them."""

    database_url: str
    redis_url: str
    stop: Callable[[], None]


def start() -> Services:
    """Have a database server and a broker at hand; call `stop` at the end of the session."""
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if database_url and redis_url:
        return Services(database_url, redis_url, lambda: None)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"alone-{os.getpid()}"
    place = places(Path(tempfile.gettempdir()) / f"portal-tests-{os.getuid()}-{run[:12]}")
    embedded = Embedded(place, fast=True)
    embedded.take()

    def stop() -> None:
        if embedded.release():
            shutil.rmtree(place.data, ignore_errors=True)

    return Services(database_url or place.database_url, redis_url or place.redis_url, stop)
