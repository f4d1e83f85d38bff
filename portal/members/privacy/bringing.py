"""Bringing an exported member into this portal: her rows under new numbers, hung on what they hung on before.

What others own is found by what it is known by (a board by its key) or made as a stub with what the export says of
it, owned by a nameless member. Rows that are worked out are not brought: the record is, and they follow from it.
"""

import json
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Column, Table, func, insert, select

from portal.kernel import personal
from portal.kernel.clock import now
from portal.kernel.database import Model, after_commit, db
from portal.kernel.errors import Invalid
from portal.kernel.outbox import wake
from portal.members import queries, services
from portal.members.privacy.exporting import DOCUMENT, FILES, FORMAT, PEOPLE, ways_of

Row = dict[str, Any]
MOST_BYTES = 2_000_000_000
SOMEBODY = "somebody"
ORIGIN = "member import"


@dataclass(slots=True)
class Arrival:
    """What has been brought so far: the new number of each row, and what could not be hung on anything."""

    member_id: int
    somebody_id: int
    people: dict[int, int]
    ids: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    brought: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def read(path: Path) -> dict[str, Any]:
    """Return the document of an exported file.

    :raise Invalid: when it is not such a file.
    """
    try:
        with zipfile.ZipFile(path) as box:
            said: dict[str, Any] = json.loads(box.read(DOCUMENT))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise Invalid(_("%(path)s is not an export of a member.", path=path.name)) from error
    if said.get("format") != FORMAT:
        raise Invalid(_("%(path)s was exported by another version of the portal.", path=path.name))
    return said


def bring(path: Path, *, trusted: bool = False) -> dict[str, Any]:
    """Bring an exported member here; return her number, what was brought and what is missing.

    :param trusted: the file comes from a portal of ours, by safe hands. Otherwise whoever made it could have written
        anything into it: roles, kind, segments and what was proven elsewhere are then left out, and must be given anew.
    :raise Invalid: when the file is not an export, or somebody here has her address already.
    """
    said = read(path)
    if not trusted:
        _disbelieve(said["records"])
    arrival = _arrive(said)
    rows = _rows_by_table(said)
    for table in _in_order():
        for row in said["context"].get(table.name, ()):
            _hang_stub(table, row, arrival)
        for row in sorted(rows.get(table.name, ()), key=lambda one: one.get("id") or 0):
            _bring_row(table, row, arrival)
    db.session.flush()
    records = {name: [_renumbered(row, arrival) for row in some] for name, some in said["records"].items()}
    brought = personal.Brought(arrival.member_id, arrival.ids, records)
    for act in personal.bringers():
        act(brought)
    _place_files(path)
    after_commit(wake, key="wake")
    return {"id": arrival.member_id, "records": arrival.brought, "missing": arrival.missing}


def _in_order() -> list[Table]:
    """Return the tables so that what is pointed to comes first: by keys, then by kinds, then the record of all."""
    places = {table.name: place for place, table in enumerate(Model.metadata.sorted_tables)}

    def rank(table: Table) -> tuple[bool, bool, int]:
        declared = personal.table(table.name)
        return table.name == "activity", bool(declared and declared.things), places[table.name]

    return sorted(Model.metadata.sorted_tables, key=rank)


def _disbelieve(records: dict[str, list[Row]]) -> None:
    """Take out of an export what gives rights, or says what was proven; the record proves nothing either."""
    for who in records["member"]:
        who.update({"kind": "customer", "roles": [], "segments": [], "email_verified_at": None, "crm": {}})
        who.update({name: False for name in ("organisation_admin",) if name in who})
        who["organisation_id"] = None
    for identity in records.get("identities", ()):
        identity["verified"] = False
    for line in records.get("vote_ledger", ()):
        line["verified"] = False
    records["activity"] = []


def _arrive(said: Mapping[str, Any]) -> Arrival:
    (who,) = said["records"]["member"]
    if who.get("email") and queries.member_id_by_email(who["email"]) is not None:
        raise Invalid(_("Somebody here has the address %(email)s already.", email=who["email"]))
    table = Model.metadata.tables["member"]
    organisation = _organisation(said, who.get("organisation_id"))
    values = {name: value for name, value in who.items() if name in table.c and name not in {"id", "organisation_id"}}
    pointing = {column.name for column in table.columns if column.foreign_keys}
    values = {name: _typed(table.c[name], value) for name, value in values.items() if name not in pointing}
    made = insert(table).values(**values, organisation_id=organisation).returning(table.c.id)
    member_id = db.session.execute(made).scalar_one()
    somebody = services.placeholders_for(ORIGIN, [SOMEBODY], names={SOMEBODY: _("Somebody")})[SOMEBODY]
    arrival = Arrival(member_id, somebody, {said["member_id"]: member_id})
    arrival.ids["member"][said["member_id"]] = member_id
    arrival.brought["member"] = 1
    return arrival


def _organisation(said: Mapping[str, Any], old: int | None) -> int | None:
    """Return the organisation of the same name here, making it when there is none."""
    row = next((one for one in said["context"].get("organisation", ()) if one["id"] == old), None)
    if row is None:
        return None
    table = Model.metadata.tables["organisation"]
    found = db.session.scalar(select(table.c.id).where(table.c.name == row["name"]).limit(1))
    return found or _insert(table, {**{n: v for n, v in row.items() if n != "id"}, "note": ""})


def _rows_by_table(said: Mapping[str, Any]) -> dict[str, list[Row]]:
    return {
        one.name: said["records"].get(one.export, [])
        for one in personal.tables().values()
        if one.export and one.again and one.name != "member"
    }


def _hang_stub(table: Table, row: Row, arrival: Arrival) -> None:
    """Find what somebody else's row is here, or make a stub of it; its number is remembered."""
    nobodys = personal.impersonal().get(table.name)
    if nobodys and nobodys.known_by:
        same = [table.c[name] == _typed(table.c[name], row[name]) for name in nobodys.known_by]
        found = db.session.scalar(select(table.c.id).where(*same).limit(1))
        if found is not None:
            arrival.ids[table.name][row["id"]] = found
            return
    values = _renumbered(row, arrival, table)
    if values is not None and (number := _insert(table, {**_needed(table, arrival), **values})) is not None:
        arrival.ids[table.name][row["id"]] = number


def _needed(table: Table, arrival: Arrival) -> Row:
    """Return what a stub must have: an owner without a name, empty texts, this moment."""
    declared = personal.table(table.name)
    owners = {declared.owner: arrival.somebody_id} if declared and declared.owner else {}
    needed = {
        column.name: _empty(column)
        for column in table.columns
        if not column.nullable and column.server_default is None and not column.primary_key
    }
    return {**needed, **owners}


def _empty(column: Column[Any]) -> Any:
    if column.type.python_type is datetime:
        return now()
    return {str: "", int: 0, bool: False, float: 0.0, dict: {}, list: []}.get(column.type.python_type)


def _bring_row(table: Table, row: Row, arrival: Arrival) -> None:
    values = _renumbered(row, arrival, table)
    if values is None:
        arrival.missing.append(f"{table.name} {row.get('id', '')}".strip())
        return
    if table.name == "activity":
        values["payload"] = _payload(row["payload"], arrival)
        kind = row["payload"].get("target_kind") if row["subject_kind"] == "target" else row["subject_kind"]
        values["subject_id"] = _number(kind, row["subject_id"], arrival)
    number = _insert(table, values)
    if "id" in row and number is not None:
        arrival.ids[table.name][row["id"]] = number
    arrival.brought[table.name] = arrival.brought.get(table.name, 0) + 1


def _insert(table: Table, values: Row) -> int | None:
    typed = {name: _typed(table.c[name], value) for name, value in values.items()}
    made = insert(table).values(typed)
    if "id" not in table.c:
        db.session.execute(made)
        return None
    return int(db.session.execute(made.returning(table.c.id)).scalar_one())


def _renumbered(row: Row, arrival: Arrival, table: Table | None = None) -> Any:
    """Return a row with the numbers of here, or None when something it cannot do without is not here.

    Without a table, what is named in the usual way is renumbered: for the records that features bring.
    """
    if table is None:
        return _payload(row, arrival)
    declared = personal.table(table.name)
    values = {name: value for name, value in row.items() if name in table.c and not _is_given_anew(table.c[name])}
    for name in _people_in(table) | set(declared.people if declared else ()):
        if values.get(name) is not None:
            values[name] = arrival.people.get(values[name], arrival.somebody_id)
    for name, other in ways_of(table.name).items():
        if values.get(name) is not None:
            values[name] = arrival.ids[other].get(values[name])
            if values[name] is None and not table.c[name].nullable:
                return None
    for kind, number in declared.things if declared else ():
        if values.get(number) is not None:
            values[number] = _number(values[kind], values[number], arrival)
            if values[number] is None:
                return None
    return values


def _people_in(table: Table) -> set[str]:
    return {column.name for column in table.columns for key in column.foreign_keys if key.column.table.name == "member"}


def _is_given_anew(column: Column[Any]) -> bool:
    """Return whether a column's value comes from the table it stands in: numbers and moments of recording."""
    counted = column.name == "id" and column.primary_key
    return counted or (column.primary_key and column.server_default is not None)


def _number(kind: str | None, number: int | None, arrival: Arrival) -> int | None:
    if number is None or kind is None:
        return None
    return arrival.people.get(number, arrival.somebody_id) if kind == "member" else arrival.ids[kind].get(number)


def _payload(payload: Any, arrival: Arrival) -> Any:
    """Return what an event says with the numbers of here; what is not here is nobody's and nothing's."""
    if not isinstance(payload, dict):
        return payload
    said = dict(payload)
    for name, value in payload.items():
        if not isinstance(value, int) or isinstance(value, bool) or not name.endswith("_id"):
            continue
        kind = payload.get("target_kind") if name == "target_id" else name.removesuffix("_id")
        if name in PEOPLE:
            said[name] = arrival.people.get(value, arrival.somebody_id)
        elif isinstance(kind, str) and kind in Model.metadata.tables:
            said[name] = _number(kind, value, arrival) or 0
    return said


def _typed(column: Column[Any], value: Any) -> Any:
    """Return a JSON value as the column wants it."""
    if isinstance(value, str):
        kind = column.type.python_type if not _is_json(column) else str
        if kind is datetime:
            return datetime.fromisoformat(value)
        if kind is date:
            return date.fromisoformat(value)
        if kind is bytes:
            return func.decode(value, "base64")
    return value


def _is_json(column: Column[Any]) -> bool:
    return str(column.type).upper().startswith("JSON")


def _place_files(path: Path) -> int:
    """Put the files of an export where they belong; return how many."""
    placed = 0
    with zipfile.ZipFile(path) as box:
        for entry in box.infolist():
            name = entry.filename.removeprefix(f"{FILES}/")
            if not entry.filename.startswith(f"{FILES}/") or entry.is_dir() or entry.file_size > MOST_BYTES:
                continue
            target = _place_of(name)
            if target is not None and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(box.read(entry))
                placed += 1
    return placed


def _place_of(name: str) -> Path | None:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        return None
    found: Iterable[Path | None] = (find(name) for find in personal.file_placers())
    return next((path for path in found if path is not None), None)
