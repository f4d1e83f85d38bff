"""The second step: codes of an app, recovery codes, and what only somebody does who has just shown who she is."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from passlib.totp import TOTP
from sqlalchemy import select, update

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members import queries
from portal.members.models import MemberSession, SignInEntry
from portal.members.signing import passwords, sealing
from portal.members.signing.models import SecondStep
from portal.members.signing.services import second_step
from portal.members.signing.throttle import CODE
from tests.members.factories import a_member, a_token, bearer, sign_in
from tests.members.test_signing_in import PASSWORD, enter, is_in, send, token_in


@pytest.fixture
def marta(app: Flask) -> int:
    kept = passwords.hash_password(PASSWORD)
    return a_member(email="marta@example.org", name="Marta Colantoni", password_hash=kept, verified=True)


def code_of(key: str, *, halves: int = 0) -> str:
    """Return what an app shows; ``halves`` half minutes from now."""
    return str(TOTP(key=key, format="base32").generate(time.time() + 30 * halves).token)


def set_up(client: FlaskClient, member_id: int) -> tuple[str, list[str]]:
    """Let a member who is in add an app; return its key and the recovery codes."""
    page = client.get("/account/security/app").get_data(as_text=True)
    found = re.search(r'codes-key" translate="no">([A-Z2-7 ]+)<', page)
    assert found
    key = found[1].replace(" ", "")
    answer = send(client, "/account/security/app", code=code_of(key, halves=-1))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    codes = re.findall(r"<code>([a-z2-9-]{19})</code>", answer.get_data(as_text=True))
    return key, codes


def second(client: FlaskClient, code: str) -> Any:
    return send(client, "/sign-in/second", code=code)


@pytest.fixture
def armed(app: Flask, marta: int) -> tuple[int, str, list[str]]:
    """A member with an app: her id, its key, her recovery codes."""
    key, codes = set_up(sign_in(app.test_client(), marta), marta)
    return marta, key, codes


def age(member_id: int, **by: float) -> None:
    """Let a member's last proof lie back in time."""
    old = now() - timedelta(**by)
    db.session.execute(update(MemberSession).filter_by(member_id=member_id).values(proved_at=old))
    db.session.commit()


# Setting it up


def test_the_picture_and_the_key_say_the_same_and_stay_so(client: FlaskClient, marta: int) -> None:
    sign_in(client, marta)
    page = client.get("/account/security/app").get_data(as_text=True)
    assert '<svg class="qr" role="img"' in page
    assert "otpauth://totp/" in page
    assert "style=" not in page
    assert re.findall(r'codes-key" translate="no">([^<]+)<', page) == re.findall(
        r'codes-key" translate="no">([^<]+)<', client.get("/account/security/app").get_data(as_text=True)
    )


def test_an_app_counts_only_after_its_first_code(client: FlaskClient, marta: int) -> None:
    sign_in(client, marta)
    client.get("/account/security/app")
    assert send(client, "/account/security/app", code="000000").status_code == 422
    assert not second_step.is_required(marta)


def test_the_secret_is_kept_sealed(app: Flask, armed: tuple[int, str, list[str]]) -> None:
    marta, key, codes = armed
    row = db.session.get(SecondStep, marta)
    assert row is not None
    assert row.secret is not None
    assert key not in row.secret
    assert sealing.unseal(row.secret) == key
    assert len(codes) == len(set(codes)) == 10


def test_an_older_key_still_opens_what_it_sealed(app: Flask) -> None:
    sealed = sealing.seal("wool")
    present = app.config["SECRET_KEY"]
    app.config["SECRET_KEY"] = "a new one"
    try:
        assert sealing.unseal(sealed) is None
        app.config["SECRET_KEY_FALLBACKS"] = [present]
        assert sealing.unseal(sealed) == "wool"
    finally:
        app.config["SECRET_KEY"] = present
        app.config["SECRET_KEY_FALLBACKS"] = None


def test_setting_it_up_signs_out_devices_that_came_in_without(app: Flask, client: FlaskClient, marta: int) -> None:
    phone = sign_in(app.test_client(), marta)
    sign_in(client, marta)
    set_up(client, marta)
    assert is_in(client)
    assert not is_in(phone)


# Signing in


def test_the_password_alone_does_not_let_in(client: FlaskClient, armed: tuple[int, str, list[str]]) -> None:
    answer = enter(client, next="/ideas")
    assert (answer.status_code, answer.location) == (302, "/sign-in/second")
    assert not is_in(client)
    page = client.get("/sign-in/second")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "private, no-store"


def test_the_code_lets_in_and_leads_on(client: FlaskClient, armed: tuple[int, str, list[str]]) -> None:
    marta, key, _codes = armed
    enter(client, next="/ideas", remember="y")
    answer = second(client, code_of(key))
    assert (answer.status_code, answer.location) == (302, "/ideas")
    assert is_in(client)
    session = db.session.scalars(select(MemberSession).filter_by(member_id=marta).order_by(MemberSession.id)).all()[-1]
    assert (session.way, session.second_factor) == ("password", True)
    client.delete_cookie("session")
    assert is_in(client)


def test_the_same_code_is_refused_the_second_time(
    app: Flask, client: FlaskClient, armed: tuple[int, str, list[str]]
) -> None:
    _marta, key, _codes = armed
    code = code_of(key)
    enter(client)
    assert second(client, code).status_code == 302
    thief = app.test_client()
    enter(thief)
    answer = second(thief, code)
    assert answer.status_code == 422
    assert "has been used" in answer.get_data(as_text=True)
    assert not is_in(thief)


def test_an_older_code_is_refused_once_a_newer_one_was_taken(
    app: Flask, client: FlaskClient, armed: tuple[int, str, list[str]]
) -> None:
    _marta, key, _codes = armed
    enter(client)
    assert second(client, code_of(key, halves=1)).status_code == 302
    thief = app.test_client()
    enter(thief)
    assert second(thief, code_of(key)).status_code == 422


@pytest.mark.parametrize("halves", [-4, 4])
def test_a_code_of_another_time_is_refused(client: FlaskClient, armed: tuple[int, str, list[str]], halves: int) -> None:
    enter(client)
    assert second(client, code_of(armed[1], halves=halves)).status_code == 422


@pytest.mark.parametrize("code", ["", "0", "abcdef", "\0", "1" * 39, "🧶🧶🧶🧶🧶🧶", "١٢٣٤٥٦", "aaaa-aaaa-aaaa-aaaa"])
def test_any_text_can_be_tried_as_a_code(client: FlaskClient, armed: tuple[int, str, list[str]], code: str) -> None:
    enter(client)
    assert second(client, code).status_code == 422
    assert not is_in(client)


def test_a_recovery_code_lets_in_once(app: Flask, client: FlaskClient, armed: tuple[int, str, list[str]]) -> None:
    marta, _key, codes = armed
    enter(client)
    assert second(client, codes[3].upper().replace("-", " ")).status_code == 302
    assert is_in(client)
    assert second_step.recovery_codes_left(marta) == 9
    other = app.test_client()
    enter(other)
    assert second(other, codes[3]).status_code == 422


def test_new_recovery_codes_end_the_old_ones(
    app: Flask, client: FlaskClient, armed: tuple[int, str, list[str]]
) -> None:
    _marta, key, codes = armed
    enter(client)
    second(client, code_of(key))
    answer = send(client, "/account/security/codes", "/account/security")
    fresh = re.findall(r"<code>([a-z2-9-]{19})</code>", answer.get_data(as_text=True))
    assert len(fresh) == 10
    other = app.test_client()
    enter(other)
    assert second(other, codes[0]).status_code == 422
    assert second(other, fresh[0]).status_code == 302


def test_guessing_codes_is_stopped(client: FlaskClient, armed: tuple[int, str, list[str]]) -> None:
    enter(client)
    for _ in range(CODE.most):
        assert second(client, "000000").status_code == 422
    answer = second(client, code_of(armed[1]))
    assert answer.status_code == 429
    assert not is_in(client)


def test_a_new_password_ends_what_is_halfway(
    app: Flask, client: FlaskClient, armed: tuple[int, str, list[str]]
) -> None:
    _marta, key, _codes = armed
    thief = app.test_client()
    enter(thief)
    enter(client)
    second(client, code_of(key))
    assert (
        send(client, "/account/password", password=PASSWORD, new_password="quattro ferri e un gatto").status_code == 302
    )
    token = token_in(thief, "/sign-in")
    answer = thief.post("/sign-in/second", data={"code": code_of(key, halves=1), "csrf_token": token})
    assert answer.location == "/sign-in"
    assert not is_in(thief)


def test_the_second_step_cannot_be_reached_without_the_first(
    client: FlaskClient, armed: tuple[int, str, list[str]]
) -> None:
    assert client.get("/sign-in/second").location == "/sign-in"
    token = token_in(client, "/sign-in")
    answer = client.post("/sign-in/second", data={"code": code_of(armed[1]), "csrf_token": token})
    assert answer.location == "/sign-in"
    assert not is_in(client)


def test_who_tried_is_shown_to_whose_account_it_is(
    app: Flask, client: FlaskClient, armed: tuple[int, str, list[str]]
) -> None:
    marta, key, _codes = armed
    thief = app.test_client()
    enter(thief, "wrong")
    enter(thief)
    second(thief, "000000")
    outcomes = [one.outcome for one in db.session.scalars(select(SignInEntry).filter_by(member_id=marta))]
    assert {"wrong_password", "wrong_code"} <= set(outcomes)
    enter(client)
    second(client, code_of(key))
    page = client.get("/account/security").get_data(as_text=True)
    assert "Refused: wrong password" in page
    assert "Refused: wrong code" in page


def test_removing_the_app_ends_the_second_step(
    app: Flask, client: FlaskClient, armed: tuple[int, str, list[str]]
) -> None:
    marta, key, _codes = armed
    enter(client)
    second(client, code_of(key))
    assert send(client, "/account/security/app/remove", "/account/security").status_code == 302
    assert not second_step.is_required(marta)
    other = app.test_client()
    assert enter(other).location == "/"
    assert is_in(other)


# Once more


def test_what_matters_is_asked_again_after_a_while(client: FlaskClient, marta: int) -> None:
    enter(client)
    assert client.get("/account/security/app").status_code == 200
    age(marta, minutes=16)
    answer = client.get("/account/tokens?x=1")
    assert answer.location == "/account/again?next=%2Faccount%2Ftokens%3Fx%3D1"
    assert send(client, answer.location, answer.location, password="wrong", next="/account/tokens").status_code == 422
    assert client.get("/account/tokens").status_code == 303
    done = send(client, "/account/again", answer.location, password=PASSWORD, next="/account/tokens?x=1")
    assert done.location == "/account/tokens?x=1"
    assert client.get("/account/tokens").status_code == 200


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/account/tokens", "/account"),
        ("/account/address", "/account"),
        ("/account/security/app", "/account"),
        ("/account/security/app/remove", "/account/security"),
        ("/account/security/codes", "/account/security"),
        ("/account/security/second-step", "/account/security"),
        ("/account/security/second-step/end", "/account/security"),
        ("/account/security/passkeys", "/account/security"),
        ("/account/security/passkeys/1/remove", "/account/security"),
        ("/account/security/passkeys/1/name", "/account/security"),
        ("/account/security/providers/1/unlink", "/account/security"),
    ],
)
def test_an_old_proof_changes_nothing(client: FlaskClient, marta: int, path: str, page: str) -> None:
    enter(client)
    age(marta, minutes=16)
    answer = send(client, path, page)
    assert answer.status_code == 303
    assert answer.location.startswith("/account/again?next=")


def test_a_code_is_a_proof_too(client: FlaskClient, armed: tuple[int, str, list[str]]) -> None:
    marta, key, _codes = armed
    enter(client)
    second(client, code_of(key))
    age(marta, minutes=16)
    answer = send(client, "/account/again/code", "/account/again", code=code_of(key, halves=1), next="/account/tokens")
    assert answer.location == "/account/tokens"
    assert client.get("/account/tokens").status_code == 200


def test_a_token_proves_nobody(client: FlaskClient, marta: int) -> None:
    token = a_token(marta, "read", "write")
    assert client.get("/account/security/app", headers=bearer(token)).status_code == 302


def test_guessing_the_password_again_is_stopped(client: FlaskClient, marta: int) -> None:
    enter(client)
    answers = [send(client, "/account/again", password="wrong").status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]


# Staff


@pytest.fixture
def strict(app: Flask) -> Any:
    app.config["STAFF_SECOND_FACTOR"] = True
    yield
    app.config["STAFF_SECOND_FACTOR"] = False


def test_a_role_opens_nothing_before_the_second_proof(client: FlaskClient, strict: None) -> None:
    boss = a_member(
        email="boss@example.org",
        kind="staff",
        roles=["admin"],
        password_hash=passwords.hash_password(PASSWORD),
        verified=True,
    )
    enter(client, email="boss@example.org")
    answer = client.get("/staff/members")
    assert answer.location == "/account/security?next=%2Fstaff%2Fmembers"
    page = client.get(answer.location).get_data(as_text=True)
    assert "Your role opens nothing yet." in page
    assert "Staff room" not in page
    assert send(client, "/account/tokens", name="x", scopes="admin").status_code == 403
    key, _codes = set_up(client, boss)
    assert client.get("/staff/members").status_code == 200
    send(client, "/sign-out", "/account")
    enter(client, email="boss@example.org")
    second(client, code_of(key))
    assert client.get("/staff/members").status_code == 200


def test_without_the_setting_a_role_opens_what_it_opens(client: FlaskClient) -> None:
    sign_in(client, a_member(kind="staff", roles=["admin"]))
    assert client.get("/staff/members").status_code == 200


def test_whoever_has_no_password_proves_herself_before_she_sets_one(client: FlaskClient, app: Flask) -> None:
    ines = a_member(email="ines@example.org", name="Ines", verified=True)
    sign_in(client, ines)
    assert client.get("/account/password").status_code == 200
    age(ines, minutes=16)
    answer = client.get("/account/password")
    assert (answer.status_code, answer.location) == (303, "/account/again?next=%2Faccount%2Fpassword")
    answer = send(client, "/account/password", "/account/security", new_password="warm socks for winter")
    assert answer.status_code == 303
    assert queries.member_for_update(ines).password is None


def test_whoever_has_a_password_shows_it_there_and_is_not_asked_twice(client: FlaskClient, marta: int) -> None:
    sign_in(client, marta)
    age(marta, minutes=16)
    assert client.get("/account/password").status_code == 200
