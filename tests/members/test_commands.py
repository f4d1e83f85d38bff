"""Accounts and tokens from the command line."""

import json

from click.testing import Result
from flask import Flask
from flask.cli import ScriptInfo

from portal.cli import portal as commands
from portal.members import queries

CREATE = ["member", "create", "--email", "Sara@example.org", "--name", "Sara", "--kind", "customer", "--role", "admin"]


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(commands, list(arguments), obj=ScriptInfo(create_app=lambda: app))


def test_a_member_is_made_and_its_id_printed(app: Flask) -> None:
    done = run(app, *CREATE, "--password", "neve sul Sirente", "--json")
    assert done.exit_code == 0, done.output
    who = queries.profile(json.loads(done.stdout)["id"])
    assert (who.name, who.kind, who.roles) == ("Sara", "customer", ("admin",))


def test_the_same_address_twice_is_refused_in_a_sentence(app: Flask) -> None:
    run(app, *CREATE)
    again = run(app, *CREATE, "--json")
    assert again.exit_code == 1
    assert again.stdout == ""
    assert "already has an account" in again.stderr


def test_arguments_without_sense_end_with_two(app: Flask) -> None:
    assert run(app, *CREATE, "--kind", "robot").exit_code == 2
    assert run(app, "token", "create", "--email", "sara@example.org", "--scopes", "fly").exit_code == 2


def test_a_token_is_printed_once_and_works(app: Flask) -> None:
    run(app, *CREATE)
    done = run(app, "token", "create", "--email", "sara@example.org", "--scopes", "read,write,admin", "--json")
    token = json.loads(done.stdout)["token"]
    me = app.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).get_json()
    assert me["name"] == "Sara"
    assert me["scopes"] == ["admin", "read", "write"]


def test_a_token_for_nobody_is_refused(app: Flask) -> None:
    done = run(app, "token", "create", "--email", "nobody@example.org", "--json")
    assert done.exit_code == 1
    assert "nobody@example.org" in done.stderr


def test_only_admins_get_the_scope_of_an_admin(app: Flask) -> None:
    run(app, "member", "create", "--email", "noor@example.org", "--name", "Noor")
    assert run(app, "token", "create", "--email", "noor@example.org", "--scopes", "admin").exit_code == 1
