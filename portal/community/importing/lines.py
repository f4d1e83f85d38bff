"""Reading files of records: JSON lines or CSV, gzip or not, a line at a time."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import IO, Any

from flask_babel import gettext as _

from portal.community.exporting import unguarded
from portal.kernel.errors import Invalid

GZIP = b"\x1f\x8b"
LINE_MAX = 4_000_000
Mapping = dict[str, str]


class Trouble(ValueError):
    """A line that cannot be imported, with the reason in words."""


@dataclass(frozen=True, slots=True)
class Line:
    """One record and the number of its line, or what is wrong with it."""

    number: int
    record: dict[str, Any] | None = None
    trouble: str | None = None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Yield the unpacked stream, and the one that tells how much of the file has been read."""
    with path.open("rb") as raw:
        packed = raw.read(2) == GZIP
        raw.seek(0)
        if packed:
            with gzip.open(raw) as unpacked:
                yield unpacked, raw
        else:
            yield raw, raw


def read_lines(path: Path, mapping: Mapping | None = None) -> Iterator[tuple[Line, int]]:
    """Yield each record with the bytes of the file read so far; empty lines are passed over.

    :param mapping: for CSV: our field → column; columns without one keep their name.
    :raise Invalid: when the file is not there or is neither text nor gzip.
    """
    if not path.is_file():
        raise Invalid(fields={"file": _("There is no file %(name)s.", name=path.name)})
    is_csv = path.name.removesuffix(".gz").lower().endswith((".csv", ".tsv"))
    with _opened(path) as (stream, raw):
        try:
            for line in _csv(stream, path, mapping or {}) if is_csv else _json(stream):
                yield line, raw.tell()
        except (OSError, EOFError) as error:
            raise Invalid(fields={"file": _("The file is damaged: %(why)s", why=error)}) from error


def _json(stream: IO[bytes]) -> Iterator[Line]:
    number = 0
    while raw := stream.readline(LINE_MAX):
        number += 1
        if len(raw) >= LINE_MAX and not raw.endswith(b"\n"):
            while (rest := stream.readline(LINE_MAX)) and not rest.endswith(b"\n"):
                pass
            yield Line(number, trouble=_("longer than %(most)d bytes", most=LINE_MAX))
        elif raw.strip():
            yield _record(number, raw)


def _record(number: int, raw: bytes) -> Line:
    try:
        record = json.loads(raw)
    except UnicodeDecodeError:
        return Line(number, trouble=_("not UTF-8"))
    except ValueError as error:
        return Line(number, trouble=_("not JSON: %(why)s", why=error))
    if not isinstance(record, dict):
        return Line(number, trouble=_("not a JSON object"))
    return Line(number, record)


def _csv(stream: IO[bytes], path: Path, mapping: Mapping) -> Iterator[Line]:
    tabs = path.name.removesuffix(".gz").lower().endswith(".tsv")
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.DictReader(text, delimiter="\t" if tabs else ",", strict=True)
    columns = set(rows.fieldnames or ())
    if missing := sorted(set(mapping.values()) - columns):
        raise Invalid(fields={"map": _("The file has no column %(names)s.", names=", ".join(missing))})
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(rows.line_num, trouble=_("not CSV: %(why)s", why=error))
            continue
        yield _row(rows.line_num, row, mapping)


def _row(number: int, row: dict[str | Any, Any], mapping: Mapping) -> Line:
    if None in row or None in row.values():
        return Line(number, trouble=_("has another number of columns than the first line"))
    try:
        "".join(row.values()).encode()
    except UnicodeEncodeError:
        return Line(number, trouble=_("not UTF-8"))
    named = {column: unguarded(value) or None for column, value in row.items()}
    return Line(number, named | {field: named[column] for field, column in mapping.items()})


def time_of(value: object, field: str = "created_at") -> datetime:
    """Return the moment that a source writes as ISO 8601; a day alone is its beginning, no zone is UTC.

    :raise Trouble: when it cannot be read.
    """
    try:
        if isinstance(value, str) and len(value) == len("2016-01-22"):
            return datetime.combine(date.fromisoformat(value), time(), UTC)
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise Trouble(_("%(field)s is not a time: %(value)s", field=field, value=value)) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def whole_number(value: object, field: str) -> int:
    """Return a count; nothing is 0.

    :raise Trouble: when it is not a whole number of 0 or more.
    """
    if value is None or value == "":
        return 0
    try:
        count = int(str(value))
    except ValueError:
        count = -1
    if count < 0 or isinstance(value, bool):
        raise Trouble(_("%(field)s is not a whole number: %(value)s", field=field, value=value))
    return count
