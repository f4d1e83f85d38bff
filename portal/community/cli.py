"""`portal import`: the frame that ideas and support hang their kinds into."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from flask import Flask
from flask_babel import force_locale
from rich.console import Console

from portal.community import exporting, queries, services
from portal.community.importing import Import, Line, Report, run_import
from portal.community.rules import BoardType, Voting
from portal.kernel.database import transaction
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.text import slug

F = TypeVar("F", bound=Callable[..., Any])
SHOWN = 20


@click.group("import")
def importing_group() -> None:
    """Bring in ideas, comments or questions from a file."""


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(importing_group)
    app.cli.add_command(export)


@click.command("export")
@click.argument("kind", type=click.Choice(["ideas", "comments", "questions", "members"]))
@click.option("--board", required=True, help="Key of the board.")
@click.option("--out", "target", type=click.Path(path_type=Path, dir_okay=False), help="Standard output if not given.")
@click.option("--format", "fmt", type=click.Choice(exporting.FORMATS), help="By the file's name, else JSON lines.")
def export(*, kind: str, board: str, target: Path | None, fmt: str | None) -> None:
    """Write what can be seen on a board, in the format that an import reads."""
    found = queries.board_of_key(board)
    if found is None:
        raise NotFound(f"There is no board {board}.")
    if kind not in exporting.kinds_of(found.type):
        raise Invalid(fields={"board": f"{board} is a board of {found.type}: it has no {kind}."})
    chosen = fmt or ("csv" if target is not None and target.suffix == ".csv" else "jsonl")
    lines = exporting.lines(kind, found.id, found.key, chosen)
    if target is None:
        sys.stdout.writelines(lines)
        return
    part = target.with_name(f"{target.name}.part")
    part.touch(mode=0o600)
    with part.open("w", encoding="utf-8", newline="") as out:
        out.writelines(lines)
    part.replace(target)
    click.echo(f"{target}: {target.stat().st_size:,} bytes", err=True)


def import_options(command: F) -> F:
    """Give a command the arguments that all imports have."""
    for option in reversed((
        click.argument("file", type=click.Path(path_type=Path)),
        click.option("--board", required=True, help="Key of the board; a new one is opened when there is none."),
        click.option("--dry-run", is_flag=True, help="Do everything, keep nothing."),
        click.option(
            "--on-error", type=click.Choice(["skip", "stop"]), default="skip", show_default=True,
            help="What to do with a line that cannot be imported.",
        ),
        click.option("--map", "mapping", multiple=True, metavar="FIELD=COLUMN", help="For CSV: our field, its column."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    )):  # fmt: skip
        command = option(command)
    return command


def run(
    file: Path,
    kind: Import[Any],
    *,
    dry_run: bool,
    on_error: str,
    mapping: tuple[str, ...],
    as_json: bool,
    source: Iterator[tuple[Line, int]] | None = None,
    after: Callable[[], None] | None = None,
) -> Report:
    """Run an import and say what came of it; exit status 1 when it was stopped by an error.

    :param source: the records, when the path is not a file of lines but a folder.
    :param after: what is done once all lines are in; not in a dry run.
    """
    columns = dict(_pair(one) for one in mapping)
    with force_locale("en"):
        report = run_import(
            file,
            kind,
            dry_run=dry_run,
            stop_on_error=on_error == "stop",
            mapping=columns,
            quiet=as_json,
            source=source,
        )
    if after is not None and not dry_run:
        after()
    if as_json:
        click.echo(json.dumps(report.as_json()))
    else:
        _say(report)
    if report.stopped:
        raise SystemExit(1)
    return report


def _pair(text: str) -> tuple[str, str]:
    name, sign, column = text.partition("=")
    if not sign or not name or not column:
        message = f"{text} is not FIELD=COLUMN"
        raise click.BadParameter(message, param_hint="--map")
    return name, column


def _say(report: Report) -> None:
    out = Console(stderr=True, highlight=False)
    for error in report.errors[:SHOWN]:
        out.print(f"line {error['line']}: {error['reason']}", markup=False)
    if report.failed > SHOWN:
        out.print(f"… and {report.failed - SHOWN:,} more lines that could not be imported")
    what = "would be added" if report.dry_run else "added"
    out.print(
        f"{report.read:,} read, {report.added:,} {what}, {report.skipped:,} there already, "
        f"{report.failed:,} with errors, {report.seconds} s, {report.peak_memory_mb} MB"
    )


def board_to_import(key: str, kind: BoardType, *, dry_run: bool) -> int:
    """Return the id of the board of this key, opening a public one when there is none.

    In a dry run the new board is given up with the rest.

    :raise Invalid: when the board gathers other things, or the key is unfit for an address.
    """
    board = queries.board_of_key(key)
    if board is not None:
        if board.type != kind:
            raise Invalid(fields={"board": f"{key} is a board of {board.type}, not of {kind}."})
        return board.id
    name = key.replace("-", " ").capitalize()
    if dry_run:
        return services.open_board(slug(key), kind=kind, name=name, voting=Voting.SUPPORT).id
    with transaction():
        return services.open_board(key, kind=kind, name=name, voting=Voting.SUPPORT).id
