"""Commands that run the portal: all of it on one machine, or one process of it."""

import os
import sys

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from portal.kernel import jobs, periodic, worker
from portal.kernel.broker import broker
from portal.local import prepare
from portal.local.handover import HandOver, Receiver
from portal.local.places import places
from portal.local.supervisor import up as run_everything


def init_app(app: Flask) -> None:
    """Hand websockets over to the live process of this data folder, wherever pages are served."""
    live = places(app.config["PORTAL_DATA_DIR"]).live_socket
    app.wsgi_app = HandOver(app.wsgi_app, live)  # type: ignore[method-assign]


@click.command()
def up() -> None:
    """Run everything on this machine, with embedded servers and the demo community."""
    sys.exit(run_everything(os.environ))


@click.command()
def serve() -> None:
    """Serve the pages and the API."""
    words = [sys.executable, "-m", "gunicorn", "--config", "python:portal.local.pages"]
    os.execv(sys.executable, words)  # noqa: S606 - becoming the server is the purpose


@click.command()
@with_appcontext
def live() -> None:
    """Serve websockets, which the pages' processes hand over."""
    from portal.notifications.live import live_app

    place = places(current_app.config["PORTAL_DATA_DIR"])
    place.make()
    Receiver(place.live_socket, live_app(current_app)).serve()


@click.command()
@click.argument("queues", nargs=-1, type=click.Choice(jobs.QUEUES))
@with_appcontext
def work(queues: tuple[str, ...]) -> None:
    """Work on queues (all of them when none is named) until stopped."""
    worker.work(current_app, broker(), queues or jobs.QUEUES)


@click.command()
@with_appcontext
def cron() -> None:
    """Put on its queue what happens by the clock, until stopped."""
    periodic.scheduler(broker()).start()


@click.group(hidden=True)
def local() -> None:
    """Steps of `portal up` that need the application."""


@local.command("prepare")
@with_appcontext
def prepare_command() -> None:
    """Migrate, and load the demo community once."""
    prepare.migrate()


@local.command("train")
@with_appcontext
def train_command() -> None:
    """Find the topics."""


COMMANDS = (up, serve, live, work, cron, local)
