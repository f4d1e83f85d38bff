"""Web push to a real HTTP server on loopback, which reads the messages with a browser's keys and nobody else's."""

import base64
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from py_vapid import Vapid02
from sqlalchemy import select

from portal.kernel.clock import now
from portal.kernel.database import db, transaction
from portal.notifications import jobs, pushing, queries, services, vapid
from portal.notifications.models import PushSubscription
from tests.conftest import Workers
from tests.factories import sign_in
from tests.notifications.factories import a_board, a_comment, a_member, an_idea, everything_is_due, post

DEVICES = "/account/notifications/devices"


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Browser:
    """What a browser keeps to itself, and what it gives away."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = os.urandom(16)
        raw = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.p256dh, self.auth = text(raw), text(self.secret)

    def read(self, body: bytes) -> dict[str, Any]:
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret, version="aes128gcm")
        return dict(json.loads(plain))


class Service:
    """A push service: takes messages for browsers it has never seen the keys of."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 201
        taken, service = self.taken, self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(service.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def service(committed: Flask) -> Iterator[Service]:
    made = Service()
    committed.config["PORTAL_PUSH_ALLOW_PRIVATE"] = "1"
    yield made
    committed.config["PORTAL_PUSH_ALLOW_PRIVATE"] = "0"
    made.server.shutdown()


def a_reachable_member(app: Flask, service: Service, browser: Browser, path: str = "/send/abc") -> Any:
    ida = a_member("Ida", lang="en")
    mine = sign_in(app.test_client(), ida.id)
    given = {"endpoint": service.url + path, "p256dh": browser.p256dh, "auth": browser.auth}
    assert post(mine, DEVICES, given).status_code == 204
    return ida


def push_states() -> dict[str, int]:
    db.session.rollback()
    return {state: count for (way, state), count in queries.states().items() if way == "push"}


def test_a_push_reaches_the_browser_and_only_it_can_read_it(
    committed: Flask, service: Service, workers: Workers
) -> None:
    browser = Browser()
    ida = a_reachable_member(committed, service, browser)
    a_comment(an_idea(a_board(), ida), a_member("Gus"))
    workers.run()
    everything_is_due()
    with transaction():
        jobs.send_due()
    workers.run()
    ((path, head, body),) = service.taken
    said = browser.read(body)
    assert (path, said["body"]) == ("/send/abc", "Gus commented on your idea “Skeins of ten grams”.")
    assert "/notifications/" in said["url"]
    assert b"Gus" not in body
    with pytest.raises(Exception, match=r"(?i)tag|decrypt|key"):
        Browser().read(body)
    assert (head["ttl"], head["content-encoding"], head["urgency"]) == ("86400", "aes128gcm", "normal")
    assert push_states() == {"sent": 1}


def test_the_service_can_check_who_sends(committed: Flask, service: Service, workers: Workers) -> None:
    ida = a_reachable_member(committed, service, Browser())
    a_comment(an_idea(a_board(), ida), a_member("Gus"))
    workers.run()
    everything_is_due()
    pushing.send_pushes()
    ((_path, head, _body),) = service.taken
    token, key = (part.split("=", 1)[1] for part in head["authorization"].removeprefix("vapid ").split(","))
    assert key == vapid.public_key(committed)
    signed, signature = token.rsplit(".", 1)
    assert Vapid02.from_raw_public(key.encode()).verify_token(signed.encode(), signature)
    claims = json.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
    assert claims["aud"] == service.url
    assert claims["sub"].startswith(("mailto:", "http"))


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(committed: Flask, service: Service, workers: Workers, status: int) -> None:
    ida = a_reachable_member(committed, service, Browser())
    service.status = status
    a_comment(an_idea(a_board(), ida), a_member("Gus"))
    workers.run()
    everything_is_due()
    pushing.send_pushes()
    assert queries.devices_of(ida.id) == []
    assert push_states() == {"refused": 1}


def it_is_night_for(member_id: int) -> None:
    """Let the hours in which nothing is sent be now, whatever the clock says."""
    hour = now().astimezone(ZoneInfo("Europe/Rome")).hour
    with transaction():
        db.session.execute(
            db.text("INSERT INTO notification_settings (member_id, quiet_from, quiet_to) VALUES (:id, :since, :until)"),
            {"id": member_id, "since": hour, "until": (hour + 3) % 24},
        )


def test_a_service_that_is_busy_is_asked_later(committed: Flask, service: Service, workers: Workers) -> None:
    ida = a_reachable_member(committed, service, Browser())
    it_is_night_for(ida.id)
    service.status = 503
    a_comment(an_idea(a_board(), ida), a_member("Gus"))
    workers.run()
    everything_is_due()
    pushing.send_pushes()
    assert push_states() == {"waiting": 1}
    service.status = 201
    pushing.send_pushes()
    assert len(service.taken) == 1, "not before the pause is over"
    everything_is_due()
    pushing.send_pushes()
    assert (len(service.taken), push_states()) == (2, {"sent": 1})
    assert service.taken[0][1]["topic"] == service.taken[1][1]["topic"], "a repeat takes the place of the first"


def test_what_was_read_meanwhile_is_not_pushed(committed: Flask, service: Service, workers: Workers) -> None:
    ida = a_reachable_member(committed, service, Browser())
    it_is_night_for(ida.id)
    a_comment(an_idea(a_board(), ida), a_member("Gus"))
    workers.run()
    with transaction():
        services.mark_read(ida.id)
    everything_is_due()
    pushing.send_pushes()
    assert service.taken == []


def test_without_leave_no_request_goes_to_a_private_address(
    committed: Flask, service: Service, workers: Workers
) -> None:
    ida = a_reachable_member(committed, service, Browser())
    committed.config["PORTAL_PUSH_ALLOW_PRIVATE"] = "0"
    a_comment(an_idea(a_board(), ida), a_member("Gus"))
    workers.run()
    everything_is_due()
    pushing.send_pushes()
    assert service.taken == []
    assert queries.devices_of(ida.id) == [], "an address that can never be reached is forgotten"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("endpoint", "http://push.example.org/x"),
        ("endpoint", "ftp://push.example.org/x"),
        ("endpoint", "https://user:word@push.example.org/x"),
        ("endpoint", "https://push.example.org/" + "x" * 1000),
        ("endpoint", ""),
        ("p256dh", "AAAA"),
        ("p256dh", "not base64 ☃"),
        ("auth", "AAAA"),
    ],
)
def test_what_no_browser_gives_is_refused(committed: Flask, field: str, value: str) -> None:
    ida, browser = a_member("Ida"), Browser()
    given = {"endpoint": "https://push.example.org/x", "p256dh": browser.p256dh, "auth": browser.auth, field: value}
    assert post(sign_in(committed.test_client(), ida.id), DEVICES, given).status_code == 422
    assert queries.devices_of(ida.id) == []


def test_a_browser_belongs_to_who_is_signed_in_and_is_removed_by_her_alone(committed: Flask, service: Service) -> None:
    browser = Browser()
    ida = a_reachable_member(committed, service, browser)
    (device,) = queries.devices_of(ida.id)
    gus = a_member("Gus")
    his = sign_in(committed.test_client(), gus.id)
    post(his, f"{DEVICES}/remove", {"device": device.id})
    post(his, f"{DEVICES}/remove", {"endpoint": service.url + "/send/abc"})
    assert len(queries.devices_of(ida.id)) == 1
    post(his, DEVICES, {"endpoint": service.url + "/send/abc", "p256dh": browser.p256dh, "auth": browser.auth})
    assert (queries.devices_of(ida.id), len(queries.devices_of(gus.id))) == ([], 1)
    post(his, f"{DEVICES}/remove", {"endpoint": service.url + "/send/abc"})
    assert queries.devices_of(gus.id) == []


def test_the_worker_of_the_browser_comes_from_our_own_root(committed: Flask) -> None:
    answer = committed.test_client().get("/push-worker.js")
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert "showNotification" in answer.text
    assert "http" not in answer.text.replace("https://", "x") or "//" not in answer.text.split("addEventListener", 1)[1]


def test_the_key_is_made_once_and_kept_for_its_owner_alone(committed: Flask) -> None:
    first = vapid.public_key(committed)
    assert len(pushing._bytes(first)) == 65
    path = Path(committed.config["PORTAL_DATA_DIR"]) / vapid.FILE
    assert path.stat().st_mode & 0o077 == 0
    vapid._kept.cache_clear()
    assert vapid.public_key(committed) == first


def test_the_public_half_is_read_without_a_library_of_ciphers(tmp_path: Path) -> None:
    import subprocess
    import sys

    made = Vapid02()
    made.generate_keys()
    (tmp_path / "key.pem").write_bytes(made.private_pem())
    said = subprocess.run(
        [
            sys.executable, "-c",
            ("import sys; from pathlib import Path; from portal.notifications import vapid;"
            "print(vapid._public(Path(sys.argv[1]).read_text()), 'cryptography' in sys.modules)"),
            str(tmp_path / "key.pem"),
        ],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    raw = made.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert said == [text(raw), "False"]


def test_a_browser_that_is_signed_out_is_reached_no_more(committed: Flask, service: Service, workers: Workers) -> None:
    ida, browser, other = a_member("Ida", lang="en"), Browser(), Browser()
    here, there = (sign_in(committed.test_client(), ida.id) for _ in range(2))
    for client, path, keys in ((here, "/send/here", browser), (there, "/send/there", other)):
        given = {"endpoint": service.url + path, "p256dh": keys.p256dh, "auth": keys.auth}
        assert post(client, DEVICES, given).status_code == 204
        assert post(client, f"{DEVICES}/known", {"endpoint": given["endpoint"]}).json == {"known": True}
    a_comment(an_idea(a_board(), ida), a_member("Gus"))
    workers.run()
    service.taken.clear()
    post(here, "/sign-out")
    a_comment(an_idea(a_board(), ida), a_member("Gus"))
    workers.run()
    everything_is_due()
    pushing.send_pushes()
    assert {path for path, _head, _body in service.taken} == {"/send/there"}
    assert post(there, f"{DEVICES}/known", {"endpoint": service.url + "/send/here"}).json == {"known": False}
    with transaction():
        jobs.forget_signed_out()
        assert len(db.session.scalars(select(PushSubscription)).all()) == 1
