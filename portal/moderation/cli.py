"""`portal audit` and `portal moderation`."""

import json
from typing import Any

import click
from flask import Flask
from flask_babel import force_locale

from portal.kernel.database import transaction
from portal.kernel.errors import PortalError
from portal.members import queries as members
from portal.members.policy import NOBODY
from portal.members.services import audit
from portal.moderation import queries
from portal.moderation.services import deciding


@click.group("audit")
def audit_group() -> None:
    """Check and read the record of what staff did."""


@click.group("moderation")
def moderation_group() -> None:
    """See what waits, and reverse a decision."""


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(audit_group)
    app.cli.add_command(moderation_group)


@audit_group.command("verify")
@click.option("--head", help="A hash printed earlier and kept elsewhere: the chain must still hold it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def verify(head: str | None, *, as_json: bool) -> None:
    """Compute the chain of the record anew; name the first entry that does not hold."""
    verdict = audit.verify(head)
    if as_json:
        found = {"entries": verdict.entries, "head": verdict.head, "sound": verdict.sound}
        click.echo(json.dumps({**found, "bad": verdict.bad_id, "problem": verdict.problem or None}))
    elif verdict.sound:
        click.echo(f"{verdict.entries} entries, and the chain holds. Keep this hash elsewhere: {verdict.head}")
    else:
        which = f"Entry {verdict.bad_id} does not hold: " if verdict.bad_id is not None else "The chain does not hold: "
        click.echo(f"{which}{verdict.problem}. {verdict.entries} entries before it do.", err=True)
    if not verdict.sound:
        raise SystemExit(1)


@audit_group.command("list")
@click.option("--actor", type=int, help="Only what this member did.")
@click.option("--act", default="", help="Only acts that begin so, such as moderation. or member.role.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_entries(actor: int | None, act: str, limit: int, *, as_json: bool) -> None:
    """Print the latest entries of the record."""
    rows = audit.entries(actor_id=actor, act=act, size=limit)[:limit]
    found: list[dict[str, Any]] = [
        {
            "id": row.id,
            "at": row.at.isoformat(),
            "actor": row.actor_id,
            "act": row.act,
            "subject_kind": row.subject_kind,
            "subject": row.subject_id,
            "details": row.details,
        }
        for row in rows
    ]
    if as_json:
        click.echo(json.dumps({"items": found}))
        return
    for one in found:
        details = " ".join(f"{key}={value}" for key, value in one["details"].items())
        subject = f"{one['subject_kind']} {one['subject'] or ''}".strip()
        click.echo(
            f"{one['id']:>8}  {one['at'][:19]}  {one['actor'] or '-':>6}  {one['act']:<28}  {subject}  {details}"
        )


@moderation_group.command("queue")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def queue(*, as_json: bool) -> None:
    """Print how much waits in each queue."""
    found = queries.all_counts()
    if as_json:
        click.echo(json.dumps(found))
    else:
        for name, many in found.items():
            click.echo(f"{name:<10} {many}")


@moderation_group.command("undo")
@click.argument("decision", type=int)
@click.option("--as", "actor", required=True, help="Address of the moderator in whose name it is done.")
def undo(decision: int, actor: str) -> None:
    """Reverse a decision: everything stands as it stood before."""
    try:
        with force_locale("en"), transaction():
            member_id = members.member_id_by_email(actor)
            viewer = members.viewer_of(member_id) if member_id is not None else NOBODY
            done = deciding.undo(decision, viewer)
            verb = done.verb
    except PortalError as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"Undone: decision {decision} ({verb}).")
