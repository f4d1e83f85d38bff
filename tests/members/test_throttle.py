"""Limits on attempts: by account, by address, altogether; with the broker, and without any."""

import socket
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.app import create_app
from portal.kernel.database import db
from portal.members.signing import passwords, throttle
from tests.conftest import _environ, _forget_the_request
from tests.members.factories import a_member
from tests.members.test_signing_in import PASSWORD, enter, is_in, send


@pytest.fixture
def adrift(committed: Flask, database_url: str) -> Iterator[FlaskClient]:
    """A portal whose broker is nowhere: nothing listens at its port."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        app = create_app(_environ(database_url, f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"), TESTING=True)
        app.teardown_request(_forget_the_request)
        with app.app_context():
            a_member(email="marta@example.org", password_hash=passwords.hash_password(PASSWORD), verified=True)
            yield app.test_client()
            db.session.remove()
            db.engine.dispose()


def test_attempts_on_one_account_are_stopped_without_a_broker(adrift: FlaskClient) -> None:
    for n in range(throttle.SIGN_IN.amount):
        adrift.environ_base["REMOTE_ADDR"] = f"203.0.113.{n}"
        assert enter(adrift, "wrong").status_code == 422
    adrift.environ_base["REMOTE_ADDR"] = "203.0.113.200"
    assert enter(adrift).status_code == 429
    assert not is_in(adrift)


def test_attempts_from_one_address_are_stopped_without_a_broker(adrift: FlaskClient) -> None:
    for n in range(throttle.SIGN_IN.amount):
        assert enter(adrift, "wrong", f"member{n}@example.org").status_code == 422
    assert enter(adrift).status_code == 429
    adrift.environ_base["REMOTE_ADDR"] = "203.0.113.200"
    assert enter(adrift).status_code == 302


def test_links_are_counted_without_a_broker(adrift: FlaskClient) -> None:
    answers = [
        send(adrift, "/forgotten", email="marta@example.org").status_code for _ in range(throttle.LINK.amount + 1)
    ]
    assert answers == [200] * throttle.LINK.amount + [429]


def test_attempts_of_all_together_are_stopped(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    a_member(email="marta@example.org", password_hash=passwords.hash_password(PASSWORD), verified=True)
    monkeypatch.setattr(
        "portal.members.signing.attempts.EVERYWHERE", type(throttle.EVERYWHERE)(4, 5, namespace="everywhere")
    )
    for n in range(4):
        client.environ_base["REMOTE_ADDR"] = f"203.0.113.{n}"
        assert enter(client, "wrong", f"member{n}@example.org").status_code == 422
    client.environ_base["REMOTE_ADDR"] = "203.0.113.200"
    assert enter(client).status_code == 429
