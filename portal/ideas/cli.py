"""`portal import ideas`, `portal import comments`, `portal votes verify`."""

import json
from pathlib import Path
from typing import Any

import click
from flask import Flask

from portal.community.cli import board_to_import, import_options, importing_group, run
from portal.community.rules import BoardType
from portal.ideas import importing, ledger
from portal.kernel.database import transaction


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(votes)


@importing_group.command("ideas")
@import_options
def import_ideas(file: Path, board: str, *, dry_run: bool, **options: Any) -> None:
    """Bring in ideas: JSON lines or CSV, gzip or not.

    Fields: id, title, body, lang, author, created_at, category, votes, status, tags. Votes without voters are kept as
    imported support, apart from the ledger. A second import of the same file adds nothing.
    """
    board_id = board_to_import(board, BoardType.IDEAS, dry_run=dry_run)
    report = run(
        file, importing.ideas_into(board_id, board), dry_run=dry_run, after=lambda: _settle(board_id), **options
    )
    raise SystemExit(int(report.stopped))


def _settle(board_id: int) -> None:
    with transaction():
        importing.rank_imported(board_id)
        importing.name_categories(board_id)


@importing_group.command("comments")
@import_options
def import_comments(file: Path, board: str, *, dry_run: bool, **options: Any) -> None:
    """Bring in comments on ideas that were imported before: id, idea, parent, author, created_at, lang, body."""
    board_id = board_to_import(board, BoardType.IDEAS, dry_run=dry_run)
    run(file, importing.comments_into(board_id, board), dry_run=dry_run, **options)


@click.group()
def votes() -> None:
    """Look into the ledger of votes."""


@votes.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def verify(*, as_json: bool) -> None:
    """Check the chain of every idea's votes, and that it adds up to what is shown; name the first bad entry."""
    bad = ledger.first_bad_entry()
    entries, ideas = ledger.count_entries()
    found = {"idea": bad.idea_id, "entry": bad.seq, "reason": bad.reason} if bad else None
    if as_json:
        click.echo(json.dumps({"entries": entries, "ideas": ideas, "sound": bad is None, "first_bad": found}))
    elif bad:
        click.echo(f"Idea {bad.idea_id}, entry {bad.seq}: {bad.reason}.", err=True)
    else:
        click.echo(f"{entries:,} entries on {ideas:,} ideas, all sound.", err=True)
    raise SystemExit(int(bad is not None))
