"""Before an address or a telephone number is out, whoever writes is asked; programs are warned."""

import html
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.community.models import Comment
from portal.ideas.models import Idea
from portal.kernel.database import db
from portal.support.models import Answer, Question
from tests.ideas.factories import a_board, an_idea
from tests.members.factories import a_member, a_token, bearer, sign_in
from tests.support.factories import a_board as a_help_board
from tests.support.factories import a_question

TEXT = "Scrivetemi a noor@example.org o chiamate il 333 1234567."


def fields_of(page: str) -> dict[str, str]:
    """Return what the page that asks would send."""
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    title = re.search(r'id="giving-title" name="title" value="([^"]*)"', page)
    body = re.search(r'<textarea id="giving-body"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert body
    found = {name: html.unescape(value) for name, value in hidden} | {"body": html.unescape(body.group(1))}
    return found | ({"title": html.unescape(title.group(1))} if title else {})


def csrf(client: FlaskClient) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/account").text)
    assert found
    return found.group(1)


def count(model: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def places(app: Flask) -> dict[str, tuple[str, Any, dict[str, str]]]:
    idea, question = an_idea(), a_question()
    return {
        "propose": ("/ideas/new", Idea, {"title": "A finer comb", "board": a_board(), "tags": "combs"}),
        "comment": (f"/ideas/{idea}/comments", Comment, {}),
        "ask": ("/questions/ask", Question, {"title": "How do I sew?", "board": a_help_board(), "tags": "hems"}),
        "answer": (f"/questions/{question}/answers", Answer, {}),
        "comment on a question": (f"/questions/{question}/comments", Comment, {}),
    }


@pytest.mark.parametrize("place", ["propose", "comment", "ask", "answer", "comment on a question"])
def test_the_writer_is_asked_and_decides(
    app: Flask, client: FlaskClient, places: dict[str, tuple[str, Any, dict[str, str]]], place: str
) -> None:
    path, model, others = places[place]
    sign_in(client, a_member())
    before = count(model)

    asked = client.post(path, data={"csrf_token": csrf(client), "body": TEXT, **others})
    assert asked.status_code == 422
    assert "noor@example.org" in asked.text
    assert "333 1234567" in asked.text
    assert count(model) == before
    sent = fields_of(asked.text)
    assert sent["body"] == TEXT
    assert {name: sent[name] for name in others} == others

    assert client.post(path, data={**sent, "body": TEXT.replace("noor@example.org", "me")}).status_code == 422
    assert count(model) == before
    assert client.post(path, data={**sent, "body": "Write to me here."}).status_code in {302, 303}
    assert count(model) == before + 1
    assert client.post(path, data={**sent, "publish_anyway": "1"}).status_code in {302, 303}
    assert count(model) == before + 2


def test_nobody_is_asked_without_need(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_member())
    plain = {"csrf_token": csrf(client), "body": "50 g / 120 m, ISBN 978-88-04-61234-5, 22/11/2026"}
    assert client.post(f"/ideas/{idea}/comments", data=plain).status_code == 303
    staff = sign_in(app.test_client(), a_member(kind="staff", roles=["support_agent"]))
    said = {"csrf_token": csrf(staff), "body": "Call us: 0165 778 899"}
    assert staff.post(f"/ideas/{idea}/comments", data=said).status_code == 303


def test_programs_are_warned_and_not_held_back(app: Flask, client: FlaskClient) -> None:
    token = bearer(a_token(a_member()))
    idea, question = an_idea(), a_question()
    for path, body in (
        ("/api/v1/ideas", {"board": a_board(), "title": "A comb"}),
        (f"/api/v1/ideas/{idea}/comments", {}),
        ("/api/v1/questions", {"board": a_help_board(), "title": "How do I sew?"}),
        (f"/api/v1/questions/{question}/answers", {}),
    ):
        said = client.post(path, json={**body, "body": TEXT}, headers=token)
        assert said.status_code == 201, said.text
        assert [one["kind"] for one in said.json["warnings"]] == ["email", "phone"]
        assert client.post(path, json={**body, "body": "Nothing of it."}, headers=token).json["warnings"] == []
