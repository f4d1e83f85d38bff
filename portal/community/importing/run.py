"""Running an import: batches, progress, a report; one transaction a batch."""

import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from flask_babel import gettext as _
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from portal.community.importing.lines import Line, Mapping, Trouble, read_lines
from portal.kernel.database import rollback, transaction
from portal.kernel.errors import Invalid

T = TypeVar("T")
Batch = Sequence[tuple[int, T]]
"""Records that could be read, each with the number of its line."""
BATCH = 1000
SHOWN_ERRORS = 1000
MACOS_UNIT = 1024


@dataclass(slots=True)
class Outcome:
    """What became of a batch: how many are new, how many were there already, which could not be added."""

    added: int = 0
    skipped: int = 0
    troubles: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What an import did. ``errors`` holds the first thousand, ``failed`` counts all of them."""

    read: int = 0
    added: int = 0
    skipped: int = 0
    failed: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    peak_memory_mb: int = 0
    dry_run: bool = False
    stopped: bool = False

    def note(self, number: int, reason: str) -> None:
        """Remember what is wrong with a line."""
        self.failed += 1
        if len(self.errors) < SHOWN_ERRORS:
            self.errors.append({"line": number, "reason": reason})

    def count(self, outcome: Outcome) -> None:
        """Add up what became of a batch."""
        self.added += outcome.added
        self.skipped += outcome.skipped
        for number, reason in outcome.troubles:
            self.note(number, reason)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import(Generic[T]):
    """One kind of import: how a record is read, and how a batch of them is added."""

    read: Callable[[dict[str, Any]], T]
    add: Callable[[Batch[T]], Outcome]
    finish: Callable[[], Outcome] | None = None
    """Called once after the last batch, in a transaction of its own: for what had to wait."""


def run_import(
    path: Path,
    kind: Import[T],
    *,
    dry_run: bool = False,
    stop_on_error: bool = False,
    mapping: Mapping | None = None,
    quiet: bool = False,
    source: Iterator[tuple[Line, int]] | None = None,
) -> Report:
    """Import a file, a batch a transaction; a dry run does the same work and gives all of it up.

    :param source: the records, when the path is not a file of lines but a folder.
    :param stop_on_error: end at the first line that cannot be imported; what stands before it is kept.
    """
    began, report = time.monotonic(), Report(dry_run=dry_run)
    lines = _shown(source or read_lines(path, mapping), path, quiet=quiet)
    for chunk in _chunks(lines, BATCH):
        _do(kind, chunk, report, stop=stop_on_error)
        if report.stopped:
            break
    if kind.finish is not None:
        report.count(_finished(kind.finish, keep=not dry_run))
    if dry_run:
        rollback()
    report.seconds = round(time.monotonic() - began, 2)
    report.peak_memory_mb = _peak_memory()
    return report


def _do(kind: Import[T], chunk: Sequence[Line], report: Report, *, stop: bool) -> None:
    batch: list[tuple[int, T]] = []
    troubles: list[tuple[int, str]] = []
    for line in chunk:
        report.read += 1
        try:
            batch.append((line.number, kind.read(_record_of(line))))
        except (Trouble, Invalid) as trouble:
            troubles.append((line.number, _sentence(trouble)))
            if stop:
                break
    outcome = _added(kind, batch, keep=not report.dry_run) if batch else Outcome()
    outcome.troubles = sorted(outcome.troubles + troubles)
    report.count(outcome)
    report.stopped = stop and bool(outcome.troubles)


def _record_of(line: Line) -> dict[str, Any]:
    if line.record is None:
        raise Trouble(line.trouble)
    return line.record


def _sentence(trouble: Exception) -> str:
    if isinstance(trouble, Invalid) and trouble.fields:
        return "; ".join(f"{name}: {sentence}" for name, sentence in trouble.fields.items())
    return str(trouble)


def _added(kind: Import[T], batch: Batch[T], *, keep: bool) -> Outcome:
    if not keep:
        return kind.add(batch)
    with transaction():
        return kind.add(batch)


def _finished(finish: Callable[[], Outcome], *, keep: bool) -> Outcome:
    if not keep:
        return finish()
    with transaction():
        return finish()


def _chunks(items: Iterable[Line], size: int) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _shown(lines: Iterator[tuple[Line, int]], path: Path, *, quiet: bool) -> Iterator[Line]:
    """Yield the lines and draw how far the file has been read, on standard error."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, quiet=quiet)
    with Progress(*columns, console=console, transient=True) as progress:
        size = path.stat().st_size if path.is_file() else None
        task = progress.add_task(_("Importing %(name)s", name=path.name), total=size, rows=0)
        for rows, (line, read) in enumerate(lines, 1):
            if rows % 500 == 0:
                progress.update(task, completed=read, rows=rows)
            yield line


def _peak_memory() -> int:
    """Return the most memory this process has held, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // MACOS_UNIT // (MACOS_UNIT if sys.platform == "darwin" else 1)
