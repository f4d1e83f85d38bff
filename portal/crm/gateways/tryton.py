"""Tryton 8 with our module ``portal`` (``integrations/tryton``), over JSON-RPC."""

import base64
import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

import httpx

from portal.crm.gateways.answers import check, retry_after
from portal.crm.gateways.base import (
    BatchRefused,
    Happening,
    Kind,
    Limits,
    News,
    NewsPage,
    Paused,
    Planned,
    RetryLater,
    Row,
    Stored,
    Value,
    Verdict,
)

MODULE = "portal"
OVERLAP = timedelta(minutes=2)
"""A transaction that commits late has an earlier time of change: look back this far."""
PAGE = 200
UNAUTHORIZED, FORBIDDEN, TOO_MANY = 401, 403, 429
_CONTACT_NEWS = ("account", "spent_eur", "tier", "products_owned")
_ACCOUNT_NEWS = ("revenue_eur", "owner", "segment", "since")


class Rpc:
    """A session with a Tryton server; it logs in when it must, and again when the session has ended."""

    def __init__(self, url: str, database: str, user: str, password: str, *, timeout: float = 60.0) -> None:
        self.user, self._password = user, password
        self._address = f"{url.rstrip('/')}/{database}/rpc/"
        self._http = httpx.Client(timeout=timeout)
        self._session: str | None = None
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the connection."""
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def call(self, method: str, *params: Any) -> Any:
        """Call a method of Tryton and return its result.

        :raise RetryLater: when the server is away or busy. :raise Paused: when it will not let us in.
        :raise BatchRefused: when it answers with an error for people.
        """
        response = self._send(method, params)
        if response.status_code in {UNAUTHORIZED, FORBIDDEN}:
            self._session = None
            response = self._send(method, params)
        return self._result(response)

    def _send(self, method: str, params: Sequence[Any]) -> httpx.Response:
        if self._session is None:
            self._session = self._log_in()
        return self._post(method, [*params, {}], {"Authorization": f"Session {self._session}"})

    def _post(self, method: str, params: list[Any], headers: Mapping[str, str]) -> httpx.Response:
        body = {"id": next(self._numbers), "method": method, "params": params}
        try:
            return self._http.post(self._address, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise RetryLater(f"{type(error).__name__}: {error}") from error

    def _log_in(self) -> str:
        response = self._post("common.db.login", [self.user, {"password": self._password}], {})
        if response.status_code == TOO_MANY:
            raise RetryLater("429 too many log-ins", after=retry_after(response) or 30.0)
        result = self._result(response)
        if not result:
            raise Paused(f"Tryton refused the password of {self.user}")
        user_id, token = result[0], result[1]
        return base64.b64encode(f"{self.user}:{user_id}:{token}".encode()).decode()

    def _result(self, response: httpx.Response) -> Any:
        check(response)
        try:
            answer = response.json()
        except ValueError as error:
            raise RetryLater("the answer was not JSON", suspect=True) from error
        if refusal := answer.get("error"):
            raise _failure(refusal)
        return answer.get("result")


def _failure(error: Any) -> Exception:
    """Return the error of an answer as one of our kinds: errors come with HTTP 200."""
    name = str(error[0]) if isinstance(error, list) and error else str(error)
    if name in {"UserError", "UserWarning"}:
        detail = error[1]
        return BatchRefused(str(detail[0] if isinstance(detail, list) and detail else detail))
    if name.startswith("LoginException"):
        return Paused("Tryton wants another kind of log-in")
    if f"{MODULE}.exchange" in name:
        return Paused(f"Tryton does not know our module: activate “{MODULE}” in this database")
    return RetryLater(name[:500], suspect=True)


class TrytonGateway:
    """Contacts and accounts are parties; events are rows of ``portal.event``."""

    name = "tryton"
    rest = 0.0

    def __init__(self, url: str, database: str, user: str, password: str, *, limits: Limits | None = None) -> None:
        self.limits = limits or Limits(rows=200, events=500)
        self._rpc = Rpc(url, database, user, password)

    def close(self) -> None:
        """Let go of the connection."""
        self._rpc.close()

    def verify(self) -> None:
        """Ask our module whether we may write."""
        if not self._describe()["may_write"]:
            raise Paused(f"{self._rpc.user} is not in the group “Community Portal”")

    def plan(self, wanted: Mapping[Kind, Mapping[str, str]]) -> list[Planned]:
        """Compare with what the module says; without the module nothing is there yet."""
        try:
            there: dict[str, dict[str, str]] = self._describe()["fields"]
        except Paused:
            self._module_id()
            there = {}
        return [
            Planned(kind=kind, name=name, type=type_, there=there.get(kind, {}).get(name) == type_)
            for kind, fields in wanted.items()
            for name, type_ in fields.items()
        ]

    def apply(self, wanted: Mapping[Kind, Mapping[str, str]]) -> list[Planned]:
        """Activate the module in this database, for which the user must be an administrator."""
        if any(not field.there for field in self.plan(wanted)):
            self._as_administrator("model.ir.module.activate", [self._module_id()])
            wizard = "wizard.ir.module.activate_upgrade"
            session = self._as_administrator(f"{wizard}.create")[0]
            self._as_administrator(f"{wizard}.execute", session, {}, "upgrade")
            self._as_administrator(f"{wizard}.delete", session)
        return self.plan(wanted)

    def _as_administrator(self, method: str, *params: Any) -> Any:
        try:
            return self._rpc.call(method, *params)
        except BatchRefused as refused:
            raise Paused(f"{self._rpc.user} may not activate modules: {refused}") from refused

    def _module_id(self) -> int:
        try:
            found = self._rpc.call("model.ir.module.search", [["name", "=", MODULE]])
        except BatchRefused as refused:
            raise Paused(str(refused)) from refused
        if not found:
            raise Paused("install the package trytond-portal beside trytond, then start it again")
        return int(found[0])

    def _describe(self) -> dict[str, Any]:
        try:
            described: dict[str, Any] = self._rpc.call("model.portal.exchange.describe")
        except BatchRefused as refused:
            raise Paused(str(refused)) from refused
        return described

    def upsert(self, rows: Sequence[Row]) -> list[Verdict]:
        """Set the rows by one call."""
        body = [row.as_json() for row in rows]
        return self._verdicts("upsert", rows[0].kind, body)

    def append(self, events: Sequence[Happening]) -> list[Verdict]:
        """Add the events by one call."""
        body = [event.as_json() for event in events]
        return self._verdicts("add_events", body)

    def _verdicts(self, method: str, *params: Any) -> list[Verdict]:
        try:
            answers = self._rpc.call(f"model.portal.exchange.{method}", *params)
        except BatchRefused:
            self.verify()  # raises Paused when it is not the rows but we who are refused
            raise
        return [Verdict(**answer) for answer in answers]

    def read_back(self, kind: Kind, keys: Sequence[int]) -> dict[int, Stored]:
        """Read what the parties with these keys hold."""
        rows = self._rpc.call("model.portal.exchange.read_back", kind, list(keys))
        return {row["key"]: Stored(**row) for row in rows}

    def changes(self, kind: Kind, cursor: str | None) -> NewsPage:
        """List parties that changed. A cursor that ends in ``|`` begins anew, a little earlier."""
        since = _rewound(cursor) if cursor and cursor.endswith("|") else cursor
        answer = self._rpc.call("model.portal.exchange.changes", kind, since, PAGE)
        items = [_news(kind, row) for row in answer["rows"]]
        after: str | None = answer["cursor"] or cursor
        if not answer["more"] and items:
            after = f"{items[-1].changed_at}|"
        elif not items:
            after = cursor
        return NewsPage(items=items, cursor=after, more=answer["more"])

    def forget(self, kind: Kind, keys: Sequence[int]) -> int:
        """Empty our fields and delete our events."""
        return int(self._rpc.call("model.portal.exchange.forget", kind, list(keys)))


def _rewound(cursor: str) -> str:
    return f"{(datetime.fromisoformat(cursor.rstrip('|')) - OVERLAP).isoformat()}|"


def _news(kind: Kind, row: Mapping[str, Any]) -> News:
    names = _CONTACT_NEWS if kind == "contact" else _ACCOUNT_NEWS
    values: dict[str, Value | list[str]] = {name: row[name] for name in names}
    return News(
        kind=kind,
        crm_id=row["crm_id"],
        key=row["key"],
        name=row["name"] or "",
        email=row["email"],
        active=row["active"],
        merged_into=row["merged_into"],
        changed_at=row["changed_at"],
        values=values,
    )
