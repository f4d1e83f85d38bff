"""`portal experts` and `portal metrics`."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from flask import Flask
from flask_babel import force_locale
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from portal.analytics.services import routing
from portal.community import facade as community

DAY = click.DateTime(["%Y-%m-%d"])
SHOWN = 10


@click.group("experts")
def experts() -> None:
    """Who is likely to answer, and who knows what."""


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(experts)


def board_id_of(key: str) -> int:
    """Return the id of a board.

    :raise click.BadParameter: when there is no such board.
    """
    found = next((board.id for board in community.every_board() if board.key == key), None)
    if found is None:
        message = f"there is no board “{key}”"
        raise click.BadParameter(message, param_hint="--board")
    return found


def bar(what: str, *, quiet: bool) -> Progress:
    """Return a progress bar on standard error."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=quiet or not sys.stderr.isatty(), transient=True)


def say(document: dict[str, Any] | list[Any]) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, ensure_ascii=False))


@experts.command("replay")
@click.option("--board", required=True, help="Key of the board.")
@click.option("--from", "since", type=DAY, required=True, help="First day, such as 2025-01-01.")
@click.option("--to", "until", type=DAY, required=True, help="Last day.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def replay(board: str, since: datetime, until: datetime, *, as_json: bool) -> None:
    """Rank each question of a period with only what was known when it was asked."""
    first = since.replace(tzinfo=UTC)
    end = until.replace(tzinfo=UTC) + timedelta(days=1)
    if end <= first:
        message = "the last day lies before the first"
        raise click.BadParameter(message, param_hint="--to")
    board_id = board_id_of(board)
    with bar("questions ranked", quiet=as_json) as progress:
        task = progress.add_task("", total=None)
        report = routing.replay_board(board_id, first, end, lambda done: progress.update(task, completed=done))
    if as_json:
        say(report)
        return
    click.echo(f"{report['questions']} questions with an answer by somebody who had answered before")
    for name, marks in report.items():
        if isinstance(marks, dict):
            click.echo(f"{name:14}" + "".join(f"  {key} {value:.3f}" for key, value in marks.items()))


@experts.command("suggest")
@click.option("--board", required=True, help="Key of the board.")
@click.option("--title", required=True, help="Title of the question.")
@click.option("--body", default="", help="Its text.")
@click.option("--tags", default="", help="Tags, with commas between them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def suggest(board: str, title: str, body: str, tags: str, *, as_json: bool) -> None:
    """Say who is likely to answer a question, and why."""
    words = [tag.strip() for tag in tags.split(",") if tag.strip()]
    found = routing.suggest_for(board_id_of(board), title=title, body=body, tags=words)[:SHOWN]
    cards = routing.names([one.member_id for one in found])
    with force_locale("en"):
        lines: list[dict[str, Any]] = [
            {"member": one.member_id, "name": cards[one.member_id].name, "score": round(one.score, 4),
             "reasons": [str(reason) for reason in one.reasons]}
            for one in found
        ]  # fmt: skip
    if as_json:
        say({"items": lines})
        return
    for line in lines:
        click.echo(f"{line['score']:.3f}  {line['name']}: {'; '.join(line['reasons'])}")
