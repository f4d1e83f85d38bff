"""The command line: ``portal`` (also ``flask``). Each feature adds its own commands in its room `cli`.

Commands say what they do on standard error; with ``--json`` they print one JSON document on standard output and
nothing else. The exit status is 0, 1 when the work failed, 2 for arguments that make no sense.
"""

import os
import sys
from typing import Any

import click
from flask import Flask
from flask.cli import FlaskGroup, ScriptInfo

from portal.app import create_app
from portal.config import Unsafe
from portal.kernel.errors import Invalid, PortalError
from portal.local.commands import COMMANDS
from portal.local.errors import LocalError
from portal.local.prepare import migrate_if_behind
from portal.local.services import asks_only_for_help, settings_for_commands


def _create(_info: object = None) -> Flask:
    environ = settings_for_commands()
    app = create_app(environ)
    if environ.get("DATABASE_URL") != os.environ.get("DATABASE_URL") and not asks_only_for_help():
        migrate_if_behind(app)  # one of our own: nobody else looks after it
    return app


class PortalGroup(FlaskGroup):
    """Says refusals in one sentence and with exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what a person can mend is said without a trace."""
        try:
            return super().invoke(ctx)
        except Invalid as refusal:
            for field, sentence in refusal.fields.items():
                click.echo(f"{field}: {sentence}", err=True)
            if not refusal.fields:
                click.echo(str(refusal), err=True)
            sys.exit(1)
        except (PortalError, Unsafe, LocalError) as refusal:
            click.echo(str(refusal), err=True)
            sys.exit(1)


portal = PortalGroup(name="portal", create_app=_create, add_version_option=False, help=__doc__)
for command in COMMANDS:
    portal.add_command(command)


def main() -> None:
    """Run the command line."""
    portal.main(prog_name="portal", obj=ScriptInfo(create_app=_create))
