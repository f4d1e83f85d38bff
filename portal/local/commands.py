"""Commands that run the portal: all of it on one machine, or one process of it."""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from rq.exceptions import StopRequested

from portal.analytics.topics import facade as topics
from portal.kernel import jobs, periodic, worker
from portal.kernel.broker import broker
from portal.kernel.database import db, transaction
from portal.local import backup as backups
from portal.local import doctor as examination
from portal.local import prepare
from portal.local.crew import Crew
from portal.local.errors import LocalError
from portal.local.handover import Receiver
from portal.local.places import Places, places
from portal.local.screen import Screen
from portal.local.services import settings_for_commands
from portal.local.tasks import pages_command, supervisor_command
from portal.members.privacy.jobs import again as erase_again


@click.command()
def up() -> None:
    """Run everything on this machine, with embedded servers and the demo community."""
    os.execv(sys.executable, supervisor_command())  # noqa: S606 - the supervisor needs nothing that was loaded


@click.command()
def serve() -> None:
    """Serve the pages and the API."""
    os.execv(sys.executable, pages_command())  # noqa: S606 - becoming the server is the purpose


@click.command()
@with_appcontext
def live() -> None:
    """Serve websockets, which the pages' processes hand over."""
    _live()


@click.command()
@click.argument("queues", nargs=-1, type=click.Choice(jobs.QUEUES))
@with_appcontext
def work(queues: tuple[str, ...]) -> None:
    """Work on queues until stopped: one process on those named, or one on each when none is."""
    if queues:
        worker.work(current_app, broker(), queues)
    else:
        Crew(_workers()).run()


@click.command()
@with_appcontext
def cron() -> None:
    """Put on its queue what happens by the clock, until stopped."""
    _cron()


def _live() -> None:
    from portal.notifications.live import live_app

    place = _place()
    place.make()
    Receiver(place.live_socket, live_app(current_app)).serve()


def _workers() -> dict[str, Callable[[], None]]:
    return {f"worker-{name}": partial(worker.work, current_app, broker(), (name,)) for name in jobs.QUEUES}


def _cron() -> None:
    with contextlib.suppress(StopRequested):
        periodic.scheduler(broker()).start()  # type: ignore[no-untyped-call]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def doctor(as_json: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Say what is wrong here, and how to mend it; 1 when something is."""
    environ, failure = _environ_to_examine()
    findings = [*failure, *examination.examine(environ)]
    document = examination.as_dict(findings, environ)
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        Screen().findings(document)
    sys.exit(0 if document["ok"] else 1)


def _environ_to_examine() -> tuple[dict[str, str], list[examination.Finding]]:
    """Return the environment with servers at hand, or without and why."""
    try:
        return settings_for_commands(), []
    except LocalError as error:
        return dict(os.environ), [examination.Finding("servers", examination.WRONG, error.what, error.cure)]


@click.command()
@click.option("--replay", is_flag=True, help="Give those that were given up a new life.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@with_appcontext
def promises(replay: bool, as_json: bool) -> None:  # noqa: FBT001 - flags of the command line
    """Say how much background work waits and how much was given up."""
    with transaction():
        replayed = jobs.replay_dead() if replay else 0
    found = jobs.waiting() | {"replayed": replayed}
    if as_json:
        click.echo(json.dumps(found))
    else:
        click.echo(", ".join(f"{number} {what}" for what, number in found.items()), err=True)


@click.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False, writable=True))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@with_appcontext
def backup(target: Path, as_json: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Write the whole community into one file: the database, uploads, models."""
    made = backups.back_up(_database_url(), _place(), target)
    if as_json:
        click.echo(json.dumps(made))
    else:
        click.echo(f"{target}: {made['bytes'] / 1e6:.1f} MB, {made['files']} files beside the database", err=True)


@click.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Put it in the place of what is there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@with_appcontext
def restore(source: Path, replace: bool, as_json: bool) -> None:  # noqa: FBT001 - flags of the command line
    """Bring a backup into the database and the data folder."""
    about = backups.restore(_database_url(), _place(), source, replace=replace)
    db.session.remove()
    prepare.migrate()
    about |= {"erased_again": erase_again()}
    if as_json:
        click.echo(json.dumps(about))
    else:
        gone = f"; {about['erased_again']} who had been erased are erased again" if about["erased_again"] else ""
        click.echo(f"restored and migrated what was backed up on {about['made_at']}{gone}", err=True)


def _place() -> Places:
    return places(current_app.config["PORTAL_DATA_DIR"])


def _database_url() -> str:
    return str(current_app.config["SQLALCHEMY_DATABASE_URI"])


@click.group(hidden=True)
def local() -> None:
    """Do a step of `portal up` that needs the application."""


@local.command("prepare")
@with_appcontext
def prepare_command() -> None:
    """Migrate, and load the demo community once."""
    prepare.migrate()
    prepare.tell(text="database migrated")
    if current_app.config["PORTAL_DEMO"] != "0":
        prepare.load_demo()
        prepare.tell(found={"people": prepare.people(), "train": not topics.trained_boards()})


@local.command("background")
@with_appcontext
def background() -> None:
    """Workers, clock and live updates, forked from one process."""
    Crew({**_workers(), "cron": _cron, "live": _live}, _place().log).run()


@local.command("train")
@with_appcontext
def train_command() -> None:
    """Find the topics of what was written."""
    prepare.train()


COMMANDS = (up, serve, live, work, cron, doctor, promises, backup, restore, local)
