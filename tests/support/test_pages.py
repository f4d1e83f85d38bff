"""Pages of questions as a reader, a member and the asker meet them."""

import re

from flask.testing import FlaskClient

from portal.kernel.database import db
from portal.support import queries, services
from tests.conftest import counted_queries
from tests.members.factories import a_member, sign_in
from tests.support.factories import NOBODY, a_board, a_question, a_viewer, an_answer


def csrf(client: FlaskClient, address: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(address).text)
    assert found, address
    return found[1]


def test_the_list_names_who_asked_and_how_many_answered(client):
    board = a_board(name={"en": "Washing", "it": "Lavaggio"})
    number = a_question(a_viewer(name="Hannah"), board, title="Is pilling normal?")
    an_answer(number)
    for address in ("/questions", f"/questions?board={board}", f"/boards/{board}"):
        page = client.get(address)
        assert page.status_code == 200
        assert "Is pilling normal?" in page.text
        assert "Hannah" in page.text
        assert "Washing" in page.text


def test_an_empty_list_says_what_one_can_do(client):
    assert "Nobody has asked anything here yet" in client.get(f"/boards/{a_board()}").text


def test_an_unknown_board_tag_or_cursor_gets_a_page_that_says_so(client):
    a_board()
    assert client.get("/questions?board=nothing").status_code == 404
    assert client.get("/questions?tag=nothing").status_code == 404
    assert client.get("/questions?cursor=nothing").status_code == 422
    assert client.get("/questions/999999").status_code == 404


def test_questions_are_found_by_tag(client):
    board = a_board()
    a_question(board=board, title="About wool", tags=["wool"])
    a_question(board=board, title="About silk", tags=["silk"])
    page = client.get("/questions?tag=wool").text
    assert "About wool" in page
    assert "About silk" not in page


def test_a_restricted_board_shows_nothing_to_others(client):
    board = a_board(audience="kinds:supplier")
    number = a_question(a_viewer(kind="supplier"), board, title="Secret fleece")
    assert client.get(f"/questions/{number}").status_code == 404
    assert client.get(f"/boards/{board}").status_code == 404
    assert "Secret fleece" not in client.get("/questions").text
    sign_in(client, a_member(kind="supplier"))
    assert "Secret fleece" in client.get(f"/questions/{number}").text


def test_the_page_of_a_question_shows_its_answers_the_surest_first(client):
    number = a_question(title="Is pilling normal?")
    first = an_answer(number, body="No idea, sorry.")
    second = an_answer(number, body="Comb it, then wait.")
    services.vote_answer(second, a_viewer(), value=1)
    db.session.commit()
    page = client.get(f"/questions/{number}").text
    assert page.index(f"answer-{second}") < page.index(f"answer-{first}")
    assert "Sign in to answer" in page
    assert "csrf_token" not in page


def test_a_member_asks_and_what_he_typed_stays_when_it_is_refused(client):
    board = a_board()
    sign_in(client, a_member())
    token = csrf(client, "/questions/ask")
    form = {"csrf_token": token, "board": board, "title": "", "body": "I tried cold water."}
    refused = client.post("/questions/ask", data=form)
    assert refused.status_code == 422
    assert "I tried cold water." in refused.text
    asked = client.post("/questions/ask", data={**form, "title": "Can I save a felted scarf?", "tags": "felt, wool"})
    assert asked.status_code == 302
    page = client.get(asked.location).text
    assert "Can I save a felted scarf?" in page
    assert "tag=wool" in page


def test_asking_needs_a_member(client):
    a_board()
    answer = client.get("/questions/ask")
    assert answer.status_code in (302, 401)


def test_answering_accepting_and_voting_by_plain_forms(client):
    asker, helper = a_member(), a_member()
    number = a_question(a_viewer(asker))
    sign_in(client, helper)
    token = csrf(client, f"/questions/{number}")
    given = client.post(f"/questions/{number}/answers", data={"csrf_token": token, "body": "Cool water."})
    assert given.status_code == 302
    answer = int(given.location.rsplit("-", 1)[1])
    empty = client.post(f"/questions/{number}/answers", data={"csrf_token": token, "body": " "})
    assert empty.status_code == 422
    sign_in(client, asker)
    token = csrf(client, f"/questions/{number}")
    client.post(f"/answers/{answer}/accept", data={"csrf_token": token, "accept": "1"})
    voted = client.post(
        f"/answers/{answer}/vote", data={"csrf_token": token, "vote": "1"}, headers={"HX-Request": "true"}
    )
    assert 'aria-pressed="true"' in voted.text
    row = queries.answer_row(answer, NOBODY)
    assert (row.accepted, row.helped) == (True, 1)
    assert "Accepted by" in client.get(f"/questions/{number}").text


def test_the_same_problem_is_said_by_a_button_that_comes_back_as_a_fragment(client):
    number = a_question()
    sign_in(client, a_member())
    token = csrf(client, f"/questions/{number}")
    for _ in range(2):
        said = client.post(
            f"/questions/{number}/same", data={"csrf_token": token, "same": "1"}, headers={"HX-Request": "true"}
        )
        assert said.status_code == 200
    assert queries.question_page(NOBODY, number).same_problem == 1


def test_a_form_without_its_token_changes_nothing(client):
    number = a_question()
    sign_in(client, a_member())
    assert client.post(f"/questions/{number}/same", data={"same": "1"}).status_code == 400
    assert queries.question_page(NOBODY, number).same_problem == 0


def test_comments_stand_under_what_they_are_about(client):
    number = a_question()
    answer = an_answer(number)
    sign_in(client, a_member())
    token = csrf(client, f"/questions/{number}")
    for address, words in (
        (f"/questions/{number}/comments", "Which yarn?"),
        (f"/answers/{answer}/comments", "Thanks!"),
    ):
        assert client.post(address, data={"csrf_token": token, "body": words}).status_code == 302
    page = client.get(f"/questions/{number}").text
    assert page.index("Which yarn?") < page.index("Thanks!")


def test_one_changes_ones_own_words(client):
    asker = a_member()
    number = a_question(a_viewer(asker))
    answer = an_answer(number, a_viewer(asker))
    sign_in(client, asker)
    token = csrf(client, f"/questions/{number}/edit")
    form = {"csrf_token": token, "title": "A better title", "body": "Better words", "tags": "care"}
    assert client.post(f"/questions/{number}/edit", data=form).status_code == 302
    assert client.post(f"/answers/{answer}/edit", data={"csrf_token": token, "body": "Mended."}).status_code == 302
    page = client.get(f"/questions/{number}").text
    assert "A better title" in page
    assert "Mended." in page
    sign_in(client, a_member())
    assert client.post(f"/questions/{number}/edit", data=form).status_code in (400, 403)


def test_the_cost_of_a_page_does_not_grow_with_what_is_on_it(client):
    board = a_board()
    small, large = a_question(board=board), a_question(board=board)
    an_answer(small)
    for _ in range(8):
        an_answer(large)
    db.session.commit()
    counts = []
    for address in (f"/questions/{small}", f"/questions/{large}", f"/boards/{board}"):
        client.get(address)
        with counted_queries() as seen:
            client.get(address)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 9
    assert counts[2] <= 7
