"""What a member may do with questions and answers, and what comes of it."""

import pytest
from sqlalchemy import select

from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.kernel.outbox import Fact
from portal.support import facade, queries, services
from tests.support.factories import NOBODY, a_board, a_question, a_viewer, an_answer

pytestmark = pytest.mark.usefixtures("app")


def facts(name: str) -> list[dict]:
    return [row.payload for row in db.session.scalars(select(Fact).filter_by(name=name).order_by(Fact.id))]


def test_a_question_can_be_read_as_soon_as_it_is_asked():
    asker = a_viewer(name="Hannah")
    number = a_question(asker, title="Is  pilling normal?", body="At the **elbows**.", tags=["Pilling"])
    found = queries.question_page(NOBODY, number)
    assert (found.title, found.author_name, found.answers, found.lang) == ("Is pilling normal?", "Hannah", 0, "en")
    assert "<strong>elbows</strong>" in found.html
    assert [fact["question_id"] for fact in facts("QuestionAsked")] == [number]


def test_who_asks_follows_the_question():
    from portal.community import facade as community

    asker = a_viewer()
    number = a_question(asker)
    assert community.followers_of("question", number) == [asker.id]


@pytest.mark.parametrize(
    ("title", "body"),
    [("", "x"), ("   ", "x"), ("a\x00b", "x"), ("x" * 201, "x"), ("x", "b\x07"), ("x", "y" * 50_001)],
)
def test_bad_text_is_refused_with_the_field_it_is_in(title, body):
    with pytest.raises(Invalid) as refusal:
        a_question(title=title, body=body)
    assert set(refusal.value.fields) <= {"title", "body"}


def test_nobody_asks_on_a_board_that_is_not_for_him():
    board = a_board(audience="kinds:supplier")
    with pytest.raises(NotFound):
        a_question(a_viewer(kind="customer"), board)


def test_a_restricted_question_is_not_there_for_others():
    board = a_board(audience="kinds:supplier")
    number = a_question(a_viewer(kind="supplier"), board)
    with pytest.raises(NotFound):
        queries.question_page(NOBODY, number)
    with pytest.raises(NotFound):
        an_answer(number, a_viewer(kind="customer"))
    assert facade.question_cards([number], NOBODY) == {}


def test_answers_of_others_are_counted_apart_from_follow_ups():
    asker = a_viewer()
    number = a_question(asker)
    an_answer(number, asker)
    an_answer(number)
    found = queries.question_page(NOBODY, number)
    assert (found.answers, found.by_others) == (2, 1)
    assert [fact["by_asker"] for fact in facts("AnswerGiven")] == [True, False]


def test_a_vote_is_one_vote_however_often_it_is_given():
    answer, voter = an_answer(a_question()), a_viewer()
    for _ in range(3):
        services.vote_answer(answer, voter, value=1)
    assert queries.answer_row(answer, voter).helped == 1
    assert len(facts("AnswerVoted")) == 1


def test_a_vote_can_be_changed_and_taken_back():
    answer, voter = an_answer(a_question()), a_viewer()
    services.vote_answer(answer, voter, value=1)
    services.vote_answer(answer, voter, value=-1)
    row = queries.answer_row(answer, voter)
    assert (row.helped, row.unhelped, row.voted) == (0, 1, -1)
    services.vote_answer(answer, voter, value=0)
    row = queries.answer_row(answer, voter)
    assert (row.helped, row.unhelped, row.voted) == (0, 0, 0)
    assert [(fact["before"], fact["value"]) for fact in facts("AnswerVoted")] == [(0, 1), (1, -1), (-1, 0)]


def test_nobody_votes_for_his_own_answer():
    helper = a_viewer()
    answer = an_answer(a_question(), helper)
    with pytest.raises(Refused):
        services.vote_answer(answer, helper, value=1)


def test_the_surest_help_comes_first_whatever_was_accepted():
    asker = a_viewer()
    number = a_question(asker)
    accepted, loved = an_answer(number), an_answer(number)
    services.accept_answer(accepted, asker)
    for _ in range(4):
        services.vote_answer(loved, a_viewer(), value=1)
    assert [row.id for row in queries.answers_to(number, NOBODY)] == [loved, accepted]


def test_the_asker_accepts_one_answer_at_a_time():
    asker = a_viewer()
    number = a_question(asker)
    first, second = an_answer(number), an_answer(number)
    services.accept_answer(first, asker)
    services.accept_answer(second, asker)
    services.accept_answer(second, asker)
    assert queries.question_page(NOBODY, number).accepted_id == second
    assert [row.id for row in queries.answers_to(number, NOBODY) if row.accepted] == [second]
    assert [fact["answer_id"] for fact in facts("AnswerUnaccepted")] == [first]
    services.unaccept_answer(second, asker)
    assert queries.question_page(NOBODY, number).accepted_id is None


def test_only_the_asker_and_support_agents_accept():
    number = a_question()
    answer = an_answer(number)
    with pytest.raises(Forbidden):
        services.accept_answer(answer, a_viewer())
    services.accept_answer(answer, a_viewer(kind="staff", roles=["support_agent"]))
    assert queries.question_page(NOBODY, number).solved


def test_the_same_problem_is_counted_once_and_can_be_taken_back():
    number, other = a_question(), a_viewer()
    assert services.same_problem(number, other) == 1
    assert services.same_problem(number, other) == 1
    assert services.same_problem(number, other, on=False) == 0
    assert [len(facts(name)) for name in ("SameProblemSaid", "SameProblemUnsaid")] == [1, 1]


def test_the_asker_has_the_problem_already():
    asker = a_viewer()
    number = a_question(asker)
    with pytest.raises(Refused):
        services.same_problem(number, asker)


def test_staff_mark_answers_and_nobody_else_does():
    answer = an_answer(a_question())
    with pytest.raises(Forbidden):
        services.mark_answer(answer, a_viewer(), mark="verified")
    staff = a_viewer(kind="staff", roles=["support_agent"])
    services.mark_answer(answer, staff, mark="verified")
    services.mark_answer(answer, staff, mark="outdated")
    row = queries.answer_row(answer, staff)
    assert (row.verified, row.outdated, row.official) == (True, True, False)
    with pytest.raises(Refused):
        services.mark_answer(answer, staff, mark="official")
    with pytest.raises(Invalid):
        services.mark_answer(answer, staff, mark="beautiful")


def test_a_hidden_answer_leaves_the_page_and_the_count_and_can_come_back():
    number = a_question()
    answer = an_answer(number)
    facade.hide_answer(answer, actor_id=None)
    assert queries.answers_to(number, NOBODY) == []
    assert queries.question_page(NOBODY, number).answers == 0
    facade.show_answer(answer, actor_id=None)
    assert queries.question_page(NOBODY, number).by_others == 1


def test_a_hidden_question_is_seen_by_its_author_only():
    asker = a_viewer()
    number = a_question(asker)
    services.hide_question(number, actor_id=None)
    assert queries.question_page(asker, number).hidden
    with pytest.raises(NotFound):
        queries.question_page(a_viewer(), number)
    assert list(facade.latest_questions(NOBODY)) == []


def test_others_texts_cannot_be_changed():
    number = a_question()
    with pytest.raises(Forbidden):
        services.edit_question(number, a_viewer(), title="x", body="y")
    answer = an_answer(number)
    with pytest.raises(Forbidden):
        services.edit_answer(answer, a_viewer(), body="y")


def test_what_an_earlier_answer_solved_is_credited_to_its_author():
    number, helper, reader = a_question(), a_viewer(), a_viewer()
    answer = an_answer(number, helper)
    services.deflect(number, reader, answer_id=answer)
    assert queries.answer_row(answer, reader).helped == 1
    assert facts("QuestionDeflected") == [
        {
            "actor_id": reader.id,
            "question_id": number,
            "board_id": queries.question_page(reader, number).board_id,
            "answer_id": answer,
            "author_id": helper.id,
        }
    ]


def test_an_act_with_its_own_time_is_history_and_promises_nothing():
    from datetime import UTC, datetime

    from portal.kernel.jobs import waiting

    before, then = waiting()["waiting"], datetime(2025, 1, 2, tzinfo=UTC)
    number = a_question(at=then)
    an_answer(number, at=then)
    assert queries.question_page(NOBODY, number).created_at == then
    assert waiting()["waiting"] == before


def test_lists_page_by_key_and_each_question_comes_once():
    board, asker = a_board(), a_viewer()
    asked = [a_question(asker, board, title=f"Question number {n}") for n in range(7)]
    for n, number in enumerate(asked[:3]):
        for _ in range(n):
            services.same_problem(number, a_viewer())
    an_answer(asked[6])
    boards = [queries.question_page(NOBODY, asked[0]).board_id]

    def all_of(listing: str) -> list[int]:
        seen, cursor = [], None
        for _ in range(5):
            page = queries.list_questions(boards, listing, cursor=cursor, size=3)
            seen += [row.id for row in page.items]
            if (cursor := page.next) is None:
                break
        return seen

    assert all_of("newest") == asked[::-1]
    assert all_of("unanswered") == [asked[2], asked[1], *(n for n in asked[5::-1] if n not in asked[1:3])]
    assert all_of("active")[0] == asked[6]
    assert sorted(all_of("active")) == sorted(asked)


def test_a_cursor_of_another_list_is_refused():
    with pytest.raises(Invalid):
        queries.list_questions([1], "newest", cursor="bm9uc2Vuc2U")


def test_figures_leave_out_what_one_answered_oneself():
    asker, helper = a_viewer(), a_viewer()
    number = a_question(asker)
    an_answer(number, asker)
    answer = an_answer(number, helper)
    services.accept_answer(answer, asker)
    services.vote_answer(answer, asker, value=1)
    figures = facade.figures([asker.id, helper.id])
    assert (figures[asker.id].questions, figures[asker.id].answers) == (1, 0)
    assert (figures[helper.id].answers, figures[helper.id].accepted, figures[helper.id].helped) == (1, 1, 1)
