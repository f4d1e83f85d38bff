"""Pages of moderation as people meet them: members flag and appeal, moderators decide, admins read the record."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from portal.kernel.database import db
from portal.members.services import audit
from portal.moderation.models import Appeal, Decision, Flag, QueueItem
from portal.moderation.services import deciding, flags, suspending
from tests.conftest import counted_queries
from tests.factories import a_member, a_token, bearer, sign_in
from tests.ideas.factories import a_board, an_idea
from tests.moderation.factories import a_moderator, a_newcomer, a_viewer
from tests.support.factories import a_question, an_answer


def post(client: FlaskClient, path: str, data: dict[str, Any] | None = None) -> TestResponse:
    """Send a form as the browser of somebody who has signed in does."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/account/moderation").text)
    assert token
    return client.post(path, data={**(data or {}), "csrf_token": token[1]})


def a_flagged_idea() -> tuple[int, int]:
    idea = an_idea(title="A yarn with a story")
    flags.flag(a_viewer(), "idea", idea, reason="abuse")
    db.session.commit()
    return idea, db.session.scalars(select(QueueItem.id).filter_by(target_kind="idea", target_id=idea)).one()


def hidden_why(idea: int) -> str | None:
    found: str | None = db.session.scalar(text("SELECT hidden_why FROM idea WHERE id = :i"), {"i": idea})
    return found


def test_a_member_flags_a_thing_and_hears_what_came_of_it(client: FlaskClient) -> None:
    idea, who = an_idea(), a_member()
    sign_in(client, who)
    assert b"What is wrong with it?" in client.get(f"/flag/idea/{idea}").data
    assert post(client, f"/flag/idea/{idea}", {"reason": "other"}).status_code == 422
    assert post(client, f"/flag/idea/{idea}", {"reason": "abuse"}).status_code == 303
    page = client.get("/account/moderation").get_data(as_text=True)
    assert "Unkind or threatening" in page
    deciding.approve(a_moderator(), "idea", idea)
    db.session.commit()
    assert "Moderators found nothing wrong with it." in client.get("/account/moderation").get_data(as_text=True)


def test_a_flag_is_taken_back_by_who_made_it_alone(client: FlaskClient) -> None:
    idea, who = an_idea(), a_member()
    sign_in(client, who)
    post(client, f"/flag/idea/{idea}", {"reason": "spam"})
    flag = db.session.scalars(select(Flag.id)).one()
    other = sign_in(client.application.test_client(), a_member())
    assert post(other, f"/flags/{flag}/withdraw").status_code == 404
    assert post(client, f"/flags/{flag}/withdraw").status_code == 303
    assert db.session.scalars(select(QueueItem.closed_at)).one() is not None


@pytest.mark.parametrize("path", ["/staff/moderation", "/staff/moderation/done", "/staff/moderation/newcomers"])
def test_the_queue_is_for_moderators(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code in {302, 401}
    assert sign_in(client, a_member(kind="staff", roles=["support_agent"])).get(path).status_code == 403
    assert sign_in(client, a_moderator().id).get(path).status_code == 200


def test_the_queue_shows_why_and_lets_decide(client: FlaskClient) -> None:
    idea, item = a_flagged_idea()
    sign_in(client, a_moderator().id)
    page = client.get("/staff/moderation").get_data(as_text=True)
    assert "1 flag: unkind" in page
    assert "A yarn with a story" in page
    act = f"/staff/moderation/idea/{idea}/hide"
    assert post(client, act, {"item": item, "reason": "abuse", "words": "Be kind."}).status_code == 303
    assert hidden_why(idea) == "hidden"
    assert "Nothing waits here" in client.get("/staff/moderation").get_data(as_text=True)
    decision = db.session.scalars(select(Decision.id)).one()
    assert "Be kind." in client.get("/staff/moderation/done").get_data(as_text=True)
    assert post(client, f"/staff/moderation/decisions/{decision}/undo").status_code == 303
    assert hidden_why(idea) is None


def test_the_second_moderator_is_told_on_the_page(client: FlaskClient) -> None:
    idea, item = a_flagged_idea()
    deciding.approve(a_moderator(name="Marta Bosco"), "idea", idea, item_id=item)
    db.session.commit()
    answer = post(sign_in(client, a_moderator().id), f"/staff/moderation/idea/{idea}/approve", {"item": item})
    assert answer.status_code == 409
    assert "Marta Bosco was quicker" in answer.get_data(as_text=True)


def test_many_are_decided_at_once_and_those_decided_meanwhile_are_said(client: FlaskClient) -> None:
    one, two, three = (a_flagged_idea() for _ in range(3))
    deciding.approve(a_moderator(), "idea", three[0], item_id=three[1])
    db.session.commit()
    sign_in(client, a_moderator().id)
    form = {"verb": "hide", "reason": "off_topic", "item": [one[1], two[1], three[1]]}
    assert post(client, "/staff/moderation/bulk", form).status_code == 303
    assert [hidden_why(idea) for idea, _item in (one, two, three)] == ["hidden", "hidden", None]
    page = client.get("/staff/moderation").get_data(as_text=True)
    assert "2 things decided." in page
    assert "1 was decided by somebody else meanwhile." in page
    assert post(client, "/staff/moderation/bulk", {"verb": "hide"}).status_code == 422


def test_filters_leave_what_they_say(client: FlaskClient) -> None:
    a_flagged_idea()
    an_idea(a_newcomer(), title="Buttons of horn")
    sign_in(client, a_moderator().id)
    held = client.get("/staff/moderation?why=held").get_data(as_text=True)
    assert "Buttons of horn" in held
    assert "A yarn with a story" not in held
    assert "Nothing waits here" in client.get("/staff/moderation?kind=question").get_data(as_text=True)
    assert client.get("/staff/moderation?queue=nonsense&kind=x&why=y&board=z&cursor=").status_code == 200
    assert client.get("/staff/moderation?cursor=rubbish").status_code == 422


def test_the_queue_costs_a_fixed_number_of_queries(client: FlaskClient) -> None:
    sign_in(client, a_moderator().id)
    a_flagged_idea()
    client.get("/staff/moderation")
    with counted_queries() as few:
        client.get("/staff/moderation")
    for _ in range(6):
        a_flagged_idea()
    with counted_queries() as many:
        client.get("/staff/moderation")
    assert len(many) == len(few)


@pytest.mark.parametrize("kind", ["idea", "question", "answer", "comment", "member"])
def test_each_kind_has_a_page_with_all_that_can_be_done(client: FlaskClient, kind: str) -> None:
    idea, question = an_idea(), a_question()
    answer = an_answer(question)
    author = a_viewer()
    sign_in(client, author.id)
    post(client, f"/ideas/{idea}/comments", {"body": "Me too"})
    comment = db.session.scalar(text("SELECT max(id) FROM comment"))
    thing = {"idea": idea, "question": question, "answer": answer, "comment": comment, "member": author.id}[kind]
    sign_in(client, a_moderator().id)
    page = client.get(f"/staff/moderation/{kind}/{thing}")
    assert page.status_code == 200
    assert "Suspend…" in page.get_data(as_text=True)
    assert client.get(f"/staff/moderation/{kind}/{10**9}").status_code == 404


def test_moderators_of_no_board_see_nothing_of_it(client: FlaskClient) -> None:
    restricted = an_idea(a_viewer(kind="supplier"), a_board(audience="kinds:supplier"), title="Secret dye")
    flags.flag(a_viewer(kind="supplier"), "idea", restricted, reason="abuse")
    db.session.commit()
    sign_in(client, a_moderator().id)
    assert "Secret dye" not in client.get("/staff/moderation").get_data(as_text=True)
    assert client.get(f"/staff/moderation/idea/{restricted}").status_code == 404
    assert post(client, f"/staff/moderation/idea/{restricted}/approve").status_code == 404


# Holds


def test_a_newcomers_first_post_waits_and_she_sees_it(client: FlaskClient) -> None:
    newcomer, board = a_newcomer(), a_board()
    sign_in(client, newcomer.id)
    answer = post(client, "/ideas/new", {"board": board, "title": "Buttons of horn", "body": "They last."})
    idea = db.session.scalar(text("SELECT max(id) FROM idea"))
    assert answer.status_code == 302
    assert hidden_why(idea) == "held"
    assert client.get(f"/ideas/{idea}").status_code == 200
    assert "Buttons of horn" in client.get("/account/moderation").get_data(as_text=True)
    assert client.application.test_client().get(f"/ideas/{idea}").status_code == 404
    assert sign_in(client.application.test_client(), a_member()).get(f"/ideas/{idea}").status_code == 404
    deciding.approve(a_moderator(), "idea", idea)
    db.session.commit()
    assert client.application.test_client().get(f"/ideas/{idea}").status_code == 200
    post(client, "/ideas/new", {"board": board, "title": "Buttons of wood", "body": "They float."})
    assert hidden_why(db.session.scalar(text("SELECT max(id) FROM idea"))) is None
    post(client, "/ideas/new", {"board": board, "title": "Look here", "body": "See https://shop.example/x"})
    assert hidden_why(db.session.scalar(text("SELECT max(id) FROM idea"))) == "held"


def test_who_is_vouched_for_and_staff_never_wait(app: Flask) -> None:
    body = "See https://shop.example/x"
    for viewer in (a_viewer(), a_moderator(), a_newcomer(kind="staff")):
        assert hidden_why(an_idea(viewer, body=body)) is None
    assert hidden_why(an_idea(a_newcomer(), body=body)) == "held"


def test_a_board_says_what_it_holds(client: FlaskClient) -> None:
    board = a_board()
    place = db.session.scalar(text("SELECT id FROM board WHERE key = :k"), {"k": board})
    sign_in(client, a_moderator().id)
    assert post(client, f"/staff/moderation/newcomers/{place}", {"first_posts": "0"}).status_code == 303
    assert hidden_why(an_idea(a_newcomer(), board, body="See https://shop.example/x")) is None
    assert post(client, f"/staff/moderation/newcomers/{place}", {"first_posts": "0", "links": "1"}).status_code == 303
    assert hidden_why(an_idea(a_newcomer(), board, body="See https://shop.example/x")) == "held"
    assert audit.entries(act="moderation.holding")


# Suspension and appeal


def test_the_suspended_read_and_do_not_write_anywhere(client: FlaskClient) -> None:
    idea, question, rude = an_idea(), a_question(), a_member()
    answer = an_answer(question)
    token = a_token(rude)
    sign_in(client, rude)
    suspending.suspend(a_moderator(), rude, term="week", reason="abuse", words="Twice warned.")
    db.session.commit()
    assert client.get(f"/ideas/{idea}").status_code == 200
    for path, form in (
        (f"/ideas/{idea}/vote", {"vote": "1"}),
        (f"/ideas/{idea}/comments", {"body": "But"}),
        ("/ideas/new", {"title": "But"}),
        (f"/questions/{question}/answers", {"body": "But"}),
        (f"/answers/{answer}/vote", {"value": "1"}),
        (f"/flag/idea/{idea}", {"reason": "spam"}),
    ):
        refusal = post(client, path, form)
        assert refusal.status_code == 403, path
        assert "you can read here, but not write" in refusal.get_data(as_text=True), path
    for method, path in (("PUT", f"/api/v1/ideas/{idea}/vote"), ("POST", "/api/v1/ideas"), ("POST", "/api/v1/flags")):
        assert client.open(path, method=method, json={}, headers=bearer(token)).status_code == 403, path
    assert db.session.scalar(text("SELECT count(*) FROM vote")) == 0
    page = client.get("/account/moderation").get_data(as_text=True)
    assert "Twice warned." in page


def test_the_suspended_can_appeal_and_another_moderator_lifts_it(client: FlaskClient) -> None:
    rude, first, second = a_member(), a_moderator(), a_moderator()
    decision = suspending.suspend(first, rude, term="week", reason="abuse")
    db.session.commit()
    sign_in(client, rude)
    assert post(client, f"/account/decisions/{decision}/appeal", {"words": ""}).status_code == 422
    assert post(client, f"/account/decisions/{decision}/appeal", {"words": "It was a joke"}).status_code == 303
    assert post(client, f"/account/decisions/{decision}/appeal", {"words": "Again"}).status_code == 409
    appeal = db.session.scalars(select(Appeal.id)).one()
    staff = client.application.test_client()
    sign_in(staff, first.id)
    assert post(staff, f"/staff/moderation/appeals/{appeal}", {"granted": "0"}).status_code == 403
    sign_in(staff, second.id)
    assert "It was a joke" in staff.get("/staff/moderation?queue=appeal").get_data(as_text=True)
    assert post(staff, f"/staff/moderation/appeals/{appeal}", {"granted": "1"}).status_code == 303
    assert post(client, f"/ideas/{an_idea()}/vote", {"vote": "1"}).status_code in {302, 303}
    assert "It was granted" in client.get(f"/account/decisions/{decision}").get_data(as_text=True)


def test_decisions_about_others_do_not_exist(client: FlaskClient) -> None:
    decision = suspending.suspend(a_moderator(), a_member(), term="day", reason="abuse")
    db.session.commit()
    sign_in(client, a_member())
    assert client.get(f"/account/decisions/{decision}").status_code == 404
    assert post(client, f"/account/decisions/{decision}/appeal", {"words": "Why"}).status_code == 404


# The record


def test_the_record_is_for_admins_and_says_whether_it_holds(client: FlaskClient) -> None:
    idea, _item = a_flagged_idea()
    moderator = a_moderator(name="Marta Bosco")
    deciding.hide(moderator, "idea", idea, reason="abuse")
    db.session.commit()
    assert sign_in(client, moderator.id).get("/staff/audit").status_code == 403
    sign_in(client, a_member(kind="staff", roles=["admin"]))
    page = client.get("/staff/audit?verify=1").get_data(as_text=True)
    assert "moderation.hide" in page
    assert "Marta Bosco" in page
    assert "the chain holds" in page
    assert "No entries" in client.get("/staff/audit?act=crm.").get_data(as_text=True)
    assert "moderation.hide" in client.get(f"/staff/audit?kind=idea&thing={idea}").get_data(as_text=True)


@pytest.mark.parametrize(
    "path", ["/staff/moderation", "/staff/moderation/newcomers", "/account/moderation", "/staff/audit"]
)
def test_the_pages_speak_italian(client: FlaskClient, path: str) -> None:
    a_flagged_idea()
    sign_in(client, a_member(kind="staff", roles=["admin"], lang="it"))
    page = client.get(path, headers={"Accept-Language": "it"}).get_data(as_text=True)
    assert 'lang="it"' in page
    assert "Waiting" not in page
    assert "What you flagged" not in page
    assert "Audit record" not in page


# Merges


def test_the_page_of_a_merged_idea_leads_to_the_other_where_all_comments_stand(client: FlaskClient) -> None:
    board = a_board()
    gone, kept = an_idea(board=board, title="Cards of real yarn"), an_idea(board=board, title="Shade cards")
    sign_in(client, a_member())
    post(client, f"/ideas/{gone}/comments", {"body": "With a thread of each"})
    post(client, f"/ideas/{kept}/comments", {"body": "And the number beside it"})
    moderator = sign_in(client.application.test_client(), a_moderator().id)
    assert post(moderator, f"/staff/moderation/idea/{gone}/merge", {"into": str(kept)}).status_code == 303
    for reader in (client, moderator, client.application.test_client()):
        assert reader.get(f"/ideas/{gone}").location.endswith(f"/ideas/{kept}")
    page = client.get(f"/ideas/{kept}").get_data(as_text=True)
    assert page.index("With a thread of each") < page.index("And the number beside it")
    decision = db.session.scalars(select(Decision.id).filter_by(verb="merge")).one()
    assert post(moderator, f"/staff/moderation/decisions/{decision}/undo").status_code == 303
    assert client.get(f"/ideas/{gone}").status_code == 200
    assert "With a thread of each" not in client.get(f"/ideas/{kept}").get_data(as_text=True)


def test_the_page_of_a_merged_question_leads_to_the_other_where_all_answers_stand(client: FlaskClient) -> None:
    asker = a_viewer()
    gone = a_question(asker)
    place = db.session.scalar(
        text("SELECT key FROM board JOIN question q ON q.board_id = board.id WHERE q.id = :i"), {"i": gone}
    )
    kept = a_question(a_viewer(), place, title="How to wash felt?")
    an_answer(gone, body="In cool water.")
    moderator = sign_in(client, a_moderator().id)
    assert post(moderator, f"/staff/moderation/question/{gone}/merge", {"into": str(kept)}).status_code == 303
    reader = client.application.test_client()
    assert reader.get(f"/questions/{gone}").location.endswith(f"/questions/{kept}")
    assert "In cool water." in reader.get(f"/questions/{kept}").get_data(as_text=True)
