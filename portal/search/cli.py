"""`portal search`: build the index again, say how far it is."""

import json
import time

import click
from flask import Flask

from portal.kernel import projections


@click.group("search")
def search_group() -> None:
    """Look after the index of search."""


def init_app(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(search_group)


@search_group.command("rebuild")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def rebuild(*, as_json: bool) -> None:
    """Empty the index and build it again from the record."""
    began = time.monotonic()
    facts = projections.rebuild("search")
    seconds = round(time.monotonic() - began, 2)
    if as_json:
        click.echo(json.dumps({"facts": facts, "seconds": seconds}))
    else:
        click.echo(f"{facts:,} facts read in {seconds} s", err=True)
