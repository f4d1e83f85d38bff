"""What `portal up` does inside the application before it serves: migrate, load the demo community, find topics."""

import json
import sys

from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask_migrate import upgrade
from sqlalchemy import inspect, text

from portal.analytics.topics import facade as topics
from portal.demo import loader
from portal.kernel import projections
from portal.kernel.database import db, transaction
from portal.members import queries
from portal.notifications import facade as notifications

LOCK = 7_203_114
RECALLED_DAYS = 14
SHOWN = ("members", "ideas", "votes", "comments", "questions", "answers")


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


def load_demo() -> None:
    """Load the demo community into an empty portal, and bring everything that is counted up to date."""
    if not loader.is_loaded():
        with current_app.test_request_context():  # what one request may remember, five thousand acts need not ask
            counts = loader.load()
        told = ", ".join(f"{counts[name]} {name}" for name in SHOWN if counts.get(name))
        tell(text=f"the demo community: {told}")
        with transaction():
            known = [queries.member_id_by_email(email) for _name, email, _word in loader.log_ins()]
            notifications.recall(RECALLED_DAYS, [who for who in known if who is not None])
    projections.advance_all()
    tell(text="everything counted")


def train() -> None:
    """Find the topics of everything that is there."""
    found = topics.train_everything()
    told = ", ".join(f"{number} in {what}" for what, number in found.items())
    tell(text=f"topics found: {told or 'there is too little to read yet'}")


def people() -> list[tuple[str, str, str]]:
    """Return who of the demo community can sign in; nobody where it was never loaded."""
    return [row for row in loader.log_ins() if queries.member_id_by_email(row[1])]
