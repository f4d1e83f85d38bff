"""Signing up, in and out, in a browser without scripts."""

import re

from flask import Flask
from flask.testing import FlaskClient

from portal.kernel.database import db
from portal.members import passwords, queries, services
from tests.conftest import counted_queries

PASSWORD = "tre matasse di lana"


def token_in(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).get_data(as_text=True))
    assert found
    return found[1]


def send(client: FlaskClient, path: str, **fields: str):
    page = path.partition("?")[0]
    return client.post(path, data={**fields, "csrf_token": token_in(client, page)})


def marta() -> int:
    member = services.create_member(
        email="marta@example.org", name="Marta Colantoni", password_hash=passwords.hash_password(PASSWORD)
    )
    db.session.commit()
    return member.id


def sign_in(client: FlaskClient, password: str = PASSWORD, **fields: str):
    return send(client, "/sign-in", email="marta@example.org", password=password, **fields)


def test_a_newcomer_signs_up_and_is_signed_in(client: FlaskClient) -> None:
    answer = send(client, "/sign-up", name="Ruth Okafor", email="Ruth@Example.org", password="warm socks for winter")
    assert answer.status_code == 302
    assert answer.location == "/"
    member = queries.member_by_email("ruth@example.org")
    assert member is not None
    assert (member.kind, member.roles, member.email_verified_at) == ("customer", [], None)
    assert "Ruth Okafor" in client.get("/account").get_data(as_text=True)
