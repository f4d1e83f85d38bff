"""Signing up, in and out, in a browser without scripts."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.kernel.database import db
from portal.members import queries, services
from portal.members.models import MemberSession
from portal.members.signing import passwords
from portal.members.signing.throttle import SIGN_IN
from tests.conftest import counted_queries
from tests.members.factories import a_member, sign_in

PASSWORD = "tre matasse di lana"


@pytest.fixture
def marta(app: Flask) -> int:
    kept = passwords.hash_password(PASSWORD)
    return a_member(email="marta@example.org", name="Marta Colantoni", password_hash=kept)


def token_in(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).get_data(as_text=True))
    assert found
    return found[1]


def send(client: FlaskClient, path: str, page: str = "", **fields: Any) -> Any:
    token = token_in(client, page or path.partition("?")[0])
    return client.post(path, data={**fields, "csrf_token": token})


def enter(client: FlaskClient, password: str = PASSWORD, email: str = "marta@example.org", **fields: Any) -> Any:
    return send(client, "/sign-in", email=email, password=password, **fields)


def is_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


# Signing up


def test_a_newcomer_signs_up_and_is_signed_in(client: FlaskClient) -> None:
    answer = send(client, "/sign-up", name="Ruth Okafor", email="Ruth@Example.org", password="warm socks for winter")
    assert (answer.status_code, answer.location) == (302, "/")
    member = queries.member_by_email("ruth@example.org")
    assert member is not None
    assert (member.kind, member.roles, member.email_verified_at) == ("customer", [], None)
    assert member.password is not None
    assert member.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "Ruth Okafor" in client.get("/account").get_data(as_text=True)


def test_nobody_signs_up_as_staff(client: FlaskClient) -> None:
    send(client, "/sign-up", name="Eve", email="eve@example.org", password="warm socks for winter",
         kind="staff", roles="admin", active="1", id="1")  # fmt: skip
    member = queries.member_by_email("eve@example.org")
    assert member is not None
    assert (member.kind, member.roles) == ("customer", [])


def test_a_form_with_errors_keeps_what_was_typed(client: FlaskClient) -> None:
    answer = send(client, "/sign-up", name="Ruth Okafor", email="ruth", password="short")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="Ruth Okafor"' in page
    assert 'value="ruth"' in page
    assert "short" not in page.replace("shorter", "")
    assert "Write an address such as name@example.org." in page


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("sixteen16", "at least 10 characters"),
        ("x" * 129, "at most 128 characters"),
        ("1234567890", "Many people use this password"),
        ("password123", "Many people use this password"),
        ("aaaaaaaaaaaa", "Many people use this password"),
        ("ruthokafor1", "Your name or address"),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(client: FlaskClient, password: str, reason: str) -> None:
    answer = send(client, "/sign-up", name="Ruth Okafor", email="ruth@example.org", password=password)
    assert answer.status_code == 422
    assert reason.casefold() in answer.get_data(as_text=True).casefold()


def test_an_address_is_taken_once_whatever_its_capitals(client: FlaskClient, marta: int) -> None:
    answer = send(client, "/sign-up", name="Other", email="MARTA@example.org", password="warm socks for winter")
    assert answer.status_code == 422
    assert "already has an account" in answer.get_data(as_text=True)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\0b", "a\x07b"])
def test_a_name_must_be_one(client: FlaskClient, name: str) -> None:
    answer = send(client, "/sign-up", name=name, email="ruth@example.org", password="warm socks for winter")
    assert answer.status_code == 422
    assert queries.member_by_email("ruth@example.org") is None


def test_a_newcomer_keeps_the_language_of_her_browser(client: FlaskClient) -> None:
    token = token_in(client, "/sign-up")
    fields = {"name": "Ivo", "email": "ivo@example.org", "password": "calze per inverno", "csrf_token": token}
    client.post("/sign-up", data=fields, headers={"Accept-Language": "it"})
    member = queries.member_by_email("ivo@example.org")
    assert member is not None
    assert member.lang == "it"


# Signing in and out


def test_a_member_signs_in_and_out(client: FlaskClient, marta: int) -> None:
    assert enter(client).status_code == 302
    assert is_in(client)
    assert send(client, "/sign-out", page="/account").status_code == 302
    assert not is_in(client)


@pytest.mark.parametrize(("email", "password"), [("marta@example.org", "wrong"), ("nobody@example.org", PASSWORD)])
def test_a_wrong_pair_never_says_which_of_the_two(client: FlaskClient, marta: int, email: str, password: str) -> None:
    answer = enter(client, password, email)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Address and password do not go together." in page
    assert f'value="{email}"' in page


def test_a_stolen_cookie_opens_nothing_after_signing_out(app: Flask, client: FlaskClient, marta: int) -> None:
    enter(client)
    with client.session_transaction() as session:
        stolen = dict(session)
    send(client, "/sign-out", page="/account")
    thief = app.test_client()
    with thief.session_transaction() as session:
        session.update(stolen)
    assert not is_in(thief)


def test_staying_signed_in_survives_the_browser(client: FlaskClient, marta: int) -> None:
    enter(client, remember="y")
    client.delete_cookie("session")
    assert is_in(client)


def test_a_session_without_that_does_not(client: FlaskClient, marta: int) -> None:
    enter(client)
    client.delete_cookie("session")
    assert not is_in(client)


def test_a_closed_account_cannot_sign_in(client: FlaskClient, marta: int) -> None:
    enter(client)
    queries.member_for_update(marta).active = False
    db.session.commit()
    assert not is_in(client)
    assert enter(client).status_code == 422


@pytest.mark.parametrize("path", ["/ideas/7", "/search?q=lana&board=x", "/members/3/r%C3%BCth"])
def test_the_way_back_is_kept(client: FlaskClient, marta: int, path: str) -> None:
    assert enter(client, next=path).location == path


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        " //evil.example",
        "\t//evil.example",
        "/%09/evil.example",
        "http://localhost@evil.example/",
    ],
)
def test_no_way_leads_elsewhere(client: FlaskClient, marta: int, elsewhere: str) -> None:
    answer = enter(client, next=elsewhere)
    assert answer.status_code == 302
    assert re.fullmatch(r"(http://localhost)?/[^/\\\s]*(/[^/\\].*)?", answer.location), answer.location
    client.get("/account")


def test_a_page_for_members_sends_to_the_sign_in_page_and_back(client: FlaskClient, marta: int) -> None:
    answer = client.get("/account/tokens?x=1")
    assert answer.location == "/sign-in?next=%2Faccount%2Ftokens%3Fx%3D1"
    page = client.get(answer.location).get_data(as_text=True)
    assert 'value="/account/tokens?x=1"' in page


def test_a_post_from_elsewhere_is_refused(client: FlaskClient, marta: int) -> None:
    assert client.post("/sign-in", data={"email": "marta@example.org", "password": PASSWORD}).status_code == 400
    assert not is_in(client)


# Throttling


def test_many_wrong_attempts_are_stopped(client: FlaskClient, marta: int) -> None:
    for _ in range(SIGN_IN.most):
        assert enter(client, "wrong").status_code == 422
    answer = enter(client)
    assert answer.status_code == 429
    assert "Too many attempts" in answer.get_data(as_text=True)
    assert not is_in(client)


def test_right_passwords_are_not_counted(app: Flask, marta: int) -> None:
    for _ in range(SIGN_IN.most + 2):
        assert enter(app.test_client()).status_code == 302


def test_others_are_not_stopped_by_attempts_from_another_address(app: Flask, client: FlaskClient, marta: int) -> None:
    a_member(email="ruth@example.org", password_hash=passwords.hash_password(PASSWORD))
    other = app.test_client()
    other.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    for _ in range(SIGN_IN.most):
        enter(other, "wrong")
    assert enter(client).status_code == 429
    assert enter(client, email="ruth@example.org").status_code == 302


# Passwords and sessions


def test_a_new_password_signs_out_every_other_device(app: Flask, client: FlaskClient, marta: int) -> None:
    phone = app.test_client()
    enter(phone, remember="y")
    enter(client)
    fresh = "quattro ferri e un gatto"
    answer = send(client, "/account/password", password=PASSWORD, new_password=fresh)
    assert (answer.status_code, answer.location) == (302, "/account")
    assert is_in(client)
    assert not is_in(phone)
    assert enter(phone).status_code == 422
    assert enter(phone, fresh).status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("wrong", "quattro ferri e un gatto", "not your present password"),
        (PASSWORD, PASSWORD, "not the present one"),
        (PASSWORD, "1234567890", "Many people use this password"),
    ],
)
def test_a_password_is_changed_only_for_a_good_one(
    client: FlaskClient, marta: int, old: str, new: str, said: str
) -> None:
    enter(client)
    answer = send(client, "/account/password", password=old, new_password=new)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)


def test_one_device_can_sign_out_another(app: Flask, client: FlaskClient, marta: int) -> None:
    phone = app.test_client()
    enter(phone)
    enter(client)
    page = client.get("/account/security").get_data(as_text=True)
    (path,) = re.findall(r'action="(/account/sessions/\d+/close)"', page)
    send(client, path, page="/account")
    assert not is_in(phone)
    assert is_in(client)


def test_nobody_closes_the_session_of_another(app: Flask, client: FlaskClient, marta: int) -> None:
    enter(client)
    mine = db.session.query(MemberSession).filter_by(member_id=marta).one().id
    other = sign_in(app.test_client(), a_member())
    send(other, f"/account/sessions/{mine}/close", page="/account")
    assert is_in(client)


# What it costs


def test_who_asks_is_one_query(app: Flask, client: FlaskClient, marta: int) -> None:
    sign_in(client, marta)
    client.get("/api/v1/me")
    with counted_queries() as seen:
        client.get("/livez")
    assert len(seen) == 0
    with counted_queries() as seen:
        assert client.get("/api/v1/me").status_code == 200
    assert len(seen) == 2


def test_a_visit_is_noted_once_an_hour(app: Flask, client: FlaskClient, marta: int) -> None:
    key = services.open_session(marta)
    db.session.commit()
    with client.session_transaction() as session:
        session["_user_id"] = key
    with counted_queries() as seen:
        client.get("/api/v1/me")
    assert not [statement for statement in seen if statement.startswith("UPDATE")]


@pytest.mark.parametrize(
    "email", ["a\0b@example.org", "x" * 300 + "@example.org", "@", "\u202emoc", "marta@example.org\n"]
)
def test_an_address_that_cannot_be_one_is_like_a_wrong_one(client: FlaskClient, marta: int, email: str) -> None:
    assert enter(client, PASSWORD, email).status_code == 422


@pytest.mark.parametrize("password", ["a\0" + "b" * 12, "\x00" * 12, "🧶" * 12, "x" * 100_000])
def test_any_text_can_be_tried_as_a_password(client: FlaskClient, marta: int, password: str) -> None:
    assert enter(client, password).status_code == 422
    new = send(client, "/sign-up", name="Ruth", email="ruth@example.org", password=password)
    assert new.status_code in {302, 422}
