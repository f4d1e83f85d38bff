"""Another address, and mails that are kept where there is no server: no settings, the worker runs, the links work."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.app import create_app
from portal.kernel.database import db
from portal.members import mail, queries
from portal.members.models import Identity
from portal.members.signing import passwords
from tests.conftest import Workers, _environ, _forget_the_request
from tests.members.factories import a_member, sign_in
from tests.members.test_signing_in import PASSWORD, enter, is_in, send


@pytest.fixture
def marta(committed: Flask) -> int:
    for old in mail.folder().glob("*.eml"):
        old.unlink()
    return a_member(email="marta@example.org", verified=True, password_hash=passwords.hash_password(PASSWORD))


@pytest.fixture
def browser(committed: Flask) -> FlaskClient:
    return committed.test_client()


def mails(app: Flask) -> dict[str, mail.KeptMail]:
    """Return the mails that were written, by whom they go to."""
    Workers(app).run("quick")
    return {one.to: one for one in mail.kept()}


def path_in(kept: mail.KeptMail) -> str:
    found = re.search(r"http://[^/\s]+(/\S+)", kept.body)
    assert found, kept.body
    return found[1]


def test_an_address_changes_when_its_link_is_opened_and_the_old_one_is_told(
    committed: Flask, browser: FlaskClient, marta: int
) -> None:
    enter(browser)
    assert send(browser, "/account/address", email="Marta.C@example.org").location == "/account/security"
    found = mails(committed)
    assert set(found) == {"Marta.C@example.org", "marta@example.org"}
    assert "wants your account to have another address" in found["marta@example.org"].body
    link = path_in(found["Marta.C@example.org"])
    db.session.add(Identity(member_id=marta, kind="email", value="further@example.org", verified=True))
    db.session.commit()
    assert queries.email_of(marta) == "marta@example.org"

    page = committed.test_client().get(link)
    assert page.status_code == 200
    assert queries.email_of(marta) == "marta@example.org"
    assert send(committed.test_client(), link, link).location == "/sign-in"
    db.session.expire_all()
    assert queries.email_of(marta) == "Marta.C@example.org"
    known = select(Identity.value).filter_by(member_id=marta, kind="email", verified=True)
    assert set(db.session.scalars(known)) == {"Marta.C@example.org", "further@example.org"}
    mails(committed)
    assert any("another address now" in one.body and one.to == "marta@example.org" for one in mail.kept())
    assert enter(committed.test_client(), email="marta@example.org").status_code == 422
    assert enter(committed.test_client(), email="marta.c@example.org").status_code == 302
    assert browser.get(link).status_code == 409


def test_an_address_that_somebody_has_is_answered_like_any_other(
    committed: Flask, browser: FlaskClient, marta: int
) -> None:
    other = a_member(email="ruth@example.org", verified=True)
    enter(browser)
    told = []
    for wanted in ("ruth@example.org", "nobody@example.org"):
        answer = send(browser, "/account/address", email=wanted)
        page = browser.get("/account/security").get_data(as_text=True)
        told.append((answer.status_code, answer.location, f"We have sent a link to {wanted}" in page))
    assert told[0] == told[1] == (302, "/account/security", True)
    body = mails(committed)["ruth@example.org"].body
    assert "for another account" in body
    assert "/account/address/" not in body
    assert queries.email_of(other) == "ruth@example.org"


@pytest.mark.parametrize("wanted", ["", "marta@example.org", "MARTA@example.org", "nobody", "a\0b@example.org"])
def test_an_address_must_be_another_and_must_be_one(browser: FlaskClient, marta: int, wanted: str) -> None:
    enter(browser)
    assert send(browser, "/account/address", email=wanted).status_code == 422


def test_a_newer_wish_makes_the_older_link_useless(committed: Flask, browser: FlaskClient, marta: int) -> None:
    enter(browser)
    send(browser, "/account/address", email="one@example.org")
    link = path_in(mails(committed)["one@example.org"])
    send(browser, "/account/address", email="two@example.org")
    assert browser.get(link).status_code == 409


def test_a_new_password_makes_the_link_to_a_new_address_useless(
    committed: Flask, browser: FlaskClient, marta: int
) -> None:
    enter(browser)
    send(browser, "/account/address", email="one@example.org")
    link = path_in(mails(committed)["one@example.org"])
    send(browser, "/account/password", password=PASSWORD, new_password="quattro ferri e un gatto")
    assert browser.get(link).status_code == 409


def test_a_reset_link_is_followed_without_any_mail_server_and_only_once(
    committed: Flask, browser: FlaskClient, marta: int
) -> None:
    phone = committed.test_client()
    enter(phone)
    assert send(browser, "/forgotten", email="marta@example.org").status_code == 200
    link = path_in(mails(committed)["marta@example.org"])
    assert send(browser, link, link, password="quattro ferri e un gatto").status_code == 302
    assert not is_in(phone)
    again = browser.get(link)
    assert again.location == "/forgotten"
    assert "has been used" in browser.get("/forgotten").get_data(as_text=True)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', browser.get("/sign-in").get_data(as_text=True))[0]
    assert browser.post(link, data={"password": "una pecora che vola", "csrf_token": token}).location == "/forgotten"
    assert enter(browser, "una pecora che vola").status_code == 422
    assert enter(browser, "quattro ferri e un gatto").status_code == 302


def test_a_cookie_stolen_before_a_new_password_opens_nothing(
    committed: Flask, browser: FlaskClient, marta: int
) -> None:
    enter(browser, remember="y")
    with browser.session_transaction() as session:
        stolen = dict(session)
    remembered = browser.get_cookie("remember_token")
    assert remembered is not None
    thief, patient = committed.test_client(), committed.test_client()
    with thief.session_transaction() as session:
        session.update(stolen)
    assert is_in(thief)
    assert (
        send(browser, "/account/password", password=PASSWORD, new_password="quattro ferri e un gatto").status_code
        == 302
    )
    assert is_in(browser)
    assert not is_in(thief)
    patient.set_cookie("remember_token", remembered.value)
    assert not is_in(patient)


# Mails that were kept


def test_admins_read_the_kept_mails_and_nobody_else(committed: Flask, browser: FlaskClient, marta: int) -> None:
    send(browser, "/forgotten", email="marta@example.org")
    (kept,) = mails(committed).values()
    admin = sign_in(committed.test_client(), a_member(kind="staff", roles=["admin"]))
    assert kept.subject in admin.get("/staff/mail").get_data(as_text=True)
    page = admin.get(f"/staff/mail/{kept.name}").get_data(as_text=True)
    assert f'href="http://127.0.0.1:8000{path_in(kept)}"' in page
    for path in ("/staff/mail", f"/staff/mail/{kept.name}"):
        moderator = sign_in(committed.test_client(), a_member(kind="staff", roles=["moderator"]))
        assert moderator.get(path).status_code in {403, 404}
        assert sign_in(committed.test_client(), marta).get(path).status_code in {403, 404}
    for name in ("x.eml", "..%2Fsecret_key", "20260101T000000000000-00000000.eml"):
        assert admin.get(f"/staff/mail/{name}").status_code == 404


def test_a_subject_with_a_line_in_it_makes_no_header(committed: Flask, marta: int) -> None:
    with pytest.raises(ValueError, match=r"newline|linefeed"):
        mail.send("marta@example.org", "Hello\r\nBcc: eve@example.org", "x")


@pytest.mark.parametrize(("allowed", "status"), [("0", 404), ("1", 200)])
def test_in_production_without_mail_signing_up_is_a_setting(
    committed: Flask, database_url: str, redis_url: str, allowed: str, status: int
) -> None:
    settings = {"PORTAL_ENV": "production", "SECRET_KEY": "long and random", "PORTAL_SIGN_UP_WITHOUT_MAIL": allowed}
    app = create_app({**_environ(database_url, redis_url), **settings}, TESTING=True)
    app.teardown_request(_forget_the_request)
    with app.app_context():
        client = app.test_client()
        assert client.get("/sign-up").status_code == status
        assert ("/sign-up" in client.get("/sign-in").get_data(as_text=True)) == (status == 200)
        assert client.get("/forgotten").status_code == 404
        assert not mail.is_possible()
        mail.send("marta@example.org", "x", "y")
        assert list(Path(app.config["PORTAL_DATA_DIR"]).glob("mail/*")) == []
        admin = sign_in(client, a_member(kind="staff", roles=["admin"]))
        assert admin.get("/staff/mail").status_code == 404
        db.session.remove()
        db.engine.dispose()
