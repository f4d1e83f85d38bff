"""Runs the migrations inside the application's database, each step in one transaction."""

import warnings

from alembic import context
from flask import current_app

warnings.filterwarnings("ignore", "Did not recognize type .xid8.")
database = current_app.extensions["migrate"].db


def is_ours(thing: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:  # noqa: ARG001, FBT001
    """Leave out the record's monthly partitions: they are made by the month, not by migrations."""
    return not (kind == "table" and name is not None and name.startswith("activity_"))


def run() -> None:
    """Upgrade or compare over one connection."""
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            include_object=is_ours,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
