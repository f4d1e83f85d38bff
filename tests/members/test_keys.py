"""The key that signs is changed: what the one before signed holds while it is named, is signed anew, and is refused then."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_security.confirmable import generate_confirmation_link
from flask_security.recoverable import generate_reset_link

from portal.app import create_app
from portal.community.views.uploads import _signer
from portal.kernel.database import db, transaction
from portal.members import queries
from portal.members.signing import passwords
from portal.members.signing.accounts import Account
from portal.members.signing.jobs import seal_secrets_anew
from portal.members.signing.models import SecondStep
from portal.members.signing.sealing import unseal
from portal.members.signing.services import second_step
from portal.notifications import tokens
from portal.notifications.tokens import Unsubscribe
from tests.conftest import _environ, _forget_the_request
from tests.members.factories import a_member
from tests.members.test_second_step import code_of
from tests.members.test_signing_in import PASSWORD, enter, is_in, token_in


@dataclass
class Rotation:
    """One portal before its key is changed, while both keys are known, and after the older one is gone."""

    before: Flask
    during: Flask
    after: Flask


@pytest.fixture
def rotation(committed: Flask, database_url: str, redis_url: str) -> Iterator[Rotation]:
    keys = ({"SECRET_KEY": "old"}, {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": "old"}, {"SECRET_KEY": "new"})
    apps = [create_app({**_environ(database_url, redis_url), **key}, commands=False, TESTING=True) for key in keys]
    for app in apps:
        app.teardown_request(_forget_the_request)
    yield Rotation(*apps)
    for app in apps:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def marta(rotation: Rotation) -> int:
    return a_member(email="marta@example.org", name="Marta", password_hash=passwords.hash_password(PASSWORD))


def moved(cookies: FlaskClient, app: Flask, *but: str) -> FlaskClient:
    """Return the same browser, as it meets the portal after a restart with other keys."""
    browser = app.test_client()
    for cookie in (cookies._cookies or {}).values():
        if cookie.key not in but:
            browser.set_cookie(cookie.key, cookie.value, domain=cookie.domain)
    return browser


def browser_of(app: Flask, **fields: Any) -> FlaskClient:
    browser = app.test_client()
    with app.app_context():
        assert enter(browser, **fields).status_code == 302
    return browser


def sees_account(browser: FlaskClient) -> bool:
    with browser.application.app_context():
        return is_in(browser)


def test_a_session_holds_and_is_signed_anew(rotation: Rotation, marta: int) -> None:
    before = browser_of(rotation.before)
    assert not sees_account(moved(before, rotation.after))
    during = moved(before, rotation.during)
    assert sees_account(during)
    assert sees_account(moved(during, rotation.after))


def test_a_device_stays_signed_in_and_its_cookie_is_signed_anew(rotation: Rotation, marta: int) -> None:
    before = browser_of(rotation.before, remember="y")
    assert not sees_account(moved(before, rotation.after, "session"))
    during = moved(before, rotation.during, "session")
    assert sees_account(during)
    assert sees_account(moved(during, rotation.after, "session"))


def test_a_cookie_that_nobody_signed_lets_nobody_in(rotation: Rotation, marta: int) -> None:
    for value in ("x|y", "x", "|", "x|é", "é|" + "0" * 128, "x|" + "0" * 128):
        browser = rotation.during.test_client()
        browser.set_cookie("remember_token", value)
        assert not sees_account(browser)


def test_a_form_that_lies_open_can_still_be_sent(rotation: Rotation, marta: int) -> None:
    def send(app: Flask, browser: FlaskClient, token: str = "") -> tuple[int, str]:
        with app.app_context():
            token = token or token_in(browser, "/account")
            form = {"name": "Marta", "lang": "it", "csrf_token": token}
            return browser.post("/account", data=form).status_code, token

    before = browser_of(rotation.before)
    _status, old = send(rotation.before, before)
    during = moved(before, rotation.during)
    assert send(rotation.during, during, old)[0] == 302
    _status, new = send(rotation.during, during)
    after = moved(during, rotation.after)
    assert send(rotation.after, after, old)[0] == 400
    assert send(rotation.after, after, new)[0] == 302


@pytest.mark.parametrize("link", ["confirm", "reset"])
def test_a_mailed_link_holds_and_new_ones_outlive_the_older_key(rotation: Rotation, marta: int, link: str) -> None:
    ruth = a_member(email="ruth@example.org", password_hash=passwords.hash_password(PASSWORD))

    def mailed(app: Flask, member_id: int) -> str:
        with app.test_request_context():
            account = Account(queries.member_for_update(member_id))
            made = generate_confirmation_link(account) if link == "confirm" else generate_reset_link(account)
            db.session.rollback()
        return urlsplit(made[0]).path

    def opens(app: Flask, path: str) -> bool:
        with app.app_context():
            answer = app.test_client().get(path)
            db.session.rollback()
        return answer.status_code == 200 if link == "reset" else answer.location != "/confirm"

    old, new = mailed(rotation.before, marta), mailed(rotation.during, ruth)
    assert not opens(rotation.after, old)
    assert opens(rotation.during, old)
    assert opens(rotation.after, new)


def test_links_of_mails_and_of_files_hold_and_new_ones_outlive_the_older_key(rotation: Rotation) -> None:
    what = Unsubscribe(1, "reply")
    with rotation.before.app_context():
        old = (tokens.sign(what), _signer().dumps(["key", None]))
    with rotation.during.app_context():
        assert tokens.read(old[0]) == what
        assert _signer().loads(old[1]) == ["key", None]
        new = (tokens.sign(what), _signer().dumps(["key", None]))
    with rotation.after.app_context():
        assert tokens.read(old[0]) is None
        assert not _signer().loads_unsafe(old[1])[0]
        assert tokens.read(new[0]) == what
        assert _signer().loads(new[1]) == ["key", None]


@pytest.mark.parametrize("by", ["a right code", "the job", "nobody"])
def test_the_secret_of_an_app_is_sealed_anew(rotation: Rotation, marta: int, by: str) -> None:
    with rotation.before.app_context(), transaction():
        key = second_step.begin_app(marta)
        second_step.confirm_app(marta, code_of(key, halves=-1))
    with rotation.during.app_context(), transaction():
        if by == "a right code":
            second_step.check_code(marta, code_of(key))
        if by == "the job":
            seal_secrets_anew()
    with rotation.after.app_context():
        kept = db.session.query(SecondStep.secret).filter_by(member_id=marta).scalar()
        assert unseal(kept) == (None if by == "nobody" else key)


def test_whoever_is_between_two_proofs_goes_on(rotation: Rotation, marta: int) -> None:
    with rotation.before.app_context(), transaction():
        key = second_step.begin_app(marta)
        second_step.confirm_app(marta, code_of(key, halves=-1))
    before = browser_of(rotation.before)
    during = moved(before, rotation.during)
    with rotation.during.app_context():
        token = token_in(during, "/sign-in/second")
        assert during.post("/sign-in/second", data={"code": code_of(key), "csrf_token": token}).status_code == 302
    assert sees_account(during)
