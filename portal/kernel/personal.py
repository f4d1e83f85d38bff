"""What of each table is whose: how it is exported, erased and moved when two members are one.

Each feature says it in its room ``personal``. A table that nobody has declared fails a test, so that no personal
data lands where an export forgets it and an erasure leaves it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


class Erase(StrEnum):
    """What becomes of a member's rows when she is erased."""

    DELETE = "delete"
    BLANK = "blank"
    """They stay under her number; the columns in ``blank`` are emptied, those in ``texts`` if she wants it so."""
    KEEP = "keep"
    """They hold her number and nothing else of her: a vote without a person."""
    BY_HAND = "by hand"
    """A function of the feature does it; see `erases`."""


class Move(StrEnum):
    """What becomes of a member's rows when she turns out to be another member."""

    MOVE = "move"
    """They are the other's from now on; where the other has the same key already, hers stay behind."""
    STAY = "stay"
    """They belong to the account, not to the person: sessions, tokens, a ledger's lines."""
    DERIVED = "derived"
    """They are worked out anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table that holds a member's key or personal text."""

    name: str
    owner: str | None
    """The column that says whose a row is; None where a function finds the rows."""
    others: tuple[str, ...] = ()
    """Further columns with a member's key: who did it, who is meant. Emptied where they may be empty."""
    export: str | None = None
    """The name of the records in the export; None where ``why`` says why they are not in it."""
    secret: tuple[str, ...] = ()
    """Columns that no export shows: keys and hashes of keys."""
    erase: Erase = Erase.DELETE
    blank: Mapping[str, Any] = field(default_factory=_nothing)
    texts: Mapping[str, Any] = field(default_factory=_nothing)
    move: Move = Move.MOVE
    things: tuple[tuple[str, str], ...] = ()
    """Pairs of columns that name a thing: its kind and its id."""
    refs: Mapping[str, str] = field(default_factory=_nothing)
    """Columns that name a row of another table without a foreign key."""
    context: tuple[str, ...] = ()
    """Of somebody else's row that hers hangs on: the columns that come with an export, so that it can stand."""
    again: bool = True
    """Whether an import of the export brings the rows back; what is derived or of the moment is not brought back."""
    why: str = ""

    @property
    def people(self) -> tuple[str, ...]:
        """Return every column that holds a member's key."""
        return (*((self.owner,) if self.owner else ()), *self.others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impersonal:
    """One table that holds nothing of a person."""

    why: str
    context: tuple[str, ...] = ()
    """Columns that come with an export when something of hers hangs on a row."""
    known_by: tuple[str, ...] = ()
    """Columns by which an import finds the same row where it is brought."""


@dataclass(frozen=True, slots=True)
class Erasing:
    """A member who is being erased: who she was, in the words that must not be found any more."""

    member_id: int
    texts: bool
    """Whether what she wrote goes, too; else it stays without her name."""
    words: frozenset[str] = frozenset()
    """Her name, addresses, handles and external ids."""
    posts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """What she wrote, by kind."""
    written: tuple[str, ...] = ()
    """Every text of hers that goes; empty in the job that follows the erasure."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of a member: its name inside the export and where it lies."""

    name: str
    path: Path


Eraser = Callable[[Erasing], None]
FileFinder = Callable[[int], Iterable[ExportedFile]]
FilePlacer = Callable[[str], Path | None]
RowFinder = Callable[[int], Iterable[Mapping[str, Any]]]
Bringer = Callable[["Brought"], None]
E = TypeVar("E", bound=Eraser)
F = TypeVar("F", bound=FileFinder)
R = TypeVar("R", bound=RowFinder)
B = TypeVar("B", bound=Bringer)


@dataclass(frozen=True, slots=True)
class Brought:
    """Rows of an export that stand here now: the new id of each, and the records of tables that a feature brings."""

    member_id: int
    ids: Mapping[str, Mapping[int, int]]
    """By table: from the id in the export to the id here."""
    records: Mapping[str, list[dict[str, Any]]]
    """By name in the export, with ids of here."""


_tables: dict[str, Table] = {}
_nobodys: dict[str, Impersonal] = {}
_erasers: list[Eraser] = []
_files: list[FileFinder] = []
_placers: list[FilePlacer] = []
_rows: dict[str, RowFinder] = {}
_bringers: list[Bringer] = []
_last_erasers: list[Eraser] = []


def declare(name: str, **how: Any) -> None:
    """Say what of a table is whose; the keywords are the fields of `Table`."""
    _tables[name] = Table(name=name, **how)


def nobodys(name: str, why: str, *, context: tuple[str, ...] = (), known_by: tuple[str, ...] = ()) -> None:
    """Say that a table holds nothing of a person, and why that is so."""
    _nobodys[name] = Impersonal(why=why, context=context, known_by=known_by)


def erases(act: E) -> E:
    """Run the function when a member is erased, in the same transaction, before rows are deleted or blanked."""
    _erasers.append(act)
    return act


def erases_outside(act: E) -> E:
    """Run the function in a job after an erasure has been committed: files, caches, models. It may run twice."""
    _last_erasers.append(act)
    return act


def has_files(find: F) -> F:
    """Declare the function that finds a member's files for her export."""
    _files.append(find)
    return find


def places_files(find: FilePlacer) -> FilePlacer:
    """Declare the function that says where a file of an export belongs, by its name there; None for others."""
    _placers.append(find)
    return find


def finds_rows(table: str) -> Callable[[R], R]:
    """Declare the function that finds a member's rows of a table without an owner's column."""

    def register(find: R) -> R:
        _rows[table] = find
        return find

    return register


def brings_back(act: B) -> B:
    """Run the function at the end of an import of a member, for what rows alone do not make: tallies, ledgers."""
    _bringers.append(act)
    return act


def tables() -> Mapping[str, Table]:
    """Return every declared table by name."""
    return MappingProxyType(_tables)


def table(name: str) -> Table | None:
    """Return what is declared of a table."""
    return _tables.get(name)


def impersonal() -> Mapping[str, Impersonal]:
    """Return the tables that hold nothing of a person, each with the reason."""
    return MappingProxyType(_nobodys)


def erasers() -> tuple[Eraser, ...]:
    """Return what features do when a member is erased, the highest floor first: it forgets what others have."""
    return tuple(reversed(_erasers))


def outside_erasers() -> tuple[Eraser, ...]:
    """Return what features do once an erasure has been committed."""
    return tuple(_last_erasers)


def file_finders() -> tuple[FileFinder, ...]:
    """Return the functions that find a member's files."""
    return tuple(_files)


def file_placers() -> tuple[FilePlacer, ...]:
    """Return the functions that say where files of an export belong."""
    return tuple(_placers)


def row_finder(name: str) -> RowFinder | None:
    """Return the function that finds a member's rows of a table."""
    return _rows.get(name)


def bringers() -> tuple[Bringer, ...]:
    """Return what features do at the end of an import of a member."""
    return tuple(_bringers)
