"""Mails about accounts: real SMTP, sent by a worker, with links to our own address."""

import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.app import create_app
from portal.kernel.database import db, transaction
from portal.kernel.jobs import Promise
from portal.kernel.outbox import publish
from portal.members import queries, services
from portal.members.events.signing import PasskeyAdded
from portal.members.signing import passwords
from portal.members.signing.services import providers, second_step
from portal.members.signing.services.providers import Word
from tests.conftest import Workers, _environ, _forget_the_request
from tests.members.factories import a_member
from tests.members.test_second_step import code_of
from tests.members.test_signing_in import PASSWORD, enter, send, token_in


class PostOffice(socketserver.ThreadingTCPServer):
    """As much of an SMTP server as it takes to accept a message."""

    daemon_threads = True
    received: list[EmailMessage]


class _Counter(socketserver.StreamRequestHandler):
    server: PostOffice

    def handle(self) -> None:
        self._say("220 post office")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "DATA":
                self._say("354 go on")
                self._take()
            self._say("221 bye" if word == "QUIT" else "250 well")
            if word == "QUIT":
                return

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))  # which the sender puts before a line that begins with one
        self.server.received.append(message_from_bytes(b"".join(lines), policy=policy.default))  # type: ignore[arg-type]

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@pytest.fixture
def post_office() -> Iterator[PostOffice]:
    with PostOffice(("127.0.0.1", 0), _Counter) as office:
        office.received = []
        threading.Thread(target=office.serve_forever, daemon=True).start()
        yield office
        office.shutdown()


@pytest.fixture
def mailing(committed: Flask, post_office: PostOffice, database_url: str, redis_url: str) -> Iterator[Flask]:
    """A portal that has a mail server."""
    port = post_office.server_address[1]
    settings = {"PORTAL_MAIL_URL": f"smtp://127.0.0.1:{port}", "PORTAL_URL": "http://portal.example"}
    app = create_app({**_environ(database_url, redis_url), **settings}, TESTING=True)
    app.teardown_request(_forget_the_request)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def browser(mailing: Flask) -> FlaskClient:
    return mailing.test_client()


def the_mail(app: Flask, office: PostOffice) -> tuple[EmailMessage, str]:
    Workers(app).run("quick")
    (mail,) = office.received
    office.received.clear()
    return mail, str(mail.get_content())


def path_in(text: str) -> str:
    found = re.search(r"http://portal\.example(/\S+)", text)
    assert found, text
    return found[1]


def test_a_newcomer_confirms_her_address_by_the_link(
    mailing: Flask, post_office: PostOffice, browser: FlaskClient
) -> None:
    fields = {"name": "Ruth Okafor", "email": "ruth@example.org", "password": "warm socks for winter"}
    assert send(browser, "/sign-up", **fields).location == "/sign-in"
    assert browser.get("/account").status_code == 302
    assert enter(browser, fields["password"], fields["email"]).status_code == 422
    mail, text = the_mail(mailing, post_office)
    assert (mail["To"], mail["Subject"]) == ("ruth@example.org", "Welcome: confirm your address")
    answer = browser.get(path_in(text))
    assert answer.status_code == 302
    assert enter(browser, fields["password"], fields["email"]).status_code == 302
    db.session.expire_all()
    member = queries.member_by_email("ruth@example.org")
    assert member is not None
    assert member.email_verified_at is not None
    assert "ruth@example.org" in browser.get("/account/security").get_data(as_text=True)


def test_links_never_lead_to_the_host_somebody_claimed(
    mailing: Flask, post_office: PostOffice, browser: FlaskClient
) -> None:
    a_member(email="marta@example.org", verified=True, password_hash=passwords.hash_password(PASSWORD))
    elsewhere = "http://evil.example"
    page = browser.get("/forgotten", base_url=elsewhere).get_data(as_text=True)
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    fields = {"email": "marta@example.org", "csrf_token": token}
    assert browser.post("/forgotten", data=fields, base_url=elsewhere).status_code == 200
    _mail, text = the_mail(mailing, post_office)
    assert "http://portal.example/forgotten/" in text
    assert "evil.example" not in text


def test_a_forgotten_password_is_replaced_by_the_link_and_only_once(
    mailing: Flask, post_office: PostOffice, browser: FlaskClient
) -> None:
    a_member(email="marta@example.org", verified=True, password_hash=passwords.hash_password(PASSWORD))
    phone = mailing.test_client()
    assert enter(phone).status_code == 302
    assert send(browser, "/forgotten", email="Marta@example.org").status_code == 200
    _mail, text = the_mail(mailing, post_office)
    link = path_in(text)
    assert send(browser, link, link, password="short").status_code == 422
    assert send(browser, link, link, password="quattro ferri e un gatto").status_code == 302
    assert phone.get("/account").status_code == 302
    assert browser.get(link).status_code == 302
    assert enter(browser, "quattro ferri e un gatto").status_code == 302
    mail, _text = the_mail(mailing, post_office)
    assert mail["Subject"] == "Your password was changed"


def test_nobody_learns_which_addresses_have_an_account(
    mailing: Flask, post_office: PostOffice, browser: FlaskClient
) -> None:
    a_member(email="marta@example.org", verified=True, password_hash=passwords.hash_password(PASSWORD))
    known = send(browser, "/forgotten", email="marta@example.org")
    unknown = send(mailing.test_client(), "/forgotten", email="nobody@example.org")
    assert known.status_code == unknown.status_code == 200
    assert "We have sent a link to" in known.get_data(as_text=True)
    assert "We have sent a link to" in unknown.get_data(as_text=True)
    Workers(mailing).run("quick")
    assert [mail["To"] for mail in post_office.received] == ["marta@example.org"]


def test_signing_up_again_tells_only_the_owner(mailing: Flask, post_office: PostOffice, browser: FlaskClient) -> None:
    a_member(email="marta@example.org", verified=True, password_hash=passwords.hash_password(PASSWORD))
    fields = {"name": "Eve", "email": "marta@example.org", "password": "warm socks for winter"}
    assert send(browser, "/sign-up", **fields).status_code == 302
    mail, text = the_mail(mailing, post_office)
    assert mail["To"] == "marta@example.org"
    assert "You have one already" in text
    assert browser.get("/account").status_code == 302


def test_signing_up_is_answered_alike_whether_the_address_is_known(
    mailing: Flask, post_office: PostOffice, browser: FlaskClient
) -> None:
    a_member(email="marta@example.org", verified=True, password_hash=passwords.hash_password(PASSWORD))
    told = []
    for email in ("marta@example.org", "nobody@example.org"):
        other = mailing.test_client()
        fields = {"name": "Eve", "email": email, "password": "warm socks for winter"}
        answer = send(other, "/sign-up", **fields)
        page = other.get("/sign-in").get_data(as_text=True)
        wrong = enter(other, fields["password"], email)
        told.append((
            answer.status_code, answer.location, page.count("We have sent a link to"), other.get("/account").status_code,
            wrong.status_code, re.sub(r"(?:value|nonce)=\"[^\"]*\"", "", wrong.get_data(as_text=True).replace(email, "")),
        ))  # fmt: skip
    assert told[0] == told[1]


def test_a_link_to_a_new_password_confirms_the_address_too(
    mailing: Flask, post_office: PostOffice, browser: FlaskClient
) -> None:
    squatted = a_member(email="marta@example.org", password_hash=passwords.hash_password("of whoever came first"))
    assert send(browser, "/forgotten", email="marta@example.org").status_code == 200
    _mail, text = the_mail(mailing, post_office)
    link = path_in(text)
    assert send(browser, link, link, password="quattro ferri e un gatto").status_code == 302
    assert enter(browser, "quattro ferri e un gatto").status_code == 302
    db.session.expire_all()
    assert queries.member_for_update(squatted).email_verified_at is not None


def test_links_can_be_asked_for_a_few_times_only(mailing: Flask, browser: FlaskClient) -> None:
    for _ in range(5):
        assert send(browser, "/forgotten", email="marta@example.org").status_code == 200
    assert send(browser, "/forgotten", email="marta@example.org").status_code == 429


def test_mail_that_cannot_be_sent_waits(mailing: Flask, post_office: PostOffice, browser: FlaskClient) -> None:
    a_member(email="marta@example.org", verified=True, password_hash=passwords.hash_password(PASSWORD))
    working = mailing.config["PORTAL_MAIL_URL"]
    mailing.config["PORTAL_MAIL_URL"] = "smtp://127.0.0.1:9"
    send(browser, "/forgotten", email="marta@example.org")
    Workers(mailing).run("quick")
    mailing.config["PORTAL_MAIL_URL"] = working
    assert post_office.received == []
    assert db.session.execute(select(Promise.tries)).scalars().all() == [1]


def test_of_two_who_open_one_link_at_once_one_sets_the_password(
    mailing: Flask, post_office: PostOffice, browser: FlaskClient
) -> None:
    a_member(email="marta@example.org", password_hash=passwords.hash_password(PASSWORD), verified=True)
    send(browser, "/forgotten", email="marta@example.org")
    _mail, text = the_mail(mailing, post_office)
    path = path_in(text)

    def set_password(n: int) -> bool:
        with mailing.app_context():
            reader = mailing.test_client()
            token = token_in(reader, path)
            together.wait()
            send_it = reader.post(path, data={"password": f"warm socks for winter {n}", "csrf_token": token})
            return str(send_it.location) != "/forgotten"

    together = threading.Barrier(4)
    with ThreadPoolExecutor(4) as crowd:
        assert sum(crowd.map(set_password, range(4))) == 1


def test_who_can_open_an_account_is_told_to_its_member(mailing: Flask, post_office: PostOffice) -> None:
    marta = a_member(email="marta@example.org", lang="it", verified=True)

    def said(act: Callable[[], object]) -> str:
        with transaction():
            act()
        mail, text = the_mail(mailing, post_office)
        assert mail["To"] == "marta@example.org"
        assert "http://portal.example/account/security" in text
        return text.splitlines()[0]

    key = second_step.begin_app(marta)
    codes: list[str] = []
    confirm = partial(second_step.confirm_app, marta, code_of(key, halves=-1))
    assert said(confirm) == "Il secondo passo del tuo account è stato impostato o cambiato."
    with transaction():
        codes.extend(second_step.make_recovery_codes(marta))
    used = partial(second_step.check_code, marta, codes[0])
    assert said(used) == "È stato usato uno dei tuoi codici di riserva. Ne restano: 9."
    remove = partial(second_step.remove_app, marta)
    assert said(remove) == "D’ora in poi la password da sola apre il tuo account."
    token = partial(services.create_token, marta, name="Reader", scopes=["read"])
    assert said(token) == "Nel tuo account è stato creato un token per programmi."
    linked = partial(providers.link, marta, Word("https://id.example", "7", None, False, "", None))
    assert "https://id.example" in said(linked)
    with transaction():
        publish(PasskeyAdded(actor_id=marta, member_id=marta, passkey_id=1))
    assert "passkey" in the_mail(mailing, post_office)[1]


def test_removing_what_was_no_second_step_says_nothing_of_one(mailing: Flask, post_office: PostOffice) -> None:
    marta = a_member(email="marta@example.org", verified=True)
    with transaction():
        second_step.drop_if_nothing_is_left(marta)
    Workers(mailing).run("quick")
    assert post_office.received == []
