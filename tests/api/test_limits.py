"""The limits that the API's own description states, one by one: a step beyond is refused by name, the limit itself is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.api import openapi
from portal.api.endpoints import Endpoint, declared
from tests.members.factories import a_member, a_token, bearer

NOT_FREE = {"cursor", "key", "email", "time_zone"}
"""Fields whose right value is more than a length: only the step beyond is tried."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One stated limit of one field: a value that keeps it, if one can be made up, and one that breaks it."""

    one: Endpoint
    place: str
    field: str
    rule: str
    fits: Any
    breaks: Any

    def __str__(self) -> str:
        return f"{self.one.method} {self.one.path} {self.place}.{self.field} {self.rule}"


def limits() -> list[Limit]:
    return [limit for one in declared() for limit in (*_of(one, "query"), *_of(one, "body"))]


def _of(one: Endpoint, place: str) -> Iterator[Limit]:
    model = getattr(one, place)
    if model is None:
        return
    schema = model.model_json_schema()
    for field, stated in schema["properties"].items():
        for part in stated.get("anyOf", [stated]):
            plain = {**stated, **_resolved(part, schema)}
            for rule, fits, breaks in _steps(plain, place):
                yield Limit(one, place, field, rule, None if field in NOT_FREE else fits, breaks)


def _resolved(part: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = part.get("$ref", "").rpartition("/")[2]
    return dict(schema["$defs"][name]) if name else part


def _steps(part: dict[str, Any], place: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield each limit's name, a value at the limit and a value beyond it."""
    kind = part.get("type")
    if "enum" in part:
        yield "enum", part["enum"][0], "no-such-word"
    elif kind == "string" and "maxLength" in part:
        yield "maxLength", "x" * part["maxLength"], "x" * (part["maxLength"] + 1)
        if part.get("minLength", 0) > 1:
            yield "minLength", None, "x" * (part["minLength"] - 1)
    elif kind == "integer":
        if "maximum" in part:
            yield "maximum", part["maximum"], part["maximum"] + 1
        if "minimum" in part:
            yield "minimum", part["minimum"], part["minimum"] - 1
        yield "type", None, "a word"
    elif kind == "array" and "maxItems" in part:
        yield "maxItems", None, ["x"] * (part["maxItems"] + 1)
    elif kind == "boolean" and place == "body":
        yield "type", True, "neither"
    elif kind == "string" and place == "body":
        yield "type", None, 7


def send(client: FlaskClient, limit: Limit, value: Any, token: str) -> TestResponse:
    path = "/api/v1" + openapi.SLOT.sub("1", limit.one.path)
    given: dict[str, Any] = {limit.field: value}
    sent = {"json": given} if limit.place == "body" else {"query_string": given}
    if limit.place == "query" and limit.one.body is not None:
        sent["json"] = {}
    return client.open(path, method=limit.one.method, headers=bearer(token), **sent)  # type: ignore[arg-type]


def named(answer: TestResponse) -> set[str]:
    """Return the fields that an answer complains of."""
    if answer.status_code != 422:
        return set()
    return {one["field"].split(".")[0] for one in answer.get_json().get("errors", ())}


def test_each_stated_limit_is_kept(app: Flask, client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    token = a_token(a_member(kind="staff", roles=["admin"], verified=True), "read", "write", "admin")
    stated, wrong = limits(), []
    for limit in stated:
        beyond = send(client, limit, limit.breaks, token)
        if beyond.status_code != 422 or limit.field not in named(beyond):
            wrong.append(f"{limit}: beyond it {beyond.status_code} {named(beyond)}")
        if limit.fits is not None and limit.field in named(send(client, limit, limit.fits, token)):
            wrong.append(f"{limit}: the limit itself is refused")
    with capsys.disabled():
        print(f"\nlimits: {len(stated)} of {len(declared())} operations")  # noqa: T201
    assert len(stated) > 50
    assert wrong == []


def test_a_field_that_nobody_knows_changes_nothing(client: FlaskClient) -> None:
    token = a_token(a_member(verified=True))
    answer = client.get("/api/v1/me?admin=1&roles=admin", headers=bearer(token))
    assert answer.status_code == 200
    assert answer.get_json()["roles"] == []
