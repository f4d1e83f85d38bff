"""A CRM behind a signed webhook, for tests: it keeps what it is sent, and has bad days when told to.

A real server on a real socket: it checks signatures, honours a limit of rows, refuses single rows or whole batches,
asks to wait, and breaks off after half a batch.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_c2VjcmV0LW9mLXRoZS1zaW11bGF0ZWQtY3JtLTMyYg=="


@dataclass
class BadDay:
    """One answer that goes wrong: a status, seconds to wait, and how many rows are kept all the same."""

    status: int
    retry_after: str = ""
    kept: int = 0
    text: str = "not today"
    headers: dict[str, str] = field(default_factory=dict)


class Simulator:
    """What the CRM holds, and how it will behave."""

    def __init__(self) -> None:
        self.contacts: dict[int, dict[str, Any]] = {}
        self.accounts: dict[int, dict[str, Any]] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.forgotten: list[int] = []
        self.calls: list[str] = []
        self.bad_days: list[BadDay] = []
        self.refuses: dict[int, str] = {}
        self.refuses_events: dict[str, tuple[str, str]] = {}
        self.chokes_on: set[int] = set()
        self.breaks_on: set[int] = set()
        self.most_rows = 500
        self.url = ""
        self.lock = threading.Lock()

    def answer(self, message: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        """Take a message as a CRM would."""
        kind, data = message["type"], message["data"]
        rows = data.get("rows") or data.get("events") or []
        self.calls.append(kind)
        if self.bad_days:
            day = self.bad_days.pop(0)
            for row in rows[: day.kept]:
                self._keep(kind, row)
            return day.status, {"Retry-After": day.retry_after, **day.headers}, {"error": day.text}
        if len(rows) > self.most_rows:
            return 413, {}, {"error": f"more than {self.most_rows} rows"}
        if self.chokes_on & {row.get("key") for row in rows}:
            return 422, {}, {"error": "one of the rows is malformed"}
        if self.breaks_on & {row.get("key") for row in rows}:
            return 500, {}, {"error": "internal error"}
        for key in data.get("keys", []):
            self._forget(kind, key)
        return 200, {}, {"results": [self._keep(kind, row) for row in rows]}

    def _keep(self, kind: str, row: dict[str, Any]) -> dict[str, Any]:
        if kind == "portal.events":
            known = self.events.get(row["id"])
            status = "created" if known is None else "unchanged" if known["key"] == row["key"] else "updated"
            if row["id"] in self.refuses_events:
                field, reason = self.refuses_events[row["id"]]
                return {"key": row["id"], "status": "refused", "reason": reason, "field": field}
            if row["key"] not in self.contacts and row["key"] not in self.accounts:
                return {"key": row["id"], "status": "refused", "reason": f"no contact {row['key']}", "field": "key"}
            self.events[row["id"]] = {**(known or row), "key": row["key"]}
            return {"key": row["id"], "status": status}
        key = row["key"]
        if key in self.refuses:
            return {"key": key, "status": "refused", "reason": self.refuses[key], "field": "email"}
        wrong = [n for n, v in row["values"].items() if n == "portal_votes" and not isinstance(v, int | None)]
        if wrong:
            return {"key": key, "status": "refused", "reason": "portal_votes must be a whole number", "field": wrong[0]}
        held = self.contacts if kind == "portal.contacts.upsert" else self.accounts
        before = held.get(key)
        held[key] = {**(before or {}), **row["values"]}
        status = "created" if before is None else "unchanged" if before == held[key] else "updated"
        return {"key": key, "status": status, "crm_id": f"C-{key}"}

    def _forget(self, kind: str, key: int) -> None:
        held = self.contacts if kind == "portal.contacts.forget" else self.accounts
        held.pop(key, None)
        self.forgotten.append(key)
        self.events = {i: e for i, e in self.events.items() if e["key"] != key}


@contextmanager
def simulated_crm() -> Iterator[Simulator]:
    """Run a simulator for as long as the block lasts."""
    crm = Simulator()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                Webhook(SECRET).verify(body, dict(self.headers))
                with crm.lock:
                    status, headers, answer = crm.answer(json.loads(body))
            except WebhookVerificationError as error:
                status, headers, answer = 401, {}, {"error": str(error)}
            content = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    crm.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield crm
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
