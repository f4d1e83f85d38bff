"""Web push: a short message for a browser, encrypted for it alone (RFC 8291), through the server of its maker.

Those servers see who is reached and when, and nothing of what is said.
"""

import base64
import binascii
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from flask import current_app
from flask_babel import force_locale
from httpx import Client, HTTPError

from portal.kernel.database import transaction
from portal.kernel.guard import NotPublic, guarded_client
from portal.notifications import mails, queries, vapid, words
from portal.notifications.checking import Unwanted, known_of, why_silent
from portal.notifications.models import PushSubscription
from portal.notifications.rules.kinds import State, Way
from portal.notifications.sending import gone_out
from portal.notifications.services import delivering, preferences
from portal.notifications.services.delivering import Claimed

log = structlog.get_logger(__name__)
AT_ONCE, LONGEST = 50, 20.0
PATIENCE = 10.0
KEPT_SECONDS = 86_400
"""How long a push service keeps a message for a browser that is off."""
PROOF_SECONDS = 12 * 3600
ENDPOINT_MOST, SECRET = 1000, 16
BODY_MOST = 300
GONE = {404, 410}
BUSY = {408, 429, 500, 502, 503, 504}


def allows_private() -> bool:
    """Return whether push services may be on private addresses and without https: for tests."""
    return str(current_app.config.get("PORTAL_PUSH_ALLOW_PRIVATE") or "0") == "1"


def why_not(endpoint: str, *, p256dh: str, auth: str) -> str | None:
    """Return the name of what a browser cannot have given, or None."""
    parts = urlsplit(endpoint)
    schemes = {"https", "http"} if allows_private() else {"https"}
    if parts.scheme not in schemes or not parts.hostname or len(endpoint) > ENDPOINT_MOST or parts.username:
        return "endpoint"
    if len(_bytes(p256dh)) != vapid.POINT or _bytes(p256dh)[:1] != b"\x04":
        return "p256dh"
    return None if len(_bytes(auth)) == SECRET else "auth"


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def send_pushes(longest: float = LONGEST) -> bool:
    """Send what is due, for a while; return whether there is more. A repeat replaces: each has a topic of its own."""
    until = time.monotonic() + longest
    with guarded_client(allow_private=allows_private(), timeout=PATIENCE) as client:
        while time.monotonic() < until:
            with transaction():
                batch = delivering.claim((Way.PUSH,), AT_ONCE)
            if not batch:
                return False
            for one in batch:
                try:
                    _send(one, client)
                except Exception as error:
                    log.exception("push not sent", delivery=one.id)
                    with transaction():
                        delivering.postpone(one, repr(error))
    return True


def _send(one: Claimed, client: Client) -> None:
    """Reach each of a member's browsers; no transaction is open while we wait for their servers."""
    with transaction():
        message = prepare(one)
        if isinstance(message, Unwanted):
            _end(one, State.DROPPED, message.why)
            return
    statuses = {browser.id: _reach(browser, message, client) for browser in message.browsers}
    reached = [browser_id for browser_id, status in statuses.items() if 200 <= status < 300]  # noqa: PLR2004
    said = ", ".join(str(status) for status in statuses.values())
    with transaction():
        preferences.forget_browsers([browser_id for browser_id, status in statuses.items() if status in GONE])
        preferences.note_reached(reached)
        if reached:
            _end(one, State.SENT, said)
        elif any(status in BUSY for status in statuses.values()):
            delivering.postpone(one, said)
        else:
            _end(one, State.REFUSED, said or "no browser")


def _end(one: Claimed, state: State, said: str) -> None:
    delivering.end([one], state, said)
    gone_out.labels(one.way, state.value).inc()


@dataclass(frozen=True, slots=True)
class Message:
    """What browsers are told, and which."""

    said: bytes
    topic: str
    urgent: bool
    browsers: Sequence[PushSubscription]


def prepare(one: Claimed) -> Message | Unwanted:
    """Return what the browsers are told, or why nothing: everything is asked again, for time has passed."""
    known = known_of([one.member_id], [one.notification_id or 0])
    viewer, row = known.viewers.get(one.member_id), known.rows.get(one.notification_id or 0)
    if viewer is None or row is None:
        return Unwanted("taken back")
    if why := why_silent(row, Way.PUSH, known):
        return Unwanted(why)
    with force_locale(viewer.lang or "en"):
        shown = words.show(viewer, [row], words.PLAIN)
    if not shown:
        return Unwanted("not to be seen any more")
    said = {
        "title": str(current_app.config["PORTAL_NAME"]),
        "body": shown[0].sentence[:BODY_MOST],
        "tag": f"notice-{row.id}",
        "url": f"{mails.site()}/notifications/{row.id}",
        "lang": viewer.lang or "en",
    }
    text = json.dumps(said, ensure_ascii=False).encode()
    return Message(text, f"notice-{row.id}"[:32], bool(row.details.get("urgent")), queries.browsers_of(viewer.id))


def _reach(browser: PushSubscription, message: Message, client: Client) -> int:
    """Hand a message to one browser's push service; return its status, 503 when it cannot be reached."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - what a proxy stands for
    head = {
        **vapid.headers(app, browser.endpoint, PROOF_SECONDS),
        "TTL": str(KEPT_SECONDS),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "Topic": message.topic,
        "Urgency": "high" if message.urgent else "normal",
    }
    body = encrypted(message.said, browser.p256dh, browser.auth)
    try:
        return client.post(browser.endpoint, content=body, headers=head).status_code
    except NotPublic as never:
        log.warning("push service on a private address", error=str(never)[:200])
        return 404
    except HTTPError as error:
        log.warning("push service away", error=str(error)[:200])
        return 503


def encrypted(said: bytes, p256dh: str, auth: str) -> bytes:
    """Return a payload that one browser alone can read: a fresh key and salt for each message."""
    import http_ece
    from cryptography.hazmat.primitives.asymmetric import ec

    fresh = ec.generate_private_key(ec.SECP256R1())
    body: bytes = http_ece.encrypt(
        said, salt=os.urandom(16), private_key=fresh, dh=_bytes(p256dh), auth_secret=_bytes(auth), version="aes128gcm"
    )
    return body
