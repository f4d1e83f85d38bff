"""Everything that is held on a member, as one document and her files: to read, to keep, to bring elsewhere.

Her rows come table by table as `portal.kernel.personal` declares them. Of what others own comes only what hers hangs
on (the *context*: the board, the title of the idea that she voted on), so that an import has something to hang it on.
"""

import base64
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from flask import current_app
from sqlalchemy import Table, select

from portal.kernel import personal
from portal.kernel.clock import now
from portal.kernel.database import Model, db
from portal.kernel.progress import Progress
from portal.members import queries

FORMAT = 1
DOCUMENT = "member.json"
FILES = "files"
PEOPLE = frozenset({"actor_id", "author_id", "asker_id", "member_id", "by_id", "voter_id"})
T = TypeVar("T")
Row = dict[str, Any]
Thing = tuple[str, int]


def document(member_id: int, progress: Progress | None = None) -> dict[str, Any]:
    """Return everything that is held on a member, as JSON-ready values.

    :raise NotFound: when there is no such member.
    """
    queries.member_for_update(member_id)
    exported = [one for one in personal.tables().values() if one.export]
    records = {
        str(one.export): [as_json(row) for row in rows_of(one, member_id)]
        for one in (progress.over(exported, "records") if progress else exported)
    }
    return {
        "format": FORMAT,
        "portal": current_app.config["PORTAL_URL"],
        "made_at": now().isoformat(),
        "member_id": member_id,
        "records": records,
        "context": {name: list(map(as_json, rows)) for name, rows in _context(records).items()},
        "files": sorted(file.name for file in files_of(member_id)),
        "left_out": {one.name: one.why for one in personal.tables().values() if not one.export},
    }


def write(member_id: int, target: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Write the document and the files of a member into one file that only this user can read; return its sizes."""
    said = document(member_id, progress)
    target.touch(mode=0o600)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr(DOCUMENT, json.dumps(said, ensure_ascii=False, indent=1))
        files = list(files_of(member_id))
        for file in progress.over(files, "files") if progress else files:
            box.write(file.path, f"{FILES}/{file.name}")
    counts = {name: len(rows) for name, rows in said["records"].items() if rows}
    return {"records": counts, "files": len(files), "bytes": target.stat().st_size}


def files_of(member_id: int) -> Iterator[personal.ExportedFile]:
    """Yield a member's files that are there."""
    for find in personal.file_finders():
        yield from (file for file in find(member_id) if file.path.is_file())


def table_of(name: str) -> Table:
    """Return a table by name."""
    return Model.metadata.tables[name]


def rows_of(declared: personal.Table, member_id: int) -> Iterator[Row]:
    """Yield a member's rows of one table, in order, without what no export shows."""
    table = table_of(declared.name)
    if (find := personal.row_finder(declared.name)) is not None:
        found: Iterable[Mapping[Any, Any]] = find(member_id)
    else:
        mine = select(table).where(table.c[str(declared.owner)] == member_id)
        rows = db.session.execute(mine.order_by(*table.primary_key.columns))
        found = (row._mapping for row in rows)  # noqa: SLF001 - its public name
    for row in found:
        yield {str(name): value for name, value in row.items() if name not in declared.secret}


def as_json(row: Mapping[str, Any]) -> Row:
    """Return a row as JSON-ready values: times as ISO 8601, bytes as base 64."""
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, Decimal):
        return float(value)
    return value


# What hers hangs on


def _context(records: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """Return the rows of others that hers point to, and those that these point to in turn."""
    here = {
        (one.name, row["id"])
        for one in personal.tables().values()
        for row in records.get(one.export or "", ())
        if "id" in row
    }
    wanted = {thing for one in personal.tables().values() for thing in _things(one, records.get(one.export or "", ()))}
    found: dict[str, dict[int, Row]] = defaultdict(dict)
    while missing := {thing for thing in wanted - here if thing[1] not in found[thing[0]]}:
        wanted = set()
        for name, ids in _by_name(missing).items():
            rows = _read(name, ids)
            found[name].update({number: rows.get(number, {}) for number in ids})
            wanted |= set(pointers(name, rows.values()))
    return {name: [row for row in rows.values() if row] for name, rows in sorted(found.items()) if any(rows.values())}


def _by_name(things: Iterable[Thing]) -> dict[str, set[int]]:
    by_name: dict[str, set[int]] = defaultdict(set)
    for name, number in things:
        by_name[name].add(number)
    return by_name


def _things(declared: personal.Table, rows: Iterable[Row]) -> Iterator[Thing]:
    yield from pointers(declared.name, rows)
    if declared.name == "activity":
        for row in rows:
            yield from ((name, number) for name, number in named_in(row["payload"]) if context_of(name))


def pointers(name: str, rows: Iterable[Row]) -> Iterator[Thing]:
    """Yield the things that rows of a table point to, members aside: by foreign keys, kinds and declared columns."""
    ways = ways_of(name)
    declared = personal.table(name)
    for row in rows:
        for column, other in ways.items():
            if (number := row.get(column)) is not None and context_of(other):
                yield other, number
        for kind, number_column in declared.things if declared else ():
            if row.get(number_column) is not None and context_of(str(row.get(kind))):
                yield str(row[kind]), row[number_column]


def ways_of(name: str) -> dict[str, str]:
    """Return the columns of a table that point to rows of others than members, with the table they point to."""
    table, declared = table_of(name), personal.table(name)
    keys = {
        column.name: key.column.table.name
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name != "member" and key.column.name == "id"
    }
    return {**keys, **(declared.refs if declared else {})}


def named_in(payload: Any) -> Iterator[Thing]:
    """Yield the things that an event's payload names: ``idea_id``, or ``target_kind`` with ``target_id``."""
    if isinstance(payload, dict):
        for name, value in payload.items():
            kind = payload.get("target_kind") if name == "target_id" else name.removesuffix("_id")
            known = name.endswith("_id") and name not in PEOPLE and isinstance(value, int)
            if known and isinstance(kind, str) and kind in Model.metadata.tables:
                yield kind, value


def context_of(name: str) -> tuple[str, ...]:
    """Return the columns of somebody else's row that may come with an export."""
    declared, nobodys = personal.table(name), personal.impersonal().get(name)
    return declared.context if declared else nobodys.context if nobodys else ()


def _read(name: str, ids: Iterable[int]) -> dict[int, Row]:
    table = table_of(name)
    columns = [table.c.id, *(table.c[column] for column in context_of(name))]
    rows = db.session.execute(select(*columns).where(table.c.id.in_(set(ids)))).mappings()
    return {row["id"]: dict(row) for row in rows}
