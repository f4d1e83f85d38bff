"""``portal topics``: find the topics of a board, say how good they are, write out what each contribution is about."""

import json
import sys
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup
from flask_babel import force_locale

from portal.analytics.topics import jobs, queries, services, training
from portal.analytics.topics.scopes import Scope, all_scopes, scope_of
from portal.community import facade as community
from portal.kernel.database import transaction
from portal.kernel.errors import NotFound, Refused
from portal.kernel.progress import Progress

topics = AppGroup("topics", help="What people write about.")
of_board = click.option("--board", help="Key of a board. One that is asked for gets a model of its own.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
FIGURES = ("topics", "documents", "npmi", "c_v", "diversity", "kept", "oov", "cpu_seconds")


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(topics)


class _Told(Progress):
    """Also says each step on standard error."""

    def begin(self, step: str, total: int = 0) -> None:
        """Enter a step and say so."""
        click.echo(f"{step} …", err=True)
        super().begin(step, total)


@topics.command()
@of_board
@click.option(
    "--topics", "number", type=click.IntRange(2, 200), help="How many; decided by their quality if not given."
)
@as_json
def train(board: str | None, number: int | None, *, as_json: bool) -> None:
    """Find the topics: of one board, or of all."""
    scopes = _scopes(board)
    reports = []
    for scope in scopes:
        with training.alone(scope, wait=True):
            with transaction():
                run = services.ask_for_training(scope)
            watcher = Progress(run.id) if as_json else _Told(run.id)
            report = jobs.train_as(run, topics=number, watcher=watcher)
        if report:
            reports.append({"board": _key_of(scope), **{name: report[name] for name in FIGURES}})
    if not reports:
        raise Refused("There is too little text to find topics in: a dozen ideas or questions are the least.")
    _say(reports, one=board is not None, as_json=as_json)


@topics.command()
@of_board
@as_json
def report(board: str | None, *, as_json: bool) -> None:
    """Say what the last training said about itself."""
    reports = []
    for scope in _scopes(board):
        run = queries.latest_run(scope.board_id)
        if run is not None:
            ended = run.ended_at.isoformat(timespec="seconds")
            figures = {name: run.report.get(name) for name in FIGURES}
            reports.append({"board": _key_of(scope), **figures, "ended_at": ended})
    if not reports:
        raise NotFound("There has been no training yet: portal topics train.")
    _say(reports, one=board is not None, as_json=as_json)


@topics.command()
@of_board
@as_json
def export(board: str | None, *, as_json: bool) -> None:
    """Write one line a contribution: what it is about, and its mixture of topics."""
    del as_json  # it is JSON lines either way
    out = sys.stdout
    for kind, number, external_id, topic, mixture in queries.exported(_board_ids(board)):
        line = {"external_id": external_id, "kind": kind, "id": number, "topic": topic, "mixture": mixture}
        out.write(json.dumps(line) + "\n")


def _scopes(board: str | None) -> list[Scope]:
    return all_scopes() if board is None else [scope_of(_board_ids(board)[0])]


def _board_ids(board: str | None) -> list[int]:
    found = training.boards_of(board)
    if not found:
        raise NotFound("There is no such board." if board else "There is no board yet.")
    return found


def _key_of(scope: Scope) -> str | None:
    return next((board.key for board in community.every_board() if board.id == scope.board_id), None)


def _say(reports: list[dict[str, Any]], *, one: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(reports[0] if one else {"trainings": reports}))
        return
    with force_locale("en"):
        for said in reports:
            name = said["board"] or "the boards that share a model"
            click.echo(f"{name}: " + ", ".join(f"{figure} {said[figure]}" for figure in FIGURES))
