"""`portal experts` and `portal metrics`."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup
from flask_babel import force_locale
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from portal.analytics import queries
from portal.analytics.services import figures, measuring, routing
from portal.community import facade as community
from portal.kernel.database import transaction
from portal.kernel.progress import Progress as Watcher

DAY = click.DateTime(["%Y-%m-%d"])
SHOWN = 10


experts = AppGroup("experts", help="Who is likely to answer, and who knows what.")
metrics = AppGroup("metrics", help="The figures of members, accounts, boards and the whole.")


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(experts)
    app.cli.add_command(metrics)


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


@experts.command("learn")
@click.option("--board", required=True, help="Key of the board.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def learn(board: str, *, as_json: bool) -> None:
    """Learn who answers on a board, anew, from all that was written there."""
    board_id = board_id_of(board)
    with bar("questions and answers read", quiet=as_json) as progress, transaction():
        task = progress.add_task("", total=None)
        count = routing.learn_board(board_id, lambda done: progress.update(task, completed=done))
    say({"read": count}) if as_json else click.echo(f"{count:,} questions and answers read")


@experts.command("rank")
@click.option("--board", help="Key of the board; all boards, and who takes part, if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def rank(board: str | None, *, as_json: bool) -> None:
    """Work out whose word weighs how much and who knows what, on every topic."""
    chosen = [board_id_of(board)] if board else None
    report = measuring.measure(_Told() if not as_json else Watcher(), chosen)
    if not as_json:
        click.echo(", ".join(f"{name} {n:,}" for name, n in report.items()))
        return
    boards = chosen or queries.boards_with_expertise()
    topics = [_topic(lines) for one in boards for lines in queries.experts_by_topic(one, SHOWN).values()]
    say({**report, "experts": topics})


def _topic(lines: Sequence[queries.ExpertiseLine]) -> dict[str, Any]:
    fields = (
        "place",
        "low",
        "mid",
        "high",
        "answers",
        "people",
        "answer_count_place",
        "z_score_place",
        "pagerank_place",
    )
    experts = [{"member": line.member_id} | {name: getattr(line, name) for name in fields} for line in lines]
    return {"topic": lines[0].topic_id, "label": lines[0].label, "experts": experts}


class _Told(Watcher):
    """Says each step on standard error."""

    def begin(self, step: str, total: int = 0) -> None:
        """Enter a step and say so."""
        click.echo(f"{step} …", err=True)
        super().begin(step, total)


@metrics.command("recount")
@click.option("--no-mend", is_flag=True, help="Only report; leave what drifted as it is.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def recount(*, no_mend: bool, as_json: bool) -> None:
    """Count the figures again from all facts, and say which drifted. Exit status 1 when some did."""
    with transaction():
        report = figures.recount(mend=not no_mend)
        changed = figures.refresh_all()
    if as_json:
        say(report | {"refreshed": changed})
    else:
        click.echo(f"{report['facts']:,} facts, {report['figures']:,} daily figures, {report['drift']:,} drifted")
        for example in report["examples"]:
            click.echo(f"  member {example['member']}, {example['day']}, {example['kind']}: off by {example['off_by']}")
    if report["drift"]:
        raise SystemExit(1)
