"""Passkeys in a real browser, with an authenticator that Chromium plays."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, update
from werkzeug.serving import make_server

from portal.kernel.database import db, transaction
from portal.members import services
from portal.members.models import MemberSession
from portal.members.signing import passwords
from portal.members.signing.models import Passkey
from portal.members.signing.services import second_step

PASSWORD = "tre matasse di lana"
PATIENCE = 20_000
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Window:
    """A browser with a device that holds passkeys."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.context = browser.new_context(base_url=address, locale="en-GB")
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.device = self.context.new_cdp_session(self.page)
        self.device.send("WebAuthn.enable")
        self.id = self.device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.device.send("WebAuthn.getCredentials", {"authenticatorId": self.id})[
            "credentials"
        ]
        return found

    def sign_in_by_password(self) -> Page:
        self.page.goto("/sign-in")
        self.page.get_by_label("E-mail address").fill("marta@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        return self.page

    def add_passkey(self, name: str) -> None:
        self.page.goto("/account/security")
        self.page.get_by_label("Name of the passkey").last.fill(name)
        self.page.get_by_role("button", name="Add a passkey").click()
        expect(self.page.get_by_text("The passkey is added.")).to_be_visible()

    def sign_out(self) -> None:
        self.context.clear_cookies()


@pytest.fixture
def window(committed: Flask, browser: Browser) -> Iterator[Window]:
    committed.config["SERVER_NAME"], before = None, committed.config["SERVER_NAME"]
    server = make_server("127.0.0.1", 0, committed, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with transaction():
        services.create_member(
            email="marta@example.org", name="Marta", verified=True, password_hash=passwords.hash_password(PASSWORD)
        )
    one = Window(browser, f"http://localhost:{server.server_port}")
    yield one
    one.context.close()
    server.shutdown()
    committed.config["SERVER_NAME"] = before


def last_session() -> MemberSession:
    db.session.rollback()
    return db.session.scalars(select(MemberSession).order_by(MemberSession.id.desc())).first()  # type: ignore[return-value]


def test_a_passkey_is_added_named_used_and_removed(window: Window) -> None:
    page = window.sign_in_by_password()
    window.add_passkey("My phone")
    expect(page.get_by_text("My phone", exact=True)).to_be_visible()

    window.sign_out()
    page.goto("/sign-in?next=/account/security")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(re.compile(r":\d+/account/security$"))
    session = last_session()
    assert (session.way, session.second_factor) == ("passkey", True)
    expect(page.get_by_text("last used")).not_to_have_count(0)

    page.get_by_text("Rename").first.click()
    page.locator("input[id^=passkey-]").fill("Telefono")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Telefono", exact=True)).to_be_visible()

    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_visible()
    window.sign_out()
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("That passkey did not work.").first).to_be_visible()
    page.goto("/account")
    expect(page).to_have_url(re.compile("/sign-in"))


def test_a_passkey_is_the_second_step_and_a_proof_once_more(window: Window) -> None:
    page = window.sign_in_by_password()
    window.add_passkey("Key")
    page.get_by_role("button", name="Ask for a passkey").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    window.sign_out()
    window.sign_in_by_password()
    expect(page).to_have_url(re.compile("/sign-in/second"))
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).not_to_have_url(re.compile("/sign-in"))
    session = last_session()
    assert (session.way, session.second_factor) == ("password", True)
    assert second_step.is_required(session.member_id)
    with transaction():
        db.session.execute(update(MemberSession).values(proved_at="2020-01-01T00:00:00Z"))
    page.goto("/account/tokens")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(re.compile(r":\d+/account/tokens$"))


def test_a_copied_key_is_noticed_by_its_counter(window: Window) -> None:
    page = window.sign_in_by_password()
    window.add_passkey("Key")
    with transaction():
        db.session.execute(update(Passkey).values(sign_count=1_000_000))
    window.sign_out()
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("That passkey did not work.").first).to_be_visible()
    assert last_session().way == "password"


def test_a_device_that_has_not_checked_who_holds_it_lets_nobody_in_alone(window: Window) -> None:
    page = window.sign_in_by_password()
    window.add_passkey("Key")
    window.sign_out()
    window.device.send("WebAuthn.setUserVerified", {"authenticatorId": window.id, "isUserVerified": False})
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("That passkey did not work.").first).to_be_visible()
    assert last_session().way == "password"
