"""What members set for themselves."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.kernel.database import db
from portal.kernel.outbox import Fact
from portal.members import queries, services
from portal.members.founding import found_organisation
from portal.members.rules import Purpose
from tests.members.factories import a_member, a_token, bearer, sign_in


@pytest.fixture
def ruth(client: FlaskClient) -> int:
    member_id = a_member(name="Ruth Okafor", email="ruth@example.org")
    sign_in(client, member_id)
    return member_id


def send(client: FlaskClient, path: str, page: str = "/account", **fields: Any) -> Any:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).get_data(as_text=True))
    assert found
    return client.post(path, data={**fields, "csrf_token": found[1]})


def facts(name: str) -> list[Fact]:
    return list(db.session.scalars(select(Fact).filter_by(name=name)))


PROFILE = {"name": "Ruth O.", "job": "bus driver", "city": "Sulmona", "bio": "Socks.\n\nPatience.", "lang": "it"}


def test_a_member_says_who_she_is(client: FlaskClient, ruth: int) -> None:
    assert send(client, "/account", **PROFILE).status_code == 302
    now = queries.profile(ruth)
    assert (now.name, now.job, now.city, now.bio, now.lang) == tuple(PROFILE.values())
    assert facts("MemberProfileChanged")[0].payload["fields"] == ["name", "bio", "job", "city", "lang"]
    assert "Salvato." in client.get("/account").get_data(as_text=True)


def test_saying_the_same_again_changes_nothing(client: FlaskClient, ruth: int) -> None:
    send(client, "/account", **PROFILE)
    send(client, "/account", **PROFILE)
    assert len(facts("MemberProfileChanged")) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "x" * 81), ("name", "a\x00b"), ("bio", "x" * 2001), ("bio", "a\x01"), ("lang", "tlh")],
)
def test_what_does_not_fit_is_said_and_nothing_is_lost(client: FlaskClient, ruth: int, field: str, value: str) -> None:
    answer = send(client, "/account", **{**PROFILE, field: value})
    assert answer.status_code == 422
    assert "bus driver" in answer.get_data(as_text=True)
    assert queries.profile(ruth).name == "Ruth Okafor"


def test_sharing_with_the_crm_can_be_withdrawn_and_given_again(client: FlaskClient, ruth: int) -> None:
    assert queries.agrees(ruth, Purpose.CRM)
    send(client, "/account/consent")
    assert not queries.agrees(ruth, Purpose.CRM)
    send(client, "/account/consent", crm="y")
    send(client, "/account/consent", crm="y")
    assert queries.agrees(ruth, Purpose.CRM)
    assert (len(facts("ConsentWithdrawn")), len(facts("ConsentGiven"))) == (1, 1)


def test_a_token_is_shown_once_and_can_be_revoked(app: Flask, client: FlaskClient, ruth: int) -> None:
    page = send(client, "/account/tokens", "/account/tokens", name="newsletter", scopes=["read"])
    assert page.status_code == 201
    found = re.search(r'value="(pt_[\w-]+)"', page.get_data(as_text=True))
    assert found
    assert found[1] not in client.get("/account/tokens").get_data(as_text=True)
    program = app.test_client()
    assert program.get("/api/v1/me", headers=bearer(found[1])).get_json()["scopes"] == ["read"]
    path = re.search(r'action="(/account/tokens/\d+/revoke)"', client.get("/account/tokens").get_data(as_text=True))
    assert path
    send(client, path[1], "/account/tokens")
    assert program.get("/api/v1/me", headers=bearer(found[1])).status_code == 401


def test_a_token_needs_a_name_and_a_scope_one_may_have(client: FlaskClient, ruth: int) -> None:
    for fields in ({"name": "", "scopes": ["read"]}, {"name": "x"}, {"name": "x", "scopes": ["fly"]},
                   {"name": "x", "scopes": ["admin"]}):  # fmt: skip
        assert send(client, "/account/tokens", "/account/tokens", **fields).status_code == 422
    assert queries.tokens_of(ruth) == []


def test_nobody_revokes_the_token_of_another(client: FlaskClient, ruth: int) -> None:
    a_token(a_member())
    (theirs,) = queries.tokens_of(queries.newest_members().items[0].card.id)
    assert send(client, f"/account/tokens/{theirs.id}/revoke").status_code == 404


def test_an_admins_token_loses_that_scope_with_the_role(app: Flask) -> None:
    admin = a_member(roles=["admin"])
    token = a_token(admin, "read", "admin")
    services.set_roles(admin, [], actor_id=None)
    db.session.commit()
    assert app.test_client().get("/api/v1/me", headers=bearer(token)).get_json()["scopes"] == ["read"]


def test_lists_of_members_are_for_members_and_addresses_for_staff(app: Flask, client: FlaskClient, ruth: int) -> None:
    assert app.test_client().get("/members").status_code == 302
    page = client.get("/members").get_data(as_text=True)
    assert "Ruth Okafor" in page
    assert "ruth@example.org" not in page
    assert client.get("/staff/members").status_code == 403
    bea = sign_in(app.test_client(), a_member(kind="staff", roles=["moderator"]))
    assert "ruth@example.org" in bea.get("/staff/members").get_data(as_text=True)


def test_an_organisation_shows_its_people(client: FlaskClient, ruth: int) -> None:
    mill = found_organisation(name="Filanda Rossi", kind="supplier", note="pays late")
    a_member(name="Ermanno", kind="supplier", organisation_id=mill)
    page = client.get(f"/organisations/{mill}").get_data(as_text=True)
    assert "Filanda Rossi" in page
    assert "Ermanno" in page
    assert "pays late" not in page
    assert client.get("/organisations/999999").status_code == 404
