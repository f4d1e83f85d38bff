"""What a member sees and does on the pages of ideas."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.community import facade as community
from portal.community.rules import Voting
from portal.ideas import services
from portal.kernel.database import db
from tests.conftest import counted_queries
from tests.ideas.factories import a_board, a_viewer, an_idea
from tests.members.factories import sign_in

HTMX = {"HX-Request": "true"}


def post(client: FlaskClient, address: str, data: dict[str, str], **more: Any) -> TestResponse:
    """Send a form as a browser does: with the token of a page it has seen."""
    page = client.get("/ideas/counting").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    return client.post(address, data={**data, "csrf_token": token[1]}, **more)


def test_a_member_proposes_an_idea_and_follows_it(app: Flask, client: FlaskClient) -> None:
    author, board = a_viewer(), a_board(categories=["colours"])
    sign_in(client, author.id)
    typed = {
        "title": "Walnut brown",
        "body": "From the *husks*.",
        "board": board,
        "category": "colours",
        "tags": "walnut, brown",
    }
    answer = post(client, "/ideas/new", data=typed)
    assert answer.status_code == 302
    page = client.get(answer.headers["Location"]).get_data(as_text=True)
    assert "Walnut brown" in page
    assert "<em>husks</em>" in page
    assert "brown" in page
    assert community.followed_by(author.id) == [("idea", int(answer.headers["Location"].rsplit("/", 1)[1]))]


def test_what_was_typed_stays_when_something_is_missing(app: Flask, client: FlaskClient) -> None:
    board = a_board()
    sign_in(client, a_viewer().id)
    answer = post(client, "/ideas/new", data={"title": " ", "body": "A long story.", "board": board})
    assert answer.status_code == 422
    assert "A long story." in answer.get_data(as_text=True)


@pytest.mark.parametrize("title", ["a\0b", "x" * 121])
def test_a_title_that_does_not_fit_is_said(app: Flask, client: FlaskClient, title: str) -> None:
    board = a_board()
    sign_in(client, a_viewer().id)
    assert post(client, "/ideas/new", data={"title": title, "body": "", "board": board}).status_code == 422


def test_the_button_comes_back_with_the_count(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_viewer().id)
    for _ in range(2):
        answer = post(client, f"/ideas/{idea}/vote", data={"vote": "1"}, headers=HTMX)
        assert 'aria-pressed="true"' in answer.get_data(as_text=True)
        assert "<b>1</b>" in answer.get_data(as_text=True)
    answer = post(client, f"/ideas/{idea}/vote", data={"vote": "0"}, headers=HTMX)
    assert "<b>0</b>" in answer.get_data(as_text=True)


def test_a_browser_without_scripts_goes_back_to_where_it_was(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_viewer().id)
    answer = post(
        client, f"/ideas/{idea}/vote", data={"vote": "1"}, headers={"Referer": "http://localhost/ideas?sort=newest"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ideas?sort=newest")


def test_nobody_is_sent_to_another_site(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_viewer().id)
    answer = post(
        client, f"/ideas/{idea}/vote", data={"vote": "1"}, headers={"Referer": "http://localhost.evil.example/"}
    )
    assert answer.headers["Location"] == f"/ideas/{idea}"


def test_a_private_no_is_shown_to_its_owner_only(app: Flask, client: FlaskClient) -> None:
    idea = an_idea(board=a_board(voting=Voting.SUPPORT_NOT_FOR_ME_SKIP))
    sign_in(client, a_viewer().id)
    post(client, f"/ideas/{idea}/vote", data={"kind": "not_for_me"})
    assert 'aria-pressed="true">Not for me' in client.get(f"/ideas/{idea}").get_data(as_text=True)
    other = app.test_client()
    sign_in(other, a_viewer().id)
    assert 'aria-pressed="true">Not for me' not in other.get(f"/ideas/{idea}").get_data(as_text=True)


def test_what_one_may_not_see_is_not_there(app: Flask, client: FlaskClient) -> None:
    board = a_board(audience="kinds:supplier,staff")
    idea = an_idea(a_viewer(kind="supplier"), board)
    sign_in(client, a_viewer().id)
    addresses = (f"/boards/{board}", f"/ideas/{idea}", f"/ideas/{idea}/vote")
    assert [client.get(address).status_code for address in addresses] == [404, 404, 404]
    assert post(client, f"/ideas/{idea}/vote", data={"vote": "1"}).status_code == 404
    assert post(client, f"/ideas/{idea}/comments", data={"body": "Hello"}).status_code == 404
    assert post(client, f"/follows/idea/{idea}", data={"follow": "1"}).status_code == 404
    assert "Ten gram" not in client.get("/ideas?sort=newest").get_data(as_text=True)


def test_a_comment_and_its_reply_stand_in_a_thread(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_viewer(name="Giulia Fanti").id)
    first = post(client, f"/ideas/{idea}/comments", data={"body": "At my courses I do that."})
    parent = int(first.headers["Location"].rsplit("-", 1)[1])
    assert "You reply to Giulia Fanti." in client.get(f"/ideas/{idea}?parent={parent}").get_data(as_text=True)
    post(client, f"/ideas/{idea}/comments", data={"body": "Which yarn?", "parent": str(parent)})
    page = client.get(f"/ideas/{idea}").get_data(as_text=True)
    assert "2 comments" in page
    assert page.index("At my courses") < page.index("Which yarn?")


def test_a_decline_needs_a_reason_and_a_text(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_viewer(kind="staff", roles=["brand_manager"], name="Chiara D'Amico").id)
    answer = post(
        client, f"/ideas/{idea}/stage", data={"stage": "declined", "answer": "We counted twice.", "reason_code": ""}
    )
    assert answer.status_code == 422
    assert "We counted twice." in answer.get_data(as_text=True)
    typed = {"stage": "declined", "answer": "We counted twice.", "reason_code": "cost"}
    assert post(client, f"/ideas/{idea}/stage", data=typed).status_code == 303
    page = client.get(f"/ideas/{idea}").get_data(as_text=True)
    assert "It would cost too much" in page
    assert "Chiara D&#39;Amico" in page


def test_a_customer_does_not_move_ideas(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_viewer().id)
    assert post(client, f"/ideas/{idea}/stage", data={"stage": "planned"}).status_code == 403


def test_an_author_changes_her_words_and_nobody_elses(app: Flask, client: FlaskClient) -> None:
    author = a_viewer()
    idea = an_idea(author)
    sign_in(client, author.id)
    typed = {"title": "Twelve gram skeins", "body": "More."}
    assert post(client, f"/ideas/{idea}/edit", data=typed).status_code == 302
    assert "Twelve gram skeins" in client.get(f"/ideas/{idea}").get_data(as_text=True)
    other = app.test_client()
    sign_in(other, a_viewer().id)
    assert post(other, f"/ideas/{idea}/edit", data=typed).status_code == 403


def test_a_hidden_idea_is_seen_by_its_author_and_moderators(app: Flask, client: FlaskClient) -> None:
    author, idea = a_viewer(), 0
    idea = an_idea(author)
    services.hide(idea, actor=a_viewer(roles=["moderator"]))
    db.session.commit()
    assert client.get(f"/ideas/{idea}").status_code == 404
    assert client.get(f"/ideas/{idea}/vote").status_code == 404
    sign_in(client, author.id)
    assert client.get(f"/ideas/{idea}").status_code == 200


@pytest.mark.parametrize("sort", ["rising", "wanted", "explore", "newest", "answer_due"])
def test_a_list_costs_the_same_queries_whatever_its_length(app: Flask, client: FlaskClient, sort: str) -> None:
    board, author = a_board(promise_working_days=10), a_viewer()
    sign_in(client, a_viewer().id)
    counts = []
    for _ in range(2):
        for n in range(4):
            an_idea(author, board, title=f"Idea {n}")
        client.get(f"/boards/{board}?sort={sort}")
        with counted_queries() as seen:
            assert client.get(f"/boards/{board}?sort={sort}").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 10


def test_an_empty_board_says_so_and_offers_to_begin(app: Flask, client: FlaskClient) -> None:
    board = a_board()
    page = client.get(f"/boards/{board}").get_data(as_text=True)
    assert "No ideas here yet" in page
    assert f"/ideas/new?board={board}" in page


def test_a_wrong_cursor_is_refused_in_words(app: Flask, client: FlaskClient) -> None:
    a_board()
    assert client.get("/ideas?cursor=nonsense").status_code == 422


def test_a_follow_is_switched_on_and_off(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_viewer().id)
    on = post(client, f"/follows/idea/{idea}", data={"follow": "1"}, headers=HTMX).get_data(as_text=True)
    assert 'aria-pressed="true"' in on
    off = post(client, f"/follows/idea/{idea}", data={"follow": "0"}, headers=HTMX).get_data(as_text=True)
    assert 'aria-pressed="false"' in off


def test_how_we_count_can_be_read(app: Flask, client: FlaskClient) -> None:
    assert client.get("/ideas/counting").status_code == 200


def token_in(page: str, form: str) -> str:
    found = re.search(rf'action="{form}".*?name="csrf_token"[^>]*value="([^"]+)"', page, re.DOTALL)
    assert found is not None
    return found[1]


def test_what_is_remembered_of_a_page_holds_nobodys_token(app: Flask, client: FlaskClient) -> None:
    board = a_board()
    idea = an_idea(board=board)
    tokens = []
    for name in ("Ada", "Bo"):
        browser = app.test_client()
        sign_in(browser, a_viewer(name=name).id)
        page = browser.get(f"/ideas/{idea}").get_data(as_text=True)
        tokens.append(token_in(page, f"/ideas/{idea}/comments"))
        said = {"body": f"{name} was here.", "csrf_token": tokens[-1]}
        assert browser.post(f"/ideas/{idea}/comments", data=said).status_code == 303
        rows = browser.get(f"/boards/{board}?sort=newest").get_data(as_text=True)
        voted = {"vote": "1", "csrf_token": token_in(rows, rf"/ideas/{idea}/vote[^\"]*")}
        assert browser.post(f"/ideas/{idea}/vote", data=voted).status_code == 303
    assert tokens[0] != tokens[1]


def test_what_is_remembered_of_a_page_is_never_stale(app: Flask, client: FlaskClient) -> None:
    author, idea = a_viewer(name="Ada"), 0
    board = a_board()
    idea = an_idea(author, board)
    sign_in(client, a_viewer(name="Bo").id)
    assert "<b>0</b>" in client.get(f"/boards/{board}").get_data(as_text=True)
    services.cast_vote(idea, a_viewer())
    services.edit_idea(idea, author, title="Other words", body="")
    services.set_stage(idea, a_viewer(roles=["moderator"]), stage="planned", answer="In spring.")
    services.comment_on_idea(idea, author, body="At last.")
    db.session.commit()
    listed, shown = (client.get(address).get_data(as_text=True) for address in (f"/boards/{board}", f"/ideas/{idea}"))
    for page in (listed, shown):
        assert "<b>1</b>" in page
        assert "Other words" in page
        assert "Planned" in page
    assert "In spring." in shown
    assert "At last." in shown


def test_a_title_of_ten_megabytes_is_refused(app: Flask, client: FlaskClient) -> None:
    board = a_board()
    sign_in(client, a_viewer().id)
    assert post(client, "/ideas/new", data={"title": "x" * 10_000_000, "board": board}).status_code in {413, 422}


@pytest.mark.parametrize(
    "address",
    [
        "/ideas/99999999999999999999999",
        "/ideas/99999999999999999999999/vote",
        "/boards/a%00b",
        "/follows/idea/99999999999999999999999",
    ],
)
def test_what_cannot_be_is_not_there(app: Flask, client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code in {400, 404, 405}


@pytest.mark.parametrize(
    "query", ["category=a%00b", "tag=%00", "q=%00a", "stage=%00", "topic=99999999999999999999999", "topic=x"]
)
def test_filters_that_make_no_sense_leave_nothing_and_break_nothing(
    app: Flask, client: FlaskClient, query: str
) -> None:
    a_board()
    assert client.get(f"/ideas?{query}").status_code in {200, 400}


def test_a_reply_to_a_number_that_cannot_be_is_refused(app: Flask, client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_viewer().id)
    typed = {"body": "Hello", "parent": "99999999999999999999999"}
    assert post(client, f"/ideas/{idea}/comments", data=typed).status_code == 404


def test_a_cursor_with_a_number_that_cannot_be_is_refused(app: Flask, client: FlaskClient) -> None:
    from portal.kernel.paging import encode_cursor

    a_board()
    assert client.get("/ideas?cursor=" + encode_cursor(1.0, 10**30)).status_code == 422
