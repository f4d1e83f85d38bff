"""Every act of staff stands in the record, whichever feature it belongs to."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.ideas import services as ideas
from portal.kernel.database import db
from portal.members.policy import access_of
from portal.members.services import audit
from portal.support import services as support
from tests.factories import a_member, a_token, bearer, sign_in
from tests.ideas.factories import an_idea
from tests.moderation.factories import a_moderator, a_viewer
from tests.moderation.test_pages import post
from tests.support.factories import a_question, an_answer


def acts() -> list[str]:
    return [one.act for one in audit.entries()]


def test_what_staff_do_through_services_says_what_it_did(app: Flask) -> None:
    moderator, agent = a_moderator(), a_viewer(kind="staff", roles=["support_agent"])
    idea, question = an_idea(), a_question()
    answer = an_answer(question)
    ideas.set_stage(idea, moderator, stage="planned", answer="Next spring.")
    support.mark_answer(answer, agent, mark="verified")
    support.edit_question(question, agent, title="How to wash felt?", body="Gently.")
    assert acts() == ["question.edit", "answer.mark", "idea.stage"]
    stage = audit.entries(act="idea.stage")[0]
    assert (stage.actor_id, stage.details) == (
        moderator.id,
        {"after": "planned", "answered": True, "before": "submitted"},
    )


def test_what_members_do_to_their_own_things_is_not_staffs_business(app: Flask) -> None:
    author = a_viewer()
    idea, question = an_idea(author), a_question(author)
    ideas.edit_idea(idea, author, title="Another title", body="")
    support.edit_question(question, author, title="Another title", body="")
    assert acts() == []


def test_a_route_for_roles_is_noted_once_even_if_its_service_says_nothing(client: FlaskClient) -> None:
    sign_in(client, a_member(kind="staff", roles=["brand_manager"]))
    assert post(client, "/staff/crm/replay").status_code in {302, 303}
    assert acts() == ["crm.replay"]
    idea = an_idea()
    assert post(client, f"/ideas/{idea}/stage", {"stage": "planned", "answer": "Soon."}).status_code == 303
    assert acts() == ["idea.stage", "crm.replay"]


def test_what_was_refused_leaves_nothing_in_the_record(client: FlaskClient) -> None:
    idea = an_idea()
    sign_in(client, a_member(kind="staff", roles=["brand_manager"]))
    assert post(client, f"/ideas/{idea}/stage", {"stage": "declined"}).status_code == 422
    sign_in(client, a_member())
    assert post(client, f"/ideas/{idea}/stage", {"stage": "planned"}).status_code == 403
    assert acts() == []


def test_programs_of_staff_are_noted_like_browsers(client: FlaskClient) -> None:
    moderator = a_moderator()
    headers = bearer(a_token(moderator.id))
    idea = an_idea()
    answer = client.post(
        "/api/v1/moderation/decisions",
        json={"verb": "hide", "kind": "idea", "id": idea, "reason": "abuse"},
        headers=headers,
    )
    assert answer.status_code == 201
    assert answer.json["verb"] == "hide"
    assert acts() == ["moderation.hide"]
    undone = client.post(f"/api/v1/moderation/decisions/{answer.json['id']}/undo", headers=headers)
    assert undone.status_code == 200
    assert undone.json["undone_at"]


def test_every_unsafe_route_for_roles_is_met_by_the_note(app: Flask) -> None:
    """The note reads what a route declares: a route for staff that declares no role would slip past it."""
    slipping = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/staff")
        and rule.methods & {"POST", "PUT", "PATCH", "DELETE"}
        and not getattr(access_of(app.view_functions[rule.endpoint]), "roles", frozenset())
    ]
    assert slipping == []


# The API and the command line


def test_programs_flag_and_read_the_queue(client: FlaskClient) -> None:
    idea, member = an_idea(), a_member()
    headers = bearer(a_token(member))
    made = client.post("/api/v1/flags", json={"kind": "idea", "id": idea, "reason": "spam"}, headers=headers)
    assert made.status_code == 201
    assert client.get("/api/v1/moderation/queue", headers=headers).status_code == 403
    staff = bearer(a_token(a_moderator().id))
    items = client.get("/api/v1/moderation/queue", headers=staff).json["items"]
    assert [(one["kind"], one["target"], one["why"]) for one in items] == [("idea", idea, {"flags": {"spam": 1}})]
    body = {"verb": "approve", "kind": "idea", "id": idea, "item": items[0]["id"]}
    assert client.post("/api/v1/moderation/decisions", json=body, headers=staff).status_code == 201
    assert client.post("/api/v1/moderation/decisions", json=body, headers=staff).status_code == 409
    other = client.post("/api/v1/flags", json={"kind": "workspace", "id": 1, "reason": "spam"}, headers=headers)
    assert other.status_code == 422
    assert client.delete(f"/api/v1/flags/{made.json['id']}", headers=headers).status_code == 409


def test_the_command_line_verifies_and_names_the_first_bad_entry(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    first = audit.note(1, "idea.stage", "idea", 1)
    audit.note(1, "idea.stage", "idea", 2)
    db.session.commit()
    sound = run(args=["audit", "verify"])
    assert sound.exit_code == 0
    assert "2 entries, and the chain holds" in sound.output
    db.session.execute(db.text("SET LOCAL session_replication_role = replica"))
    db.session.execute(db.text("UPDATE audit_entry SET act = 'idea.shown' WHERE id = :id"), {"id": first})
    db.session.commit()
    bad = run(args=["audit", "verify", "--json"])
    assert bad.exit_code == 1
    assert f'"bad": {first}' in bad.output
    assert "idea.stage" in run(args=["audit", "list", "--act", "idea."]).output
    assert '"post": 0' in run(args=["moderation", "queue", "--json"]).output


@pytest.mark.parametrize("who", ["nobody@example.org", ""])
def test_the_command_line_undoes_in_a_moderators_name_only(app: Flask, who: str) -> None:
    assert app.test_cli_runner().invoke(args=["moderation", "undo", "1", "--as", who]).exit_code == 1


def test_hiding_somebody_elses_post_on_its_own_page_is_noted_and_ones_own_is_not(app: Flask) -> None:
    author, moderator = a_viewer(), a_moderator()
    mine, theirs = an_idea(author), an_idea(author)
    ideas.hide(mine, actor=author)
    db.session.commit()
    assert acts() == []
    ideas.hide(theirs, actor=moderator)
    db.session.commit()
    assert acts() == ["idea.hide"]
    question = a_question(author)
    support.withdraw(moderator, question_id=question)
    db.session.commit()
    assert acts() == ["question.hide", "idea.hide"]
