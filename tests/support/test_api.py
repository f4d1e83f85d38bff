"""Questions and answers as programs meet them."""

import pytest

from tests.members.factories import a_member, a_token, bearer
from tests.support.factories import a_board, a_question, a_viewer, an_answer

QUESTION = {"id", "board", "title", "body", "html", "lang", "author", "created_at", "tags", "answers", "accepted",
            "same_problem", "topics", "url"}  # fmt: skip


def test_a_program_asks_answers_and_accepts(client):
    board = a_board()
    asker, helper = bearer(a_token(a_member())), bearer(a_token(a_member()))
    asked = client.post(
        "/api/v1/questions",
        json={"board": board, "title": "Is pilling normal?", "body": "At the *elbows*.", "tags": ["pilling"]},
        headers=asker,
    )
    assert asked.status_code == 201
    assert set(asked.json) >= QUESTION
    assert (asked.json["board"], asked.json["answers"], asked.json["accepted"]) == (board, 0, None)
    assert asked.json["tags"] == ["pilling"]
    number = asked.json["id"]
    given = client.post(f"/api/v1/questions/{number}/answers", json={"body": "Comb it."}, headers=helper)
    assert (given.status_code, given.json["question"]) == (201, number)
    answer = given.json["id"]
    assert client.post(f"/api/v1/answers/{answer}/accept", headers=helper).status_code == 403
    accepted = client.post(f"/api/v1/answers/{answer}/accept", headers=asker)
    assert accepted.status_code in (200, 201)
    voted = client.put(f"/api/v1/answers/{answer}/vote", json={"value": 1}, headers=asker)
    assert (voted.status_code, voted.json["helped"], voted.json["voted"]) == (200, 1, 1)
    seen = client.get(f"/api/v1/questions/{number}").json
    assert (seen["answers"], seen["accepted"]) == (1, answer)
    same = client.put(f"/api/v1/questions/{number}/same_problem", headers=helper)
    assert same.json == {"same_problem": 1, "said": True}
    assert client.put(f"/api/v1/questions/{number}/same_problem", headers=asker).status_code == 409


def test_lists_page_by_cursor(client):
    board, asker = a_board(), a_viewer()
    asked = [a_question(asker, board, title=f"Number {n}") for n in range(5)]
    an_answer(asked[0])
    first = client.get(f"/api/v1/questions?board={board}&limit=3").json
    rest = client.get(f"/api/v1/questions?board={board}&limit=3&cursor={first['next']}").json
    assert [one["id"] for one in first["items"] + rest["items"]] == asked[::-1]
    assert rest["next"] is None
    unanswered = client.get(f"/api/v1/questions?board={board}&sort=unanswered").json
    assert asked[0] not in [one["id"] for one in unanswered["items"]]


def test_answers_come_the_surest_help_first(client):
    number = a_question()
    answers = [an_answer(number) for _ in range(3)]
    client.put(f"/api/v1/answers/{answers[2]}/vote", json={}, headers=bearer(a_token(a_member())))
    listed = client.get(f"/api/v1/questions/{number}/answers").json["items"]
    assert [one["id"] for one in listed] == [answers[2], answers[0], answers[1]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"board": "nothing", "title": "x"}, 404),
        ({"title": "x"}, 422),
        ({"board": "help", "title": ""}, 422),
        ({"board": "help", "title": "x" * 300}, 422),
        ({"board": "help", "title": "a\u0000b"}, 422),
        ({"board": "help", "title": "x", "tags": "wool"}, 422),
    ],
)
def test_bad_questions_get_a_problem_document(client, body, status):
    a_board("help")
    answer = client.post("/api/v1/questions", json=body, headers=bearer(a_token(a_member())))
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"


def test_a_token_that_may_only_read_does_not_write(client):
    board = a_board()
    reader = bearer(a_token(a_member(), "read"))
    asked = client.post("/api/v1/questions", json={"board": board, "title": "x"}, headers=reader)
    assert asked.status_code == 403
    assert client.post("/api/v1/questions", json={"board": board, "title": "x"}).status_code == 401


def test_one_key_is_one_question(client):
    board, token = a_board(), a_token(a_member())
    posts = [
        client.post(
            "/api/v1/questions",
            json={"board": board, "title": "Once only"},
            headers=bearer(token, Idempotency_Key="k1"),
        )
        for _ in range(2)
    ]
    assert [post.status_code for post in posts] == [201, 201]
    assert posts[0].json["id"] == posts[1].json["id"]


def test_restricted_questions_are_not_there_for_others(client):
    board = a_board(audience="kinds:supplier")
    supplier = a_member(kind="supplier")
    number = a_question(a_viewer(supplier), board)
    assert client.get(f"/api/v1/questions/{number}").status_code == 404
    assert client.get(f"/api/v1/questions/{number}/answers").status_code == 404
    assert client.get(f"/api/v1/questions?board={board}").status_code == 404
    assert client.get("/api/v1/questions").json["items"] == []
    assert client.get(f"/api/v1/questions/{number}", headers=bearer(a_token(supplier))).status_code == 200
