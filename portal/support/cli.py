"""`portal import questions`."""

from pathlib import Path

import click
from flask import Flask

from portal.community.cli import board_to_import, import_options, importing_group, run
from portal.community.rules import BoardType
from portal.support.dumps import is_dump, read_dump
from portal.support.importing import QuestionImport


def init_app(app: Flask) -> None:
    """Commands hang in the frame of imports; there is nothing of our own to add."""
    del app


@importing_group.command("questions")
@import_options
@click.option("--origin", default=None, help="Name of the source that authors belong to; the board's key if not given.")
def import_questions(
    file: Path,
    board: str,
    *,
    dry_run: bool,
    on_error: str,
    mapping: tuple[str, ...],
    as_json: bool,
    origin: str | None,
) -> None:
    """Bring in questions and their answers: JSON lines, CSV, or the folder of a Stack Exchange dump."""
    board_id = board_to_import(board, BoardType.SUPPORT, dry_run=dry_run)
    work = QuestionImport(board_id=board_id, origin=origin or board)
    source = read_dump(file) if is_dump(file) else None
    run(file, work.kind(), dry_run=dry_run, on_error=on_error, mapping=mapping, as_json=as_json, source=source)
