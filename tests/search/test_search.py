"""What is found, by whom, and how it is counted."""

import re

import pytest

from portal.community import facade as community
from portal.kernel import projections
from portal.kernel.database import db
from portal.kernel.errors import Invalid
from portal.members.policy import NOBODY, Viewer
from portal.search import facade, queries, results, services
from portal.support import facade as support
from tests.conftest import counted_queries, read_all_facts
from tests.ideas.factories import an_idea
from tests.members.factories import a_member, sign_in
from tests.search.factories import index_ideas, index_questions
from tests.support.factories import a_board, a_question, a_viewer, an_answer


def found(words: str, viewer: Viewer = NOBODY, **wishes: object) -> queries.Found:
    return facade.find(queries.Wish(words=words, boards=community.visible_board_ids(viewer), **wishes))


def ids(words: str, viewer: Viewer = NOBODY, **wishes: object) -> list[tuple[str, int]]:
    return [(hit.kind, hit.id) for hit in found(words, viewer, **wishes).hits]


@pytest.mark.usefixtures("app")
class TestWords:
    def test_italian_words_are_found_in_all_their_forms(self):
        number = a_question(title="La città delle lane infeltrite", body="Perché?", lang="it")
        index_questions(number)
        for words in ("città", "citta", "lana", "infeltrita", "LANE INFELTRITE"):
            assert ids(words) == [("question", number)], words

    def test_english_words_are_found_in_all_their_forms(self):
        number = a_question(title="Knitting needles", body="They were broken while washing.", lang="en")
        index_questions(number)
        for words in ("knitted", "needle", "washes", '"broken while washing"'):
            assert ids(words) == [("question", number)], words
        assert ids("needle -washing") == []

    def test_stop_words_do_not_hide_what_is_looked_for_with_or_without_their_accent(self):
        number = a_question(title="Perché la lana punge di più?", body="Non so.", lang="it")
        index_questions(number)
        for words in ("perché la lana punge di più", "perche la lana punge di piu"):
            assert ids(words) == [("question", number)], words

    def test_other_languages_are_found_as_they_are_written(self):
        number = a_question(title="Le châle est trop petit", body="Que faire ?", lang="fr")
        index_questions(number)
        assert ids("chale") == [("question", number)]

    def test_an_answer_leads_to_its_question_once(self):
        number = a_question(title="Hard to say", body="Nothing here.", lang="en")
        answer = an_answer(number, body="Soak it in vinegar.", lang="en")
        an_answer(number, body="Vinegar, and again vinegar.", lang="en")
        index_questions(number)
        hits = found("vinegar").hits
        assert [(hit.kind, hit.id) for hit in hits] == [("question", number)]
        assert hits[0].answer_id is not None
        assert answer <= hits[0].answer_id

    def test_a_slip_is_forgiven_and_said(self):
        number = a_question(title="My cardigan is felted", body="It shrank.", lang="en")
        index_questions(number)
        result = found("cardigen")
        assert (result.corrected, result.words) == (True, "cardigan")
        assert [hit.id for hit in result.hits] == [number]

    @pytest.mark.parametrize("words", ["", "   ", "'", '"', "a & | ! ( )", "\x00", "<b>", "%_", "🧶", "-", "x" * 5000])
    def test_whatever_is_typed_gets_an_answer(self, words):
        assert found(words).hits == []

    def test_a_cursor_of_another_list_is_refused(self):
        a_board()
        with pytest.raises(Invalid):
            found("wool", cursor="bm9uc2Vuc2U")


@pytest.mark.usefixtures("app")
class TestFacets:
    def test_everything_found_is_counted_by_kind_board_state_tag_and_language(self):
        asker = a_viewer()
        board = a_board()
        number = a_question(asker, board, title="Wool for a hat", lang="en", tags=["wool"])
        answer = an_answer(number, body="Any wool.", lang="en")
        support.accept_answer(answer, asker)
        other = a_question(asker, board, title="Lana e wool insieme", body="Che lana?", lang="it")
        idea = an_idea(title="More wool", lang="en")
        index_questions(number, other)
        index_ideas(idea)
        facets = found("wool").facets
        assert facets["kind"] == {"idea": 1, "question": 2}
        assert facets["state"] == {"solved": 1, "open": 1, "submitted": 1}
        assert facets["lang"] == {"en": 2, "it": 1}
        assert facets["tag"] == {"wool": 1}
        assert sorted(facets["board"].values()) == [1, 2]
        assert facets["period"] == {"week": 3, "month": 3, "year": 3}
        assert ids("wool", kind="idea") == [("idea", idea)]
        assert ids("wool", state="solved", tag="wool", lang="en", period="week") == [("question", number)]

    def test_pages_follow_each_other_without_gap_or_repeat(self):
        board, asker = a_board(), a_viewer()
        asked = [a_question(asker, board, title=f"Wool number {n}", lang="en") for n in range(7)]
        index_questions(*asked)
        seen, cursor = [], None
        for _ in range(4):
            page = found("wool", size=3, cursor=cursor)
            seen += [hit.id for hit in page.hits]
            if (cursor := page.next) is None:
                break
        assert sorted(seen) == asked


@pytest.mark.usefixtures("app")
class TestWhoMaySee:
    def test_nothing_of_a_restricted_board_is_found_counted_or_close(self):
        board = a_board(audience="kinds:supplier")
        supplier = a_viewer(kind="supplier")
        number = a_question(supplier, board, title="Fleece prices for next shearing", lang="en")
        an_answer(number, supplier, body="A secret figure.", lang="en")
        index_questions(number)
        for words in ("fleece", "secret", "fleeze"):
            result = found(words)
            assert (list(result.hits), result.total) == ([], 0)
        assert facade.likely(NOBODY, "question", "Fleece prices for next shearing") == []
        assert ids("fleece", supplier) == [("question", number)]
        assert [one.id for one in facade.likely(supplier, "question", "Fleece prices at shearing")] == [number]

    def test_what_is_hidden_leaves_the_index(self):
        number = a_question(title="Odd wool", lang="en")
        answer = an_answer(number, body="Rude words.", lang="en")
        index_questions(number)
        support.hide_answer(answer, actor_id=None)
        services.index_answers([answer])
        assert ids("rude") == []
        support.hide_question(number, actor_id=None)
        services.index_questions([number])
        services.forget_answers_to([number])
        assert ids("odd") == []

    def test_a_hit_whose_thing_was_hidden_a_moment_ago_is_not_shown(self):
        number = a_question(title="Odd wool", lang="en")
        index_questions(number)
        support.hide_question(number, actor_id=None)
        assert facade.results(NOBODY, found("odd")) == []


def test_the_page_marks_the_words_and_nothing_that_is_typed_becomes_markup(client):
    number = a_question(title="Is <b>wool</b> warm?", body="<script>alert(1)</script> wool", lang="en")
    index_questions(number)
    page = client.get("/search?q=wool").text
    assert "<mark>wool</mark>" in page
    assert "<script>alert" not in page
    assert "&lt;b&gt;" in page
    assert "<em>x" not in client.get("/search?q=<em>x").text
    assert client.get("/search").status_code == 200
    assert client.get("/search?q=wool&board=nothing").status_code == 404


def test_a_search_costs_the_same_whatever_it_finds(client):
    board, asker = a_board(), a_viewer()
    asked = [a_question(asker, board, title=f"Wool number {n}", lang="en") for n in range(12)]
    rare = a_question(asker, board, title="Spindle", lang="en")
    index_questions(*asked, rare)
    counts = []
    for words in ("wool", "spindle"):
        client.get(f"/search?q={words}")
        with counted_queries() as seen:
            client.get(f"/search?q={words}")
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 10


def test_the_api_finds_and_counts(client):
    number = a_question(title="A spindle that wobbles", lang="en")
    index_questions(number)
    answer = client.get("/api/v1/search?q=spindles").json
    assert [(one["kind"], one["id"]) for one in answer["items"]] == [("question", number)]
    assert "<mark>spindle</mark>" in client.get("/search?q=spindle").text
    assert answer["facets"]["kind"] == {"question": 1}
    assert client.get("/api/v1/search?q=x&kind=nothing").status_code == 422


def test_similar_questions_come_with_their_answers_while_one_types(client):
    number = a_question(title="Scarf felted in the washing machine", body="Can I save it?", lang="en")
    an_answer(number, body="A little: soak it with hair conditioner.", lang="en")
    index_questions(number)
    sign_in(client, a_member())
    near = client.get("/similar?kind=question&title=My scarf felted in the machine").text
    assert "Scarf felted in the washing machine" in near
    assert "soak it with hair conditioner" in near
    assert f'formaction="/questions/{number}/solved"' in near
    assert client.get("/similar?kind=question&title=").status_code == 200
    assert client.get("/similar?kind=nothing&title=x").status_code == 422


def test_the_projection_reads_what_was_written_and_can_begin_anew(committed):
    number = a_question(title="A spindle that wobbles", lang="en")
    an_answer(number, body="Mend the whorl.", lang="en")
    idea = an_idea(title="Sell spindles", lang="en")
    read_all_facts()
    assert sorted(ids("spindle")) == [("idea", idea), ("question", number)]
    assert ids("whorl") == [("question", number)]
    support.hide_question(number, actor_id=None)
    db.session.commit()
    read_all_facts()
    assert ("question", number) not in ids("whorl")
    support.show_question(number, actor_id=None)
    db.session.commit()
    read_all_facts()
    assert ids("whorl") == [("question", number)]
    projections.rebuild("search")
    assert sorted(ids("spindle")) == [("idea", idea), ("question", number)]
    counts = dict(
        db.session.execute(
            db.text("SELECT term, sum(entries) FROM search_term WHERE term IN ('#', 'en:spindl') GROUP BY term")
        ).all()
    )
    assert counts == {"#": 2, "en:spindl": 2}


def test_what_is_close_to_a_question_stands_beside_it_and_on_a_page_of_its_own(client):
    board, asker = a_board(), a_viewer()
    number = a_question(asker, board, title="Scarf felted in the washing machine", body="Can I save it?", lang="en")
    other = a_question(asker, board, title="Sciarpa infeltrita in lavatrice", body="Si salva?", lang="it")
    index_questions(number, other)
    page = client.get(f"/similar/question/{number}")
    assert page.status_code == 200
    assert "Sciarpa infeltrita in lavatrice" in page.text
    beside = client.get(f"/similar/question/{number}", headers={"HX-Request": "true"}).text
    assert "Sciarpa infeltrita in lavatrice" in beside
    assert "<html" not in beside
    assert client.get("/similar/question/999999").status_code == 404


def test_what_solved_it_closes_the_draft_and_thanks_who_answered(client):
    number = a_question(title="Scarf felted in the washing machine", lang="en")
    helper = a_viewer()
    answer = an_answer(number, helper, body="Soak it with hair conditioner.", lang="en")
    sign_in(client, a_member())
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/questions/ask").text)
    assert token
    solved = client.post(
        f"/questions/{number}/solved",
        data={"csrf_token": token[1], "title": "My scarf felted", "answer_id": answer},
    )
    assert solved.location.endswith(f"/questions/{number}")
    assert support.figures([helper.id])[helper.id].helped == 1
    facts = db.session.execute(db.text("SELECT payload FROM activity WHERE name = 'QuestionDeflected'")).scalars().all()
    assert [fact["answer_id"] for fact in facts] == [answer]


def test_a_slip_is_not_mended_into_a_word_that_only_others_may_see(app):
    open_to_all, closed = a_board(), a_board(audience="kinds:supplier")
    supplier, customer = a_viewer(kind="supplier"), a_viewer()
    a_question(supplier, closed, title="When does Zibellinella come?", body="In May.", lang="en")
    hidden = a_question(customer, open_to_all, title="Quartarolone is its name", body="So they say.", lang="en")
    a_question(customer, open_to_all, title="Which comb for long hair?", body="Mine breaks.", lang="en")
    index_questions(*db.session.scalars(db.text("SELECT id FROM question")))
    support.hide_question(hidden, actor_id=None)
    index_questions(hidden)

    assert found("zibelinella", supplier).words == "zibellinella"
    assert found("zibelinella", customer).words == "zibelinella"
    assert found("quartarolona", customer).words == "quartarolona"
    assert found("comob", customer).words == "comb"


def test_what_stands_on_a_limited_board_moves_no_likeness_elsewhere(app):
    open_to_all, closed = a_board(), a_board(audience="kinds:supplier")
    supplier, customer = a_viewer(kind="supplier"), a_viewer()
    numbers = [
        a_question(customer, open_to_all, title=f"Pale yarn for hats {n}", body="?", lang="en") for n in range(3)
    ]
    index_questions(*numbers)

    def likely():
        found = results.likely(customer, "question", "Pale zibellino yarn for hats")
        return [(one.id, one.probability) for one in found]

    before = likely()
    more = [a_question(supplier, closed, title=f"Zibellino yarn, pale {n}", body="?", lang="en") for n in range(6)]
    index_questions(*more)
    assert likely() == before != []
