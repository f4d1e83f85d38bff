"""The roof: the one place that knows every feature and wires them together."""

import importlib
import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import Migrate

from portal import config
from portal.kernel import addresses, broker, database, logs, periodic, progress, projections
from portal.kernel.database import TransactionalFlask, db

ROOT = Path(__file__).resolve().parent.parent
# From the ground up. A feature that has something to say to the application has an `init_app(app)` in its rooms
# `views`, `api` or `cli`, in `session` for members, and declares listeners, projections and jobs on import.
FEATURES = (
    "members",
    "members.signing",
    "members.guests",
    "members.inviting",
    "members.privacy",
    "community",
    "ideas",
    "support",
    "search",
    "analytics",
    "analytics.topics",
    "analytics.reputation",
    "moderation",
    "crm",
    "notifications",
    "web",
    "api",
    "demo",
    "local",
)
ROOMS = ("models", "personal", "listeners", "projections", "jobs", "session", "views", "api")


def create_app(environ: Mapping[str, str] | None = None, *, commands: bool = True, **overrides: Any) -> Flask:
    """Build the portal from the environment; ``overrides`` are settings of Flask, for tests.

    :param commands: wire the command line, too. Servers of pages leave it out, and what it imports.
    """
    app = TransactionalFlask(
        "portal",
        root_path=str(ROOT / "portal"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.from_mapping(config.load(os.environ if environ is None else environ))
    app.config.from_mapping(overrides)
    logs.init_app(app)
    addresses.init_app(app)
    broker.init_app(app)
    database.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), compare_type=True)
    for feature in FEATURES:
        _wire(app, feature, (*ROOMS, "cli") if commands else ROOMS)
    return app


def _wire(app: Flask, feature: str, rooms: Sequence[str]) -> None:
    """Import a feature's rooms and let those that wish meet the application."""
    for room in rooms:
        name = f"portal.{feature}.{room}"
        if _exists(name):
            module = importlib.import_module(name)
            if hasattr(module, "init_app"):
                module.init_app(app)


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


__all__ = ["FEATURES", "create_app", "periodic", "progress", "projections"]
