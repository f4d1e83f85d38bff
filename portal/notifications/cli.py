"""`portal notifications`."""

import json

import click
from flask import Flask, current_app

from portal.members import mail
from portal.notifications import queries, vapid


@click.group("notifications")
def notifications_group() -> None:
    """See what leaves the portal."""


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(notifications_group)


@notifications_group.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def status(*, as_json: bool) -> None:
    """Say how much waits, was sent, was refused, by way; and whether there is a way out at all."""
    ways: dict[str, dict[str, int]] = {}
    for (way, state), count in sorted(queries.states().items()):
        ways.setdefault(way, {})[state] = count
    server = "server" if mail.has_server() else "files" if mail.is_kept() else "none"
    push = bool(vapid.public_key(current_app))
    if as_json:
        click.echo(json.dumps({"mail": server, "push": push, "ways": ways}))
        return
    click.echo(f"mail: {server}; push: {'yes' if push else 'no key'}")
    for way, states in ways.items():
        click.echo(f"{way}: " + ", ".join(f"{count} {state}" for state, count in states.items()))
