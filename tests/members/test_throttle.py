"""Limits on attempts: by account, by address, altogether; one count for all processes, with no broker anywhere."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.app import create_app
from portal.kernel.database import db, transaction
from portal.members.signing import passwords, throttle
from portal.members.signing.jobs import forget_old_tickets
from portal.members.signing.models import TryCount
from tests.conftest import ROOT, _environ, _forget_the_request
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
    for n in range(throttle.SIGN_IN.most):
        adrift.environ_base["REMOTE_ADDR"] = f"203.0.113.{n}"
        assert enter(adrift, "wrong").status_code == 422
    adrift.environ_base["REMOTE_ADDR"] = "203.0.113.200"
    assert enter(adrift).status_code == 429
    assert not is_in(adrift)


def test_attempts_from_one_address_are_stopped_without_a_broker(adrift: FlaskClient) -> None:
    for n in range(throttle.SIGN_IN.most):
        assert enter(adrift, "wrong", f"member{n}@example.org").status_code == 422
    assert enter(adrift).status_code == 429
    adrift.environ_base["REMOTE_ADDR"] = "203.0.113.200"
    assert enter(adrift).status_code == 302


def test_links_are_counted_without_a_broker(adrift: FlaskClient) -> None:
    answers = [send(adrift, "/forgotten", email="marta@example.org").status_code for _ in range(throttle.LINK.most + 1)]
    assert answers == [200] * throttle.LINK.most + [429]


def test_attempts_of_all_together_are_stopped(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    a_member(email="marta@example.org", password_hash=passwords.hash_password(PASSWORD), verified=True)
    monkeypatch.setattr("portal.members.signing.attempts.EVERYWHERE", throttle.Limit("everywhere", 4, minutes=5))
    for n in range(4):
        client.environ_base["REMOTE_ADDR"] = f"203.0.113.{n}"
        assert enter(client, "wrong", f"member{n}@example.org").status_code == 422
    client.environ_base["REMOTE_ADDR"] = "203.0.113.200"
    assert enter(client).status_code == 429


PROCESS = """
import json, sys
from portal.app import create_app
from portal.kernel.database import db
from tests.members.test_signing_in import enter

app = create_app(json.loads(sys.argv[1]), TESTING=True)
with app.app_context():
    browser = app.test_client()
    print(json.dumps([enter(browser, "wrong").status_code for _ in range(int(sys.argv[2]))]))
"""


def test_two_processes_without_a_broker_allow_as_much_as_one(adrift: FlaskClient, database_url: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        environ = _environ(database_url, f"redis://127.0.0.1:{nobody.getsockname()[1]}/0")
        order = [sys.executable, "-c", PROCESS, json.dumps(environ), str(throttle.SIGN_IN.most)]
        both = [
            subprocess.Popen(order, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ}) for _ in range(2)
        ]
        said = [status for one in both for status in json.loads(one.communicate()[0].splitlines()[-1])]
    assert sorted(said) == [422] * throttle.SIGN_IN.most + [429] * throttle.SIGN_IN.most


def test_of_many_at_once_as_many_get_through_as_the_limit_says(committed: Flask) -> None:
    tries = [(throttle.CODE, "account:member 1"), (throttle.EVERYWHERE, "all")]

    def try_once(n: int) -> bool:
        with committed.app_context():
            mine = [*tries, (throttle.CODE, f"address:203.0.113.{n}")]
            return throttle.take_at_once(*(mine if n % 2 else reversed(mine)))

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(try_once, range(40))) == throttle.CODE.most
    counted = db.session.query(TryCount.count).filter_by(key=throttle._digest(*tries[1])).scalar()
    assert counted == throttle.CODE.most, "whoever was refused for one limit is not counted for another"


def test_what_was_right_is_given_back_and_never_more(committed: Flask) -> None:
    mine = (throttle.CODE, "account:member 1")
    for _ in range(throttle.CODE.most * 2):
        assert throttle.take_at_once(mine)
        throttle.give_back(mine)
    throttle.give_back(mine)
    assert [throttle.take_at_once(mine) for _ in range(throttle.CODE.most + 1)] == [True] * throttle.CODE.most + [False]
    assert not throttle.is_open(mine)


def test_a_limit_ends_with_its_minutes_and_is_forgotten(committed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = (throttle.CODE, "account:member 1")
    while throttle.take_at_once(mine):
        pass
    later = throttle.now() + timedelta(minutes=throttle.CODE.minutes, seconds=1)
    monkeypatch.setattr(throttle, "now", lambda: later)
    assert throttle.is_open(mine)
    assert throttle.take_at_once(mine)
    monkeypatch.setattr(throttle, "now", lambda: later + timedelta(hours=1))
    with transaction():
        forget_old_tickets()
    assert db.session.query(TryCount).count() == 0


def test_nothing_that_was_typed_stands_in_the_counts(client: FlaskClient) -> None:
    enter(client, "wrong", "somebody@example.org")
    kept = db.session.query(TryCount.key).all()
    assert kept
    assert "somebody" not in str(kept)


def test_signing_up_writes_to_one_address_a_few_times_only(client: FlaskClient) -> None:
    a_member(email="marta@example.org", password_hash=passwords.hash_password(PASSWORD), verified=True)
    newcomer = {"name": "Marta", "password": "warm socks for winter"}
    for n in range(throttle.LINK.most + 1):
        client.environ_base["REMOTE_ADDR"] = f"203.0.113.{n}"
        answer = send(client, "/sign-up", email="Marta@example.org", **newcomer)
    assert answer.status_code == 429


def test_the_present_password_is_not_guessed_from_a_stolen_session(app: Flask, client: FlaskClient) -> None:
    a_member(email="marta@example.org", password_hash=passwords.hash_password(PASSWORD), verified=True)
    enter(client)
    words = {"new_password": "warm socks for winter"}
    for _ in range(throttle.SIGN_IN.most):
        assert send(client, "/account/password", password="wrong", **words).status_code == 422
    assert send(client, "/account/password", password=PASSWORD, **words).status_code == 429
    assert enter(app.test_client()).status_code == 429


def test_what_goes_with_an_act_is_undone_with_it(committed: Flask) -> None:
    mine, other = (throttle.CODE, "account:member 1"), (throttle.CODE, "account:member 2")
    while throttle.take_at_once(mine):
        pass
    with transaction():
        assert throttle.take(other)
        assert not throttle.take(mine, other)
        assert throttle.take(other)
    assert db.session.query(TryCount.count).filter_by(key=throttle._digest(*other)).scalar() == 2
    assert throttle.take(other)
    db.session.rollback()
    assert db.session.query(TryCount.count).filter_by(key=throttle._digest(*other)).scalar() == 2
