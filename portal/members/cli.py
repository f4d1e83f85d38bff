"""``portal member`` and ``portal token``: accounts from the command line."""

import json as jsonlib

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_babel import gettext as _

from portal.kernel.database import transaction
from portal.kernel.errors import Invalid, NotFound
from portal.members import mail, queries, services
from portal.members.inviting import mailing
from portal.members.inviting import services as invitations
from portal.members.policy import Viewer
from portal.members.queries import people
from portal.members.rules import Kind, Role, Scope, unknown
from portal.members.services import merging
from portal.members.signing import passwords

member = AppGroup("member", help="People with an account.")
token = AppGroup("token", help="Tokens for programs.")
COMMAND_LINE = Viewer(roles=frozenset({Role.ADMIN.value}))
"""Whoever has the command line has everything."""
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(member)
    app.cli.add_command(token)


@member.command("create")
@click.option("--email", required=True, help="Address; counts as confirmed, because you vouch for it.")
@click.option("--name", required=True, help="Name, as others see it.")
@click.option(
    "--kind", type=click.Choice([kind.value for kind in Kind]), default=Kind.CUSTOMER.value, show_default=True
)
@click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    help="May be given more than once.",
)
@click.option("--password", help="Without one, nobody can sign in with this account yet.")
@click.option("--lang", type=click.Choice(services.LANGUAGES), default="en", show_default=True)
@click.option("--organisation", help="Key of the organisation.")
@as_json
def create_member(
    *,
    email: str,
    name: str,
    kind: str,
    roles: tuple[str, ...],
    password: str | None,
    lang: str,
    organisation: str | None,
    as_json: bool,
) -> None:
    """Give somebody an account."""
    if password is not None:
        _look_at(password, name=name, email=email)
    with transaction():
        made = services.create_member(
            email=email,
            name=name,
            kind=kind,
            roles=roles,
            password_hash=passwords.hash_password(password) if password is not None else None,
            lang=lang,
            organisation_id=_organisation(organisation),
            verified=True,
            origin="command",
        )
        member_id = made.id
    click.echo(jsonlib.dumps({"id": member_id}) if as_json else f"{member_id}  {email}")


def _look_at(password: str, *, name: str, email: str) -> None:
    """Refuse a weak password in production; elsewhere say that it is one."""
    weak = passwords.why_weak(password, name=name, email=email)
    if weak is not None and current_app.config.get("PORTAL_ENV") == "production":
        raise Invalid(fields={"password": weak})
    if weak is not None:
        click.echo(f"password: {weak} ({_('taken, because this is not production')})", err=True)


def _organisation(key: str | None) -> int | None:
    if key is None:
        return None
    found = queries.organisation_by_key(key)
    if found is None:
        raise NotFound(_("There is no organisation “%(key)s”.", key=key))
    return found.id


def _scopes(_context: click.Context, _option: click.Parameter, value: str) -> list[str]:
    scopes = [scope.strip() for scope in value.split(",") if scope.strip()]
    if not scopes or unknown(scopes, Scope):
        known = ",".join(Scope)
        raise click.BadParameter(f"choose among {known}")
    return scopes


@token.command("create")
@click.option("--email", required=True, help="Whose token it is.")
@click.option("--scopes", default="read", show_default=True, callback=_scopes, help="read, write, admin; by commas.")
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@as_json
def create_token(*, email: str, scopes: list[str], name: str, as_json: bool) -> None:
    """Make a personal token; it is shown this once."""
    with transaction():
        member_id = queries.member_id_by_email(email)
        if member_id is None:
            raise NotFound(_("Nobody has an account with the address %(email)s.", email=email))
        made = services.create_token(member_id, name=name, scopes=scopes)
    click.echo(jsonlib.dumps({"token": made}) if as_json else made)


@member.command("invite")
@click.option("--email", required=True, help="Whom to ask in.")
@click.option(
    "--kind", type=click.Choice([kind.value for kind in Kind]), help="As what; by default what the organisation is."
)
@click.option("--organisation", help="Key, number or name of the organisation.")
@click.option("--organisation-admin", is_flag=True, help="Lets them look after the organisation's people.")
@click.option("--role", "roles", type=click.Choice([role.value for role in Role]), multiple=True, help="For staff.")
@click.option("--lang", type=click.Choice(services.LANGUAGES), default="en", show_default=True)
@as_json
def invite_member(
    *,
    email: str,
    kind: str | None,
    organisation: str | None,
    organisation_admin: bool,
    roles: tuple[str, ...],
    lang: str,
    as_json: bool,
) -> None:
    """Ask somebody in; the link is mailed if mail can be sent, and printed."""
    with transaction():
        card, secret = invitations.invite(
            COMMAND_LINE,
            email=email,
            kind=kind,
            organisation_id=people.organisation_named(organisation) if organisation else None,
            organisation_admin=organisation_admin,
            roles=roles,
            lang=lang,
        )
        if mail.has_server():
            with current_app.test_request_context():
                mailing.send(card, secret, lang=lang)
    url = mailing.url_of(secret)
    click.echo(jsonlib.dumps({"id": card.id, "url": url}) if as_json else url)


@member.command("merge")
@click.argument("kept", type=int)
@click.argument("gone", type=int)
@click.option("--evidence", required=True, help="What shows that both accounts are one person's.")
@as_json
def merge_members(*, kept: int, gone: int, evidence: str, as_json: bool) -> None:
    """Join the account GONE to KEPT: everything stands under KEPT, each vote counts once."""
    with transaction():
        merge_id = merging.merge_members(kept, gone, actor_id=None, evidence=evidence)
    click.echo(jsonlib.dumps({"merge": merge_id}) if as_json else str(merge_id))


@member.command("unmerge")
@click.argument("merge_id", type=int)
@as_json
def unmerge_members(*, merge_id: int, as_json: bool) -> None:
    """Part two accounts again: each has what it had."""
    with transaction():
        undone = merging.unmerge_members(merge_id, actor_id=None)
        found = {"kept": undone.kept_id, "gone": undone.gone_id}
    click.echo(jsonlib.dumps(found) if as_json else f"{found['kept']}  {found['gone']}")
