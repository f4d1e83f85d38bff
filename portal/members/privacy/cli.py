"""``portal member export``, ``import`` and ``erase``: one's data, out, in and away."""

import json as jsonlib
from pathlib import Path

import click
from flask import Flask

from portal.kernel.database import transaction
from portal.kernel.progress import Progress
from portal.members.cli import as_json, member
from portal.members.privacy import bringing, erasing, exporting

SHOWN = 20


def init_app(_app: Flask) -> None:
    """Nothing to add: the commands stand in the group of members."""


class Told(Progress):
    """Says each step on standard error."""

    def begin(self, step: str, total: int = 0) -> None:
        """Enter a step and say so."""
        click.echo(f"{step} …", err=True)
        super().begin(step, total)


@member.command("export")
@click.option("--email", required=True, help="Whose data.")
@click.option("--out", "target", required=True, type=click.Path(path_type=Path, dir_okay=False, writable=True))
@as_json
def export_member(*, email: str, target: Path, as_json: bool) -> None:
    """Write everything that is held on a member into one file: JSON and her files."""
    with transaction():
        report = exporting.write(erasing.id_by_email(email), target, None if as_json else Told())
    if as_json:
        click.echo(jsonlib.dumps(report))
    else:
        rows = sum(report["records"].values())
        click.echo(f"{target}: {rows:,} records, {report['files']} files, {report['bytes']:,} bytes", err=True)


@member.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--trusted",
    is_flag=True,
    help="The file comes straight from a portal of ours: believe its roles, its record and what it says was proven.",
)
@as_json
def import_member(*, file: Path, trusted: bool, as_json: bool) -> None:
    """Bring an exported member into this portal."""
    with transaction():
        report = bringing.bring(file, trusted=trusted)
    if as_json:
        click.echo(jsonlib.dumps(report))
        return
    rows = sum(report["records"].values())
    click.echo(f"member {report['id']}: {rows:,} records brought, {len(report['missing'])} could not be", err=True)
    for what in report["missing"][:SHOWN]:
        click.echo(f"missing: {what}", err=True)


@member.command("erase")
@click.option("--email", required=True, help="Who is to be erased.")
@click.option(
    "--posts",
    type=click.Choice(["keep", "remove"]),
    default="keep",
    show_default=True,
    help="What she wrote: keep it without her name, or remove it.",
)
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@as_json
def erase_member(*, email: str, posts: str, yes: bool, as_json: bool) -> None:
    """Erase a member at once. Figures keep standing; nothing says any more who she was."""
    member_id = erasing.id_by_email(email)
    if not yes:
        click.confirm(f"Erase {email} for good?", abort=True, err=True)
    with transaction():
        erasing.erase(member_id, texts=posts == "remove")
    if as_json:
        click.echo(jsonlib.dumps({"id": member_id, "erased": True, "posts": posts}))
    else:
        click.echo(f"member {member_id} is erased; files and models follow within a minute", err=True)
