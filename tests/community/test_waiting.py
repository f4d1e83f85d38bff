"""What waits for a look stands in its place for whoever wrote it, and for nobody else."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from portal.community import facade as community
from portal.community import screening
from portal.community.screening import Post
from portal.ideas import services as ideas
from portal.kernel.database import db
from portal.kernel.errors import Refused
from portal.members.policy import Viewer
from portal.moderation.services import deciding
from portal.support import services as support
from tests.community.test_conversation import post
from tests.ideas.factories import a_viewer, an_idea
from tests.members.factories import a_token, bearer, sign_in
from tests.support.factories import a_question, an_answer

NOTE = "Somebody looks at this before it is shown."
OURS = "/api/v1"


@pytest.fixture(autouse=True)
def held_words() -> Iterator[None]:
    """Hold what speaks of the attic."""

    def hold(written: Post) -> str | None:
        return "held" if "attic" in written.text.lower() else None

    before = screening._screens[:]
    screening._screens[:] = [hold]
    yield
    screening._screens[:] = before


def others(app: Flask) -> list[FlaskClient]:
    """Return browsers of somebody signed in, of a moderator, and of nobody."""
    clients = [app.test_client() for _ in range(3)]
    sign_in(clients[0], a_viewer().id)
    sign_in(clients[1], a_viewer(kind="staff", roles=["moderator"]).id)
    return clients


def commented(kind: str, author: Viewer, words: str) -> tuple[str, int]:
    """Write a comment on a thing of this kind; return the page it is on, and its id."""
    idea = an_idea() if kind == "idea" else 0
    if idea:
        return f"/ideas/{idea}", ideas.comment_on_idea(idea, author, body=words)
    question = a_question()
    target = question if kind == "question" else an_answer(question)
    board = db.session.scalar(text("SELECT board_id FROM question WHERE id = :id"), {"id": question})
    place = {"board_id": board, "target_kind": kind, "target_id": target}
    return f"/questions/{question}", community.post_comment(author, body=words, **place)[0]


@pytest.mark.parametrize("kind", ["idea", "question", "answer"])
def test_a_held_comment_stands_in_its_thread_for_its_author_alone(app: Flask, client: FlaskClient, kind: str) -> None:
    author = a_viewer()
    page, comment = commented(kind, author, "Mine is in the attic")
    db.session.commit()
    sign_in(client, author.id)
    for _look in range(2):
        shown = client.get(page).text
        assert "Mine is in the attic" in shown
        assert NOTE in shown
        assert f'href="/comments/{comment}/edit"' in shown
        assert "1 comment</h2>" not in shown
        assert f"?parent={comment}" not in shown
    for other in others(app):
        assert "attic" not in other.get(page).text
    community.release_comment(comment, actor_id=None)
    db.session.commit()
    assert "Mine is in the attic" in others(app)[0].get(page).text
    assert NOTE not in client.get(page).text


def test_a_held_answer_stands_below_its_question_for_its_author_alone(app: Flask, client: FlaskClient) -> None:
    author, question = a_viewer(), a_question()
    an_answer(question, body="Cold water.")
    sign_in(client, author.id)
    posted = post(client, f"/questions/{question}/answers", {"body": "Look in the attic."}, follow_redirects=True)
    assert "Your answer is out." not in posted.text
    for shown in (posted.text, client.get(f"/questions/{question}").text):
        assert "Look in the attic." in shown
        assert NOTE in shown
        assert "1 answer</h2>" in shown
        assert "This solved it" not in shown
    for other in others(app):
        assert "attic" not in other.get(f"/questions/{question}").text


def test_the_api_says_what_waits_to_its_author_alone(app: Flask, client: FlaskClient) -> None:
    author, idea, question = a_viewer(), an_idea(), a_question()
    db.session.commit()
    mine, theirs = bearer(a_token(author.id)), bearer(a_token(a_viewer().id))
    for place in (f"{OURS}/ideas/{idea}/comments", f"{OURS}/questions/{question}/answers"):
        made = client.post(place, json={"body": "Look in the attic."}, headers=mine).get_json()
        assert (made["body"], made["hidden"]) == ("Look in the attic.", "held")
        assert [one["hidden"] for one in client.get(place, headers=mine).get_json()["items"]] == ["held"]
        assert client.get(place, headers=theirs).get_json()["items"] == []
        assert client.get(place).get_json()["items"] == []
    waiting = an_idea(author, title="Wool from the attic")
    db.session.commit()
    assert client.get(f"{OURS}/ideas/{waiting}", headers=mine).get_json()["hidden"] == "held"
    assert client.get(f"{OURS}/ideas/{waiting}", headers=theirs).status_code == 404
    assert client.get(f"{OURS}/ideas/{idea}", headers=theirs).get_json()["comments"] == 0


def test_what_waits_can_be_changed_and_taken_back_by_its_author(app: Flask, client: FlaskClient) -> None:
    author, question = a_viewer(), a_question()
    page, comment = commented("idea", author, "Mine is in the attic")
    answer = support.answer_question(question, author, body="Look in the attic.")
    db.session.commit()
    sign_in(client, author.id)
    assert post(client, f"/comments/{comment}/edit", {"body": "Still in the attic"}).status_code == 302
    assert "Still in the attic" in client.get(page).text
    for address, where in ((f"/comments/{comment}/hide", page), (f"/answers/{answer}/hide", f"/questions/{question}")):
        assert post(client, address, {}).status_code == 302
        assert "attic" not in client.get(where).text
    assert set(db.session.scalars(text("SELECT hidden_why FROM comment UNION SELECT hidden_why FROM answer"))) == {
        "author"
    }


def test_what_a_moderator_hid_stays_in_its_place_for_its_author_who_may_appeal(app: Flask, client: FlaskClient) -> None:
    author = a_viewer()
    page, comment = commented("question", author, "Rude words")
    community.hide_comment(comment, actor_id=None, why="hidden")
    db.session.commit()
    sign_in(client, author.id)
    shown = client.get(page).text
    assert "Rude words" in shown
    assert "/account/moderation" in shown
    assert f'href="/comments/{comment}/edit"' not in shown
    assert client.get(f"/comments/{comment}/edit").status_code == 404
    for other in others(app):
        assert "Rude words" not in other.get(page).text


def test_what_waits_offers_no_form_that_would_be_refused_and_can_be_taken_back(app: Flask, client: FlaskClient) -> None:
    author = a_viewer()
    idea, question = an_idea(author, title="Wool from the attic"), a_question(author, title="What is in the attic?")
    db.session.commit()
    sign_in(client, author.id)
    for page in (f"/ideas/{idea}", f"/questions/{question}"):
        shown = client.get(page).text
        assert NOTE in shown
        assert f'action="{page}/edit"' not in shown
        for form in ("vote", "comments", "answers", "same"):
            assert f'action="{page}/{form}' not in shown
        assert "Take it back" in shown
        assert post(client, f"{page}/hide", {}).status_code in {302, 303}
        assert client.get(page).status_code == 404


def test_what_its_author_took_back_leaves_the_moderators_queue(app: Flask, client: FlaskClient) -> None:
    author, moderator = a_viewer(), a_viewer(kind="staff", roles=["moderator"])
    _page, comment = commented("idea", author, "Mine is in the attic")
    waiting = text(
        "SELECT id FROM moderation_item WHERE target_id = :id AND target_kind = 'comment' AND closed_at IS NULL"
    )
    item = db.session.scalar(waiting, {"id": comment})
    assert item is not None
    community.withdraw_comment(author, comment)
    assert db.session.scalar(waiting, {"id": comment}) is None
    with pytest.raises(Refused):
        deciding.approve(moderator, "comment", comment, item_id=item)
