"""Boards as files, in the formats that an import reads: what leaves here comes in again as the same board.

People stand in these files by a number or by the id that their source gave them; names are in the export of
members alone. A cell of CSV that a spreadsheet would take for a formula gets an apostrophe, which an import takes off.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from portal.kernel.database import db

Record = Mapping[str, Any]
Reader = Callable[[int, str], Iterable[Record]]
FORMATS = ("jsonl", "csv")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
GUARD = "'"
CHUNK = 1000
_readers: dict[str, tuple[Reader, str, tuple[str, ...]]] = {}


def exports(kind: str, *, board_type: str, columns: tuple[str, ...]) -> Callable[[Reader], Reader]:
    """Declare what yields the records of a kind: board's id and key in, records out. ``columns`` are those of CSV."""

    def register(reader: Reader) -> Reader:
        _readers[kind] = (reader, board_type, columns)
        return reader

    return register


def kinds() -> list[str]:
    """Return what can be exported."""
    return sorted(_readers)


def kinds_of(board_type: str) -> list[str]:
    """Return what can be exported of a board of this type."""
    return sorted(kind for kind, (_reader, wanted, _columns) in _readers.items() if wanted in {board_type, ""})


def lines(kind: str, board_id: int, board_key: str, fmt: str) -> Iterator[str]:
    """Yield the lines of a file, as it is read from the database."""
    reader, _type, columns = _readers[kind]
    records = reader(board_id, board_key)
    return (
        _csv(records, columns)
        if fmt == "csv"
        else (f"{json.dumps(_plain(one), ensure_ascii=False)}\n" for one in records)
    )


def _plain(record: Record) -> dict[str, Any]:
    return {name: moment(value) if isinstance(value, datetime) else value for name, value in record.items()}


def moment(at: datetime) -> str:
    """Return a time as an import reads it, to the microsecond."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _csv(records: Iterable[Record], columns: tuple[str, ...]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for record in records:
        writer.writerow([guarded(_plain(record).get(name)) for name in columns])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def guarded(value: Any) -> str:
    """Return a cell that no spreadsheet takes for a formula: also not one whose text begins with an apostrophe."""
    if value is None:
        return ""
    cell = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{GUARD}{cell}" if cell.startswith((*FORMULA, GUARD)) else cell


def unguarded(cell: str) -> str:
    """Return what a guarded cell stands for."""
    return cell[1:] if cell.startswith(GUARD) and cell[1:2] in {*FORMULA, GUARD} else cell


def author_of(row: Any, board_key: str) -> str:
    """Return who wrote something, as an import of the same board knows it: the source's id, or a number."""
    return (
        str(row.external_author)
        if row.author_origin == board_key and row.external_author
        else f"member-{row.author_id}"
    )


_MEMBERS = text("""
    SELECT m.id AS author_id, m.external_origin AS author_origin, m.external_id AS external_author, m.name, m.kind,
        m.joined_at, o.name AS organisation
    FROM member m LEFT JOIN organisation o ON o.id = m.organisation_id
    WHERE m.erased_at IS NULL AND m.id IN (
        SELECT author_id FROM idea WHERE board_id = :board UNION SELECT author_id FROM question WHERE board_id = :board
        UNION SELECT author_id FROM answer WHERE board_id = :board
        UNION SELECT author_id FROM comment WHERE board_id = :board)
    ORDER BY m.id""")


@exports("members", board_type="", columns=("id", "name", "kind", "organisation", "joined_at"))
def members_of(board_id: int, board_key: str) -> Iterator[Record]:
    """Yield who wrote on a board."""
    for row in db.session.execute(_MEMBERS, {"board": board_id}):
        yield {
            "id": author_of(row, board_key),
            "name": row.name,
            "kind": row.kind,
            "organisation": row.organisation,
            "joined_at": row.joined_at,
        }
