"""Push in a real browser: Chromium plays the device, a server on loopback its maker's push service.

Chromium cannot reach its maker from here, so what it would have been given (an address, two keys) comes from the test;
the message is encrypted, sent, read with those keys, and delivered to the worker by the DevTools protocol.
"""

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from portal.kernel.database import db, transaction
from portal.members import services as members
from portal.members.policy import Viewer
from portal.members.queries import viewer_of
from portal.members.signing import passwords
from portal.notifications import pushing, queries
from tests.conftest import Workers
from tests.notifications.factories import a_board, a_comment, a_member, an_idea, everything_is_due
from tests.notifications.test_push import Browser, Service, service

__all__ = ["service"]
PASSWORD = "tre matasse di lana"
PATIENCE = 20_000
MAKER = """
(given) => {
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0)).buffer;
  const made = () => ({ endpoint: given.endpoint, getKey: (name) => bytes(given[name]),
    unsubscribe: async () => { localStorage.removeItem('subscribed'); return true; } });
  PushManager.prototype.subscribe = async (asked) => {
    if (!asked.userVisibleOnly || asked.applicationServerKey.length !== 65) throw new Error('asked for wrongly');
    localStorage.setItem('subscribed', '1');
    return made();
  };
  PushManager.prototype.getSubscription = async () => (localStorage.getItem('subscribed') ? made() : null);
}"""
SHOWN = "() => self.registration.getNotifications().then((all) => all.map((n) => [n.title, n.body, n.lang, n.tag]))"
CLICK = """async () => {
  self.clients.openWindow = async (url) => { self.opened = url; };   // a browser lets only a real finger open one
  const [one] = await self.registration.getNotifications();
  self.dispatchEvent(new NotificationEvent('notificationclick', { notification: one }));
  return self.opened;
}"""


class Device:
    """A member's browser, with its worker."""

    def __init__(self, page: Page, keys: Browser) -> None:
        self.page, self.keys = page, keys
        self.tools = page.context.new_cdp_session(page)
        self.registrations: list[str] = []
        self.tools.on("ServiceWorker.workerRegistrationUpdated", self._registered)
        self.tools.send("ServiceWorker.enable")

    def _registered(self, said: dict[str, Any]) -> None:
        self.registrations += [one["registrationId"] for one in said["registrations"]]

    @property
    def worker(self) -> Any:
        return self.page.context.service_workers[0]

    def sign_in(self) -> None:
        self.page.goto("/sign-in?next=/account/notifications")
        self.page.get_by_label(re.compile("e-mail", re.IGNORECASE)).first.fill("ida@example.org")
        self.page.locator("input[type=password]").first.fill(PASSWORD)
        self.page.locator("input[type=password]").first.press("Enter")
        expect(self.page.locator("[data-push]")).to_be_visible()

    def is_allowed(self, *, allowed: bool) -> None:
        expect(self.page.locator("[data-push]")).to_have_attribute("aria-pressed", str(allowed).lower())

    def press(self, *, allowed: bool) -> None:
        self.page.locator("[data-push]").click()
        self.is_allowed(allowed=allowed)

    def gives_up(self) -> None:
        """Wait until the browser has learnt that it is reached no more."""
        self.page.wait_for_function("() => !localStorage.getItem('subscribed')")
        self.is_allowed(allowed=False)

    def deliver(self, said: dict[str, Any]) -> None:
        origin = re.match(r"https?://[^/]+", self.page.url)
        assert origin is not None
        message = {"origin": origin[0], "registrationId": self.registrations[-1], "data": json.dumps(said)}
        self.tools.send("ServiceWorker.deliverPushMessage", message)

    def shows(self, count: int) -> list[list[str]]:
        for _ in range(100):
            shown: list[list[str]] = self.worker.evaluate(SHOWN)
            if len(shown) == count:
                return shown
            self.page.wait_for_timeout(100)
        raise AssertionError(shown)


@pytest.fixture
def device(committed: Flask, browser: Chromium, service: Service) -> Iterator[Device]:
    committed.config["SERVER_NAME"], before = None, committed.config["SERVER_NAME"]
    server = make_server("127.0.0.1", 0, committed, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://localhost:{server.server_port}"
    committed.config["PORTAL_URL"], url = address, committed.config["PORTAL_URL"]
    context = browser.new_context(base_url=address, locale="it-IT", service_workers="allow")
    context.grant_permissions(["notifications"], origin=address)
    keys = Browser()
    given = {"endpoint": f"{service.url}/send/ida", "p256dh": keys.p256dh, "auth": keys.auth}
    context.add_init_script(f"({MAKER})({json.dumps(given)})")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield Device(page, keys)
    context.close()
    server.shutdown()
    committed.config["SERVER_NAME"], committed.config["PORTAL_URL"] = before, url


@pytest.fixture
def ida(committed: Flask) -> Viewer:
    with transaction():
        made = members.create_member(
            email="ida@example.org",
            name="Ida",
            lang="it",
            verified=True,
            password_hash=passwords.hash_password(PASSWORD),
        )
    return viewer_of(made.id)


def devices(who: Viewer) -> int:
    db.session.rollback()
    return len(queries.devices_of(who.id))


def test_a_push_is_allowed_shown_clicked_and_ends_with_leave_session_and_browser(
    device: Device, ida: Viewer, service: Service, workers: Workers
) -> None:
    idea, gus = an_idea(a_board(), ida, "Matassine da dieci grammi"), a_member("Gus")
    device.sign_in()
    device.is_allowed(allowed=False)
    device.press(allowed=True)
    assert devices(ida) == 1

    # Somebody comments: the message reaches the worker, which shows it in her language.
    comment = a_comment(idea, gus)
    workers.run()
    everything_is_due()
    pushing.send_pushes()
    ((path, _head, body),) = service.taken
    said = device.keys.read(body)
    assert path == "/send/ida"
    device.deliver(said)
    sentence = "Gus ha commentato la tua idea «Matassine da dieci grammi»."
    assert device.shows(1) == [["Lanaviva", sentence, "it", said["tag"]]]

    # The same notice again replaces it; another stands beside it; what is none shows nothing of ours.
    device.deliver({**said, "body": "Gus e un’altra persona"})
    device.page.wait_for_timeout(300)
    assert [body for _title, body, _lang, _tag in device.shows(1)] == ["Gus e un’altra persona"]

    # A click opens what it is about, and that marks it as read.
    assert queries.unread_of(ida.id) == 1
    opened = device.worker.evaluate(CLICK)
    assert opened == said["url"]
    assert device.shows(0) == []
    device.page.goto(opened)
    expect(device.page).to_have_url(re.compile(rf"/ideas/{idea}[^#]*#comment-{comment}$"))
    db.session.rollback()
    assert queries.unread_of(ida.id) == 0

    # She takes her leave back.
    device.page.goto("/account/notifications")
    device.is_allowed(allowed=True)
    device.press(allowed=False)
    assert devices(ida) == 0

    # Signed out, nothing comes here; signed in again, the page knows.
    device.press(allowed=True)
    assert devices(ida) == 1
    device.page.locator("form[action='/sign-out'] button").first.dispatch_event("click")
    expect(device.page.locator("form[action='/sign-out']")).to_have_count(0)
    assert devices(ida) == 0
    device.sign_in()
    device.gives_up()

    # A browser that its maker says is gone is forgotten.
    device.press(allowed=True)
    service.status = 410
    a_comment(idea, a_member("Bea"))
    workers.run()
    everything_is_due()
    pushing.send_pushes()
    assert devices(ida) == 0
    device.page.reload()
    device.gives_up()
