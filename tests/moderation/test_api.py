"""Moderation over the API: whatever a page can do a program can do, and neither can do more."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from portal.ideas import facade as ideas
from portal.kernel.database import db
from portal.members.policy import Viewer
from portal.moderation.models import QueueItem
from portal.moderation.services import deciding, flags, joining, suspending
from portal.moderation.views.acts import ACTS as ON_PAGES
from tests.factories import a_token, bearer
from tests.ideas.factories import a_board, an_idea
from tests.moderation.factories import a_moderator, a_newcomer, a_viewer
from tests.moderation.test_deciding import a_village, waiting, world

PREFIX = "/api/v1/moderation"


class Program:
    """A program with somebody's token."""

    def __init__(self, client: FlaskClient, who: Viewer, *scopes: str) -> None:
        self.client, self.headers = client, bearer(a_token(who.id, *scopes))

    def get(self, path: str, **query: Any) -> Any:
        answer = self.client.get(PREFIX + path, query_string=query, headers=self.headers)
        assert answer.status_code == 200, answer.json
        return answer.json

    def send(self, path: str, method: str = "POST", **body: Any) -> TestResponse:
        return self.client.open(PREFIX + path, method=method, json=body, headers=self.headers)


ACTS: dict[str, dict[str, Any]] = {
    "approve": {"kind": "idea", "id": "held"},
    "hide": {"kind": "idea", "id": "idea", "reason": "abuse"},
    "spam": {"kind": "comment", "id": "comment"},
    "restore": {"kind": "idea", "id": "hidden"},
    "rephrase": {"kind": "idea", "id": "idea", "words": "Name the yarn."},
    "edit": {"kind": "question", "id": "question", "title": "Other", "body": "Words"},
    "move": {"kind": "idea", "id": "idea", "board": "other-yarns"},
    "split": {"kind": "answer", "id": "answer", "board": "other-help", "title": "On its own"},
    "merge": {"kind": "idea", "id": "idea", "into": "twin"},
    "set_aside": {"kind": "idea", "id": "twin"},
    "suspend": {"kind": "member", "id": "author", "reason": "abuse", "term": "week"},
    "lift": {"kind": "member", "id": "suspended"},
    "purge": {"kind": "member", "id": "author"},
}


def test_every_act_of_the_pages_is_in_the_api() -> None:
    assert {*ACTS, "distinct"} == set(ON_PAGES)


@pytest.mark.parametrize("verb", ACTS)
def test_a_program_does_and_undoes_every_act(client: FlaskClient, verb: str) -> None:
    made = a_village()
    program = Program(client, a_moderator())
    wish = {name: made.get(value, value) if name in {"id", "into"} else value for name, value in ACTS[verb].items()}
    before = world()
    answer = program.send("/decisions", verb=verb, **wish)
    assert (answer.status_code, answer.json["target"]) == (201, wish["id"]), answer.json
    assert program.get("/decisions")["items"][0]["id"] == answer.json["id"]
    undone = program.send(f"/decisions/{answer.json['id']}/undo")
    assert undone.status_code == 200
    assert undone.json["undone_at"]
    db.session.expire_all()
    after = [[row for row in rows if row in kept] for rows, kept in zip(world(), before, strict=True)]
    assert after == before
    assert program.send(f"/decisions/{answer.json['id']}/undo").status_code == 409


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"verb": "hide"}, "reason"),
        ({"verb": "suspend", "reason": "abuse"}, "term"),
        ({"verb": "move"}, "board"),
        ({"verb": "merge"}, "into"),
        ({"verb": "split", "board": "yarns"}, "title"),
        ({"verb": "dance"}, "verb"),
    ],
)
def test_what_an_act_needs_is_said_by_name(client: FlaskClient, wish: dict[str, str], field: str) -> None:
    answer = Program(client, a_moderator()).send("/decisions", kind="idea", id=an_idea(), **wish)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert field in [one["field"] for one in answer.json["errors"]]


def test_a_decision_sent_twice_with_one_key_is_one_decision(client: FlaskClient) -> None:
    idea, moderator = an_idea(), a_moderator()
    headers = bearer(a_token(moderator.id)) | {"Idempotency-Key": "hide-1"}
    body = {"verb": "hide", "kind": "idea", "id": idea, "reason": "abuse"}
    first, again = (client.post(f"{PREFIX}/decisions", json=body, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json == again.json
    assert db.session.scalar(text("SELECT count(*) FROM moderation_decision")) == 1


def test_the_second_moderator_is_told_who_was_quicker(client: FlaskClient) -> None:
    idea = an_idea()
    flags.flag(a_viewer(), "idea", idea, reason="abuse")
    program = Program(client, a_moderator())
    item = program.get("/queue")["items"][0]
    deciding.approve(a_moderator(name="Marta Bosco"), "idea", idea, item_id=item["id"])
    answer = program.send("/decisions", verb="hide", kind="idea", id=idea, reason="abuse", item=item["id"])
    assert answer.status_code == 409
    assert "Marta Bosco" in answer.json["detail"]


def test_an_appeal_goes_its_whole_way_through_programs(client: FlaskClient) -> None:
    author, first, second = a_viewer(), a_moderator(), a_moderator()
    idea = an_idea(author)
    decision = deciding.hide(first, "idea", idea, reason="abuse", words="Be kind.")
    hers = Program(client, author)
    held = hers.get("/mine")["decisions"]
    assert [(one["id"], one["words"], one["may_appeal"]) for one in held] == [(decision, "Be kind.", True)]
    assert hers.send(f"/decisions/{decision}/appeal", words="A quotation").status_code == 201
    row = Program(client, second).get("/queue", queue="appeal")["items"][0]
    assert row["appeal"]["words"] == "A quotation"
    path = f"/appeals/{row['appeal']['id']}/decision"
    assert Program(client, first).send(path, granted=True).status_code == 403
    assert Program(client, second).send(path, granted=True, words="Right.", item=row["id"]).status_code == 201
    mine = hers.get(f"/mine/{decision}")
    assert (mine["appeal"]["granted"], mine["appeal"]["answer"]) == (True, "Right.")
    assert Program(client, a_viewer()).client.get(f"{PREFIX}/mine/{decision}").status_code in {401, 404}


def test_who_is_suspended_reads_why_and_appeals_and_writes_nothing_else(client: FlaskClient) -> None:
    rude = a_viewer()
    idea, mine = an_idea(), an_idea(rude)
    flag = flags.flag(rude, "idea", idea, reason="abuse")
    decision = suspending.suspend(a_moderator(), rude.id, term="week", reason="abuse", words="Twice")
    hers = Program(client, rude)
    assert hers.get("/mine")["suspension"]["words"] == "Twice"
    assert hers.send(f"/decisions/{decision}/appeal", words="I am sorry").status_code == 201
    assert client.delete(f"/api/v1/flags/{flag}", headers=hers.headers).status_code == 204
    refused = [
        client.put(f"/api/v1/ideas/{idea}/vote", headers=hers.headers),
        client.patch(f"/api/v1/ideas/{mine}", json={"title": "New"}, headers=hers.headers),
        client.post("/api/v1/flags", json={"kind": "idea", "id": idea, "reason": "spam"}, headers=hers.headers),
    ]
    assert [answer.status_code for answer in refused] == [403] * 3


def test_a_supporter_stays_out_of_a_merge_even_while_she_is_suspended(client: FlaskClient) -> None:
    gone, kept, voter = an_idea(), an_idea(), a_viewer(verified=True)
    ideas.cast_vote(gone, voter)
    decision = joining.merge(a_moderator(), "idea", gone, kept)
    suspending.suspend(a_moderator(), voter.id, term="day", reason="abuse")
    answer = Program(client, voter).send(f"/merges/{decision}/voice", "DELETE")
    assert answer.status_code == 204
    assert db.session.scalar(text("SELECT votes FROM idea_tally WHERE idea_id = :i"), {"i": kept}) == 0


def test_distinct_takes_a_suspicion_out_of_the_queue(client: FlaskClient) -> None:
    one, two = an_idea(), an_idea()
    item = QueueItem(queue="duplicate", target_kind="idea", target_id=two, board_id=None, author_id=None,
                     why={"other": one, "same": 0.9})  # fmt: skip
    db.session.add(item)
    db.session.flush()
    program = Program(client, a_moderator())
    assert program.get("/queue", queue="duplicate")["items"][0]["why"]["other"] == one
    assert program.send("/decisions", verb="distinct", kind="idea", id=two, item=item.id).status_code == 201
    assert waiting() == []


def test_what_a_board_holds_of_newcomers_is_read_and_set(client: FlaskClient) -> None:
    an_idea()
    key = db.session.scalar(text("SELECT key FROM board LIMIT 1"))
    program = Program(client, a_moderator())
    assert program.get(f"/newcomers/{key}") == {"board": key, "first_posts": 1, "links": True}
    answer = program.send(f"/newcomers/{key}", "PUT", first_posts=0, links=False)
    assert answer.json == {"board": key, "first_posts": 0, "links": False}
    assert program.get(f"/newcomers/{key}")["links"] is False
    assert program.send(f"/newcomers/{key}", "PUT", first_posts=99, links=False).status_code == 422


def test_the_record_is_for_admins_page_by_page(client: FlaskClient) -> None:
    moderator, admin = a_moderator(), a_viewer(kind="staff", roles=["admin"])
    for _ in range(3):
        deciding.hide(moderator, "idea", an_idea(), reason="abuse")
    db.session.commit()
    program = Program(client, admin, "read", "admin")
    first = program.get("/record", act="moderation.", limit=2)
    rest = program.get("/record", act="moderation.", limit=2, cursor=first["next"])
    assert [one["act"] for one in (*first["items"], *rest["items"])] == ["moderation.hide"] * 3
    assert len(first["items"][0]["hash"]) == 64
    assert client.get(f"{PREFIX}/record", headers=bearer(a_token(moderator.id))).status_code == 403


def test_moderators_read_decisions_about_one_thing_or_one_author(client: FlaskClient) -> None:
    moderator, author = a_moderator(), a_viewer()
    one, two = an_idea(author), an_idea()
    for idea in (one, two):
        deciding.hide(moderator, "idea", idea, reason="abuse")
    program = Program(client, moderator)
    assert [row["target"] for row in program.get("/decisions", kind="idea", id=one)["items"]] == [one]
    assert [row["target"] for row in program.get("/decisions", author=author.id)["items"]] == [one]
    assert [row["target"] for row in program.get("/decisions", actor=moderator.id)["items"]] == [two, one]


def test_what_waits_of_ones_own_is_told_to_a_program(client: FlaskClient) -> None:
    newcomer = a_newcomer()
    idea = an_idea(newcomer)
    assert [one["id"] for one in Program(client, newcomer).get("/mine")["waiting"]] == [idea]


def test_decisions_on_boards_that_she_may_not_see_are_not_told_to_a_moderator(app: Flask, client: FlaskClient) -> None:

    admin = a_viewer(kind="staff", roles=["admin", "moderator"])
    idea = an_idea(a_viewer(kind="supplier"), a_board("closed", audience="kinds:supplier"))
    db.session.execute(
        text("INSERT INTO moderation_decision (actor_id, verb, target_kind, target_id, board_id, author_id, reason, words,"
             " at, undo) SELECT :who, 'hide', 'idea', id, board_id, author_id, 'abuse', 'Canary', now(), '{}' FROM idea"
             " WHERE id = :idea"),
        {"who": admin.id, "idea": idea},
    )  # fmt: skip
    assert Program(client, a_moderator()).get("/decisions")["items"] == []
    assert db.session.scalars(select(QueueItem)).all() == []
