"""What `portal up` does inside the application before it serves: migrate, load the demo community, find topics."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import inspect, text

from portal.kernel.database import db

LOCK = 7_203_114


@contextmanager
def step(name: str) -> Iterator[None]:
    """Tell the supervisor what was done, and the seconds that it took."""
    began = time.monotonic()
    yield
    tell(text=name, seconds=round(time.monotonic() - began, 2))


def tell(**said: object) -> None:
    """Print one line for the supervisor."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def migrate_if_behind(app: Flask) -> None:
    """Bring an embedded database up to date before a command uses it."""
    with app.app_context():
        wanted = set(ScriptDirectory(app.extensions["migrate"].directory).get_heads())
        with db.engine.connect() as link:
            known = inspect(link).has_table("alembic_version")
            found = set(link.scalars(text("SELECT version_num FROM alembic_version"))) if known else set()
        if found != wanted:
            migrate()


def migrate() -> None:
    """Bring the database up to the newest migration; two at once wait for each other."""
    with db.engine.connect() as waiting:
        waiting.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        try:
            upgrade()
        finally:
            waiting.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
