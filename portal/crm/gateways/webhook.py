"""Any receiver of signed webhooks (Standard Webhooks): rows and events leave as JSON, verdicts may come back.

A message is ``{"type": "portal.contacts.upsert", "timestamp": …, "data": {"rows": […]}}``. An empty answer of
2xx accepts every row; ``{"results": [{"key", "status", "reason", "field", "crm_id"}]}`` answers row by row. The
message's id is a digest of its content, so that a receiver that has seen it may answer without doing it again.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from standardwebhooks import Webhook

from portal.crm.gateways.answers import check, rest
from portal.crm.gateways.base import (
    Happening,
    Kind,
    Limits,
    NewsPage,
    NotOffered,
    Paused,
    Planned,
    RetryLater,
    Row,
    Stored,
    Verdict,
)
from portal.kernel.guard import NotPublic, guarded_client

STATUSES: Final = {"created", "updated", "unchanged", "refused"}
LARGEST_ANSWER = 4 * 1024 * 1024


class WebhookGateway:
    """One address that takes everything."""

    name = "webhook"

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        allow_private: bool = False,
        limits: Limits | None = None,
        wait: float = 30.0,
    ) -> None:
        self.limits = limits or Limits(rows=500, events=500, reads=False, lists=False)
        self.rest = 0.0
        self._url = url
        self._signer = Webhook(secret)
        self._http = guarded_client(allow_private=allow_private, timeout=wait)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def plan(self, wanted: Mapping[Kind, Mapping[str, str]]) -> list[Planned]:
        """Say that all fields are there: a receiver takes whatever it is sent."""
        return [
            Planned(kind=kind, name=name, type=type_, there=True)
            for kind, fields in wanted.items()
            for name, type_ in fields.items()
        ]

    def apply(self, wanted: Mapping[Kind, Mapping[str, str]]) -> list[Planned]:
        """Tell the receiver which fields will come."""
        self._send("portal.fields", {"fields": {kind: dict(fields) for kind, fields in wanted.items()}})
        return self.plan(wanted)

    def verify(self) -> None:
        """Send a signed sign of life."""
        self._send("portal.ping", {})

    def upsert(self, rows: Sequence[Row]) -> list[Verdict]:
        """Send the rows as one message."""
        body = [row.as_json() for row in rows]
        answer = self._send(f"portal.{rows[0].kind}s.upsert", {"rows": body})
        return _verdicts([row.key for row in rows], answer, accepted="updated")

    def append(self, events: Sequence[Happening]) -> list[Verdict]:
        """Send the events as one message."""
        body = [event.as_json() for event in events]
        answer = self._send("portal.events", {"events": body})
        return _verdicts([event.id for event in events], answer, accepted="created")

    def read_back(self, kind: Kind, keys: Sequence[int]) -> dict[int, Stored]:  # noqa: ARG002 - the Protocol's
        """Webhooks lead one way.

        :raise NotOffered: always.
        """
        raise NotOffered("a webhook cannot be read back")

    def changes(self, kind: Kind, cursor: str | None) -> NewsPage:  # noqa: ARG002 - the Protocol's
        """Webhooks lead one way.

        :raise NotOffered: always.
        """
        raise NotOffered("a webhook cannot be listed")

    def forget(self, kind: Kind, keys: Sequence[int]) -> int:
        """Ask the receiver to forget these."""
        self._send(f"portal.{kind}s.forget", {"keys": list(keys)})
        return len(keys)

    def _send(self, type_: str, data: Mapping[str, Any]) -> Mapping[int | str, Any]:
        moment = datetime.now(UTC)
        content = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        number = "msg_" + hashlib.sha256(f"{type_}\n{content}".encode()).hexdigest()[:32]
        body = f'{{"type":"{type_}","timestamp":"{moment.isoformat()}","data":{content}}}'
        headers = {
            "content-type": "application/json",
            "webhook-id": number,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": self._signer.sign(number, moment, body),
        }
        return self._results(self._post(body, headers))

    def _post(self, body: str, headers: Mapping[str, str]) -> httpx.Response:
        try:
            response = self._http.post(self._url, content=body.encode(), headers=headers)
        except NotPublic as error:
            raise Paused(str(error)) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Paused(f"{self._url}: {error}") from error
        except httpx.HTTPError as error:
            raise RetryLater(f"{type(error).__name__}: {error}") from error
        check(response)
        self.rest = rest(response)
        return response

    @staticmethod
    def _results(response: httpx.Response) -> Mapping[int | str, Any]:
        """Return the answers by key; what is not our shape counts as a plain yes."""
        if not response.content or len(response.content) > LARGEST_ANSWER:
            return {}
        try:
            answer = response.json()
        except ValueError:
            return {}
        results = answer.get("results") if isinstance(answer, dict) else None
        return {r["key"]: r for r in results or () if isinstance(r, dict) and "key" in r}


def _verdicts(keys: Sequence[int | str], answer: Mapping[int | str, Any], accepted: Any) -> list[Verdict]:
    verdicts = []
    for key in keys:
        said = answer.get(key, {})
        status = said.get("status") if said.get("status") in STATUSES else accepted
        reason, field, crm_id = (said.get(name) and str(said[name])[:500] for name in ("reason", "field", "crm_id"))
        verdicts.append(Verdict(key=key, status=status, crm_id=crm_id or None, reason=reason, field=field))
    return verdicts
