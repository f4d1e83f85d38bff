"""Asking in and joining by the command line and the API."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.members import facade
from portal.members.founding import found_organisation
from tests.factories import a_member, a_token, bearer
from tests.members.test_guests import mails
from tests.members.test_inviting import an_organisation, its_admin

pytestmark = pytest.mark.usefixtures("app")


def run(app: Flask, *words: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=list(words))
    return done.exit_code, done.output


def test_the_command_line_asks_in_and_prints_the_link(app: Flask, client: FlaskClient) -> None:
    found_organisation(name="Filanda", kind="supplier", key="filanda")
    status, output = run(app, "member", "invite", "--email", "x@example.org", "--organisation", "filanda", "--json")
    made = json.loads(output.splitlines()[-1])
    assert status == 0
    page = client.get("/invitations/" + made["url"].rpartition("/")[2])
    assert "Filanda" in page.text
    assert "supplier" in page.text
    status, _output = run(app, "member", "invite", "--email", "x@example.org", "--organisation", "nobody")
    assert status != 0


def test_the_command_line_joins_and_parts(app: Flask) -> None:
    ada, double = a_member(), a_member()
    status, output = run(app, "member", "merge", str(ada), str(double), "--evidence", "told us", "--json")
    assert (status, facade.merged_members()) == (0, {double: ada})
    merge_id = json.loads(output.splitlines()[-1])["merge"]
    assert run(app, "member", "unmerge", str(merge_id))[0] == 0
    assert facade.merged_members() == {}


def test_programs_ask_in_list_and_revoke(client: FlaskClient) -> None:
    filanda, other = an_organisation(), an_organisation(name="Cardatura")
    boss = bearer(a_token(its_admin(filanda)))
    made = client.post("/api/v1/invitations", json={"email": "a@example.org", "organisation_id": filanda}, headers=boss)
    assert made.status_code == 201
    assert made.json is not None
    assert (made.json["kind"], made.json["state"]) == ("supplier", "open")
    assert mails()[-1][0] == "a@example.org"
    assert "secret" not in made.text
    foreign = client.post(
        "/api/v1/invitations", json={"email": "a@example.org", "organisation_id": other}, headers=boss
    )
    assert foreign.status_code == 403
    assert client.get("/api/v1/invitations", headers=boss).status_code == 403
    assert client.get(f"/api/v1/invitations?organisation_id={other}", headers=boss).status_code == 403
    mine = client.get(f"/api/v1/invitations?organisation_id={filanda}", headers=boss)
    assert [one["email"] for one in mine.json["items"]] == ["a@example.org"]  # type: ignore[index]
    gone = f"/api/v1/invitations/{made.json['id']}"
    assert client.delete(gone, headers=bearer(a_token(a_member()))).status_code == 404
    assert client.delete(gone, headers=boss).status_code == 204
    assert client.delete(gone, headers=boss).status_code == 409
    staff = bearer(a_token(a_member(kind="staff", roles=["brand_manager"])))
    assert client.get("/api/v1/invitations?open=true", headers=staff).json == {"items": [], "next": None}
    listed = client.get("/api/v1/organisations", headers=staff).json
    assert [(one["name"], one["members"]) for one in listed["items"]] == [("Cardatura", 0), ("Filanda", 1)]  # type: ignore[index]
    bad = client.post("/api/v1/invitations", json={"email": "x", "kind": "king"}, headers=staff)
    assert bad.status_code == 422
    assert client.get("/api/v1/organisations", headers=boss).status_code == 403
