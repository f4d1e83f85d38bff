"""Ideas over the API: the fields programs count on, one vote a member, nothing that one may not see."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.ideas import services
from portal.kernel.database import db
from tests.ideas.factories import a_board, a_viewer, an_idea
from tests.members.factories import a_member, a_token, bearer

FIELDS = {"id", "board", "title", "body", "html", "lang", "stage", "author", "created_at", "votes", "effective_votes", "voted",
          "comments", "topics", "url"}  # fmt: skip


def token(**wishes: object) -> dict[str, str]:
    return bearer(a_token(a_member(verified=True, **wishes)))


def test_a_proposal_answers_201_with_the_idea(app: Flask, client: FlaskClient) -> None:
    board = a_board(categories=["colours"])
    typed = {
        "board": board,
        "title": "Walnut brown",
        "body": "From the *husks*.",
        "tags": ["walnut"],
        "category": "colours",
    }
    answer = client.post("/api/v1/ideas", json=typed, headers=token())
    assert answer.status_code == 201
    idea = answer.get_json()
    assert set(idea) >= FIELDS
    assert (idea["board"], idea["stage"], idea["votes"], idea["voted"], idea["tags"]) == (
        board,
        "submitted",
        0,
        False,
        ["walnut"],
    )
    assert idea["html"] == "<p>From the <em>husks</em>.</p>\n"
    assert client.get(f"/api/v1/ideas/{idea['id']}").get_json()["title"] == "Walnut brown"


def test_a_vote_is_put_and_deleted(app: Flask, client: FlaskClient) -> None:
    idea, mine = an_idea(), token()
    for _ in range(2):
        assert client.put(f"/api/v1/ideas/{idea}/vote", headers=mine).get_json() == {"votes": 1, "voted": True}
    assert client.get(f"/api/v1/ideas/{idea}", headers=mine).get_json()["voted"] is True
    for _ in range(2):
        assert client.delete(f"/api/v1/ideas/{idea}/vote", headers=mine).get_json() == {"votes": 0, "voted": False}


def test_a_vote_needs_somebody(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    assert client.put(f"/api/v1/ideas/{idea}/vote").status_code == 401
    assert client.put(f"/api/v1/ideas/{idea}/vote", headers=bearer(a_token(a_member(), "read"))).status_code == 403


@pytest.mark.parametrize("sort", ["newest", "rising", "wanted", "explore", "answer_due"])
def test_lists_page_by_cursor(app: Flask, client: FlaskClient, sort: str) -> None:
    board, author = a_board(promise_working_days=5), a_viewer()
    made = {an_idea(author, board, title=f"Idea {n}") for n in range(5)}
    seen: list[int] = []
    cursor = ""
    while cursor is not None:
        page = client.get(f"/api/v1/ideas?board={board}&sort={sort}&limit=2&cursor={cursor}").get_json()
        seen += [idea["id"] for idea in page["items"]]
        cursor = page["next"]
    assert (len(seen), set(seen)) == (5, made)


def test_lists_filter_by_stage_and_words(app: Flask, client: FlaskClient) -> None:
    board = a_board()
    cones, brown = an_idea(board=board, title="Small cones"), an_idea(board=board, title="Walnut brown")
    services.set_stage(cones, a_viewer(roles=["moderator"]), stage="planned")
    db.session.commit()
    by_stage = client.get(f"/api/v1/ideas?board={board}&stage=planned").get_json()["items"]
    assert [idea["id"] for idea in by_stage] == [cones]
    assert client.get(f"/api/v1/ideas?board={board}&sort=sideways").status_code == 422
    assert client.get("/api/v1/ideas?board=unheard-of").status_code == 404
    assert brown in [idea["id"] for idea in client.get(f"/api/v1/ideas?board={board}").get_json()["items"]]


def test_what_one_may_not_see_is_not_there(app: Flask, client: FlaskClient) -> None:
    board = a_board(audience="kinds:supplier,staff")
    idea = an_idea(a_viewer(kind="supplier"), board)
    outside, inside = token(), token(kind="supplier")
    for address in (f"/api/v1/ideas?board={board}", f"/api/v1/ideas/{idea}", f"/api/v1/ideas/{idea}/comments"):
        assert client.get(address, headers=outside).status_code == 404
        assert client.get(address, headers=inside).status_code == 200
    assert client.put(f"/api/v1/ideas/{idea}/vote", headers=outside).status_code == 404
    assert client.post(f"/api/v1/ideas/{idea}/comments", json={"body": "Hello"}, headers=outside).status_code == 404
    assert client.post("/api/v1/ideas", json={"board": board, "title": "Hello"}, headers=outside).status_code == 404
    assert client.get("/api/v1/ideas", headers=outside).get_json()["items"] == []


def test_comments_are_posted_and_listed_as_threads(app: Flask, client: FlaskClient) -> None:
    idea, mine = an_idea(), token()
    first = client.post(f"/api/v1/ideas/{idea}/comments", json={"body": "I do that at my courses."}, headers=mine)
    assert first.status_code == 201
    reply = {"body": "Which yarn?", "parent": first.get_json()["id"]}
    client.post(f"/api/v1/ideas/{idea}/comments", json=reply, headers=mine)
    page = client.get(f"/api/v1/ideas/{idea}/comments?limit=1").get_json()
    rest = client.get(f"/api/v1/ideas/{idea}/comments?cursor={page['next']}").get_json()
    assert [c["parent"] for c in page["items"] + rest["items"]] == [None, first.get_json()["id"]]
    assert client.get(f"/api/v1/ideas/{idea}").get_json()["comments"] == 2


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"title": "x" * 121}, 422),
        ({"title": "a\0b"}, 422),
        ({"title": ""}, 422),
        ({"title": 7}, 422),
        ({}, 422),
        ({"title": "x" * 10_000_000}, 413),
    ],
)
def test_what_does_not_fit_is_named(app: Flask, client: FlaskClient, typed: dict[str, object], status: int) -> None:
    answer = client.post("/api/v1/ideas", json={"board": a_board(), **typed}, headers=token())
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"


def test_staff_answers_over_the_api_with_a_reason(app: Flask, client: FlaskClient) -> None:
    idea, staff = an_idea(), token(kind="staff", roles=["brand_manager"])
    decline = {"stage": "declined", "answer": "We counted twice."}
    assert client.put(f"/api/v1/ideas/{idea}/stage", json=decline, headers=staff).status_code == 422
    answer = client.put(f"/api/v1/ideas/{idea}/stage", json={**decline, "reason_code": "cost"}, headers=staff)
    assert answer.get_json()["stage"] == "declined"
    assert client.put(f"/api/v1/ideas/{idea}/vote", headers=token()).status_code == 409
    assert client.put(f"/api/v1/ideas/{idea}/stage", json=decline, headers=token()).status_code == 403
