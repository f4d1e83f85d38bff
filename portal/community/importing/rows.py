"""Adding many rows by one statement that the database has seen before: the rows travel as one JSON document."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import text

from portal.kernel.database import db


def add_rows(
    table: str,
    columns: Mapping[str, str],
    rows: Iterable[Mapping[str, Any]],
    *,
    conflict: str = "",
    returning: str = "",
) -> Sequence[Any]:
    """Insert rows and return what is asked for of those that are new.

    :param columns: name and type of each column that the rows hold; table and names are the caller's own words.
    :param conflict: columns of a unique key; rows that are there already are left as they are.
    """
    statement = _statement(table, tuple(columns.items()), conflict, returning)
    found = db.session.execute(text(statement), {"rows": json.dumps(list(rows), default=str)})
    return found.all() if returning else ()


@lru_cache(maxsize=64)
def _statement(table: str, columns: tuple[tuple[str, str], ...], conflict: str, returning: str) -> str:
    names = ", ".join(name for name, _ in columns)
    shapes = ", ".join(f"{name} {kind}" for name, kind in columns)
    known = f" ON CONFLICT ({conflict}) DO NOTHING" if conflict else ""
    back = f" RETURNING {returning}" if returning else ""
    source = f"SELECT {names} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS rows ({shapes})"
    return f"INSERT INTO {table} ({names}) {source}{known}{back}"


def new_ids(table: str, count: int) -> list[int]:
    """Return ids that the table's sequence will not give to anybody else."""
    wanted = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)")
    return list(db.session.scalars(wanted, {"table": table, "count": count}))
