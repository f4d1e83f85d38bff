"""The dispatcher against a receiver that does nothing: rows a second, and that unchanged rows are never sent.

The receiver is a process of its own; what is counted is the dispatcher's: figures read, compared, sent, written down.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sqlalchemy import text

from bench.common import fresh_portal
from portal.crm import queries
from portal.crm.gateways.base import Limits
from portal.crm.gateways.webhook import WebhookGateway
from portal.crm.services import marking, sending
from portal.crm.services.outlet import Outlet
from portal.kernel.database import db, transaction

MEMBERS = 20_000
ROWS = 500
SECRET = "whsec_YmVuY2htYXJrLW9mLXRoZS1kaXNwYXRjaGVyLTMyYnl0ZXM="
LIMITS = Limits(rows=ROWS, events=ROWS, reads=False, lists=False)


class Nothing(BaseHTTPRequestHandler):
    """Takes everything and keeps a count."""

    protocol_version = "HTTP/1.1"
    calls = 0

    def do_POST(self) -> None:
        """Say yes."""
        self.rfile.read(int(self.headers["Content-Length"]))
        Nothing.calls += 1
        self._say(b"")

    def do_GET(self) -> None:
        """Say how many calls came."""
        self._say(str(Nothing.calls).encode())

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def receive() -> None:
    """Be the receiver; print the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
    print(server.server_port, flush=True)
    server.serve_forever()


@contextmanager
def receiver() -> Iterator[str]:
    """Yield the address of a receiver in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "bench.crm", "receive"], stdout=subprocess.PIPE, text=True)
    try:
        port = process.stdout.readline().strip() if process.stdout else ""
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def make_members(count: int) -> None:
    """Write members that agree, without ceremony."""
    db.session.execute(
        text("""
        INSERT INTO member (name, email, email_verified_at, active, kind, roles, segments, lang, job, city, country,
                            bio, joined_at, last_seen_at, placeholder, crm)
        SELECT 'Member ' || i, 'm' || i || '@example.org', now(), true, 'customer', '{}', '{}', 'en', '', '', '', '',
               now() - make_interval(hours => i), now() - make_interval(mins => i), false, '{}'
        FROM generate_series(1, :count) AS i"""),
        {"count": count},
    )


def drain(outlet: Outlet) -> tuple[int, float, float]:
    """Send until nothing is left; return rows, seconds, and CPU seconds of this process."""
    rows, began, cpu = 0, time.perf_counter(), time.process_time()
    while True:
        with transaction():
            outcome = sending.send_batch(outlet)
        rows += outcome.arrived + outcome.unchanged
        if not outcome.more:
            return rows, time.perf_counter() - began, time.process_time() - cpu


def calls(outlet: Outlet) -> int:
    """Return how many calls the gateway was charged for."""
    with transaction():
        return queries.figures(outlet.name).calls_today


def measure(url: str) -> dict[str, object]:
    """Send everybody, then everybody again unchanged, then one in ten changed."""
    with transaction():
        make_members(MEMBERS)
        marking.open_gateway("webhook")
    outlet = Outlet(WebhookGateway(url, SECRET, allow_private=True, limits=LIMITS), site="https://c.example.org")
    sent, seconds, cpu = drain(outlet)
    first = calls(outlet)
    with transaction():
        marking.want_everybody("webhook")
    unchanged, seconds_again, _ = drain(outlet)
    second = calls(outlet)
    with transaction():
        db.session.execute(text("UPDATE member SET joined_at = now() WHERE id % 10 = 0"))
        marking.want_everybody("webhook")
    drain(outlet)
    with transaction():
        figures = queries.figures("webhook")
    return {
        "name": "crm",
        "figures": [
            ["rows sent a second", round(sent / seconds), "rows/s", "≥ 2,000"],
            ["rows a CPU second of the dispatcher", round(sent / cpu), "rows/s", "≥ 2,000"],
            ["rows compared a second, unchanged", round(unchanged / seconds_again), "rows/s", ""],
            ["calls for unchanged rows", second - first, "calls", "0"],
            ["rows sent after one in ten changed", figures.sent - sent, "rows", f"{MEMBERS // 10:,}"],
            ["rows a call", ROWS, "rows", ""],
        ],
    }


def main() -> None:
    """Print the figures."""
    with fresh_portal("crm"), receiver() as url:
        print(json.dumps(measure(url)))


if __name__ == "__main__":
    receive() if sys.argv[1:] == ["receive"] else main()
