"""Nasty input to every operation that is declared: never a mistake of ours, always a documented answer."""

import json
import random
import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.api import openapi
from portal.api.endpoints import Endpoint, declared
from tests.members.factories import a_member, a_token, bearer

TRIES = 25
NASTY: list[Any] = [
    None, True, False, -1, 0, 1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 1e308, 0.5, "", " ", "x", "x" * 300, "è" * 201,
    "a\u0000b", "\u0007", "\ud800", "\u202e", "0", "1", "-1", "1e9", "NaN", "2026-13-45", "support", "it", "newest", "%",
    "';--", "%00", "..", "<script>", [], [[]], ["x"], ["a\u0000"], [None], {}, {"a": 1}, [1] * 50, "🧶" * 50,
]  # fmt: skip
TYPED = ["x" * 20, "lana", "it", "support", 1, True, ["lana"]]


def fitting(one: Endpoint, *, seed: int) -> tuple[str, dict[str, str], Any]:
    """Draw an address, a query and a body: some parts right, some nasty."""
    draw = random.Random(f"{one.method} {one.path} {seed}")
    path = openapi.SLOT.sub(lambda _: str(draw.choice([0, 1, 1, 2, 999, 2**63 - 1, 2**63, 10**30])), one.path)
    fields = one.query.model_fields if one.query else {}
    query = {name: str(draw.choice(NASTY)) for name in [*fields, "stray"] if draw.random() < 0.4}
    query = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    fields = one.body.model_fields if one.body else {}
    body: Any = {
        name: draw.choice(NASTY if draw.random() < 0.3 else TYPED) for name in [*fields, "stray"] if draw.random() < 0.8
    }
    return path, query, body if draw.random() < 0.9 else draw.choice(NASTY)


def send(client: FlaskClient, one: Endpoint, seed: int, token: str) -> TestResponse:
    path, query, body = fitting(one, seed=seed)
    given: dict[str, Any] = {}
    if one.body is not None:
        given = {"data": json.dumps(body), "content_type": "application/json"}
    return client.open(f"/api/v1{path}", method=one.method, query_string=query, headers=bearer(token), **given)


def test_no_input_makes_a_mistake_of_ours(app: Flask, client: FlaskClient) -> None:
    token = a_token(a_member(kind="staff", roles=["admin"]), "read", "write", "admin")
    document = client.get("/api/v1/openapi.json").get_json()
    wrong: list[str] = []
    for one in declared():
        operation = document["paths"][openapi.SLOT.sub(r"{\g<name>}", one.path)][one.method.lower()]
        for seed in range(TRIES):
            answer = send(client, one, seed, token)
            told = f"{one.method} {one.path} #{seed}: {answer.status_code} {fitting(one, seed=seed)}"
            if answer.status_code >= 500 or str(answer.status_code) not in operation["responses"]:
                wrong.append(f"{told} {answer.get_data(as_text=True)[:300]}")
            elif answer.status_code >= 400 and answer.content_type != "application/problem+json":
                wrong.append(f"{told} {answer.content_type}")
    assert wrong == []


def test_every_operation_says_what_it_does(portal: Flask) -> None:
    for one in declared():
        assert one.summary, one.path
        assert re.fullmatch(r"[a-z_]+", one.name), one.name
    assert len({one.name for one in declared()}) == len(declared())


def test_nobody_writes_without_a_member(client: FlaskClient) -> None:
    for one in declared():
        if one.method != "GET":
            path = openapi.SLOT.sub("1", one.path)
            answer = client.open(f"/api/v1{path}", method=one.method, json={})
            assert answer.status_code == 401, f"{one.method} {one.path}: {answer.status_code}"


def test_a_token_to_read_writes_nothing(client: FlaskClient) -> None:
    token = a_token(a_member(kind="staff", roles=["admin"]), "read")
    for one in declared():
        if one.method != "GET":
            path = openapi.SLOT.sub("1", one.path)
            answer = client.open(f"/api/v1{path}", method=one.method, json={}, headers=bearer(token))
            assert answer.status_code == 403, f"{one.method} {one.path}: {answer.status_code}"
