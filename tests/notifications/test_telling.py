"""Who is told what, by the real record and the real reader of it."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from portal.community import facade as community
from portal.ideas import services as ideas
from portal.kernel import projections
from portal.kernel.database import db, transaction
from portal.kernel.outbox import publish
from portal.notifications import queries
from portal.notifications.models import Choice, Place
from portal.support import facade as support
from tests.conftest import Workers
from tests.notifications.factories import (
    a_board,
    a_comment,
    a_member,
    a_question,
    an_answer,
    an_idea,
    kinds,
    notices,
)


def test_the_author_hears_of_a_comment_and_the_commenter_does_not(workers: Workers) -> None:
    ida, gus = a_member("Ida"), a_member("Gus")
    idea = an_idea(a_board(), ida)
    comment = a_comment(idea, gus)
    workers.run()
    (told,) = notices(ida)
    assert (told.kind, told.why, told.subject_kind, told.subject_id) == ("reply", "author", "idea", idea)
    assert told.actor_ids == (gus.id,)
    assert told.details == {"anchor": f"comment-{comment}"}
    assert notices(gus) == []
    assert queries.unread_of(ida.id) == 1


def test_comments_of_three_people_are_one_notice(workers: Workers) -> None:
    ida = a_member("Ida")
    idea = an_idea(a_board(), ida)
    for name in ("Gus", "Bea", "Leo", "Leo Two"):
        a_comment(idea, a_member(name))
        workers.run()
    (told,) = notices(ida)
    assert (told.people, told.acts, queries.unread_of(ida.id)) == (4, 4, 1)


def test_a_reply_goes_to_who_wrote_the_comment_and_once(workers: Workers) -> None:
    ida, gus = a_member("Ida"), a_member("Gus")
    idea = an_idea(a_board(), ida)
    parent = a_comment(idea, ida)
    with transaction():
        community.follow(gus.id, "idea", idea)
    a_comment(idea, a_member("Bea"), parent=parent)
    workers.run()
    assert [(row.kind, row.why) for row in notices(ida)] == [("reply", "commenter")]
    assert [(row.kind, row.acts) for row in notices(gus)] == [("followed", 2)]


def test_nobody_is_told_twice_of_one_thing_when_facts_are_read_again(workers: Workers) -> None:
    ida = a_member("Ida")
    idea = an_idea(a_board(), ida)
    a_comment(idea, a_member("Gus"))
    workers.run()
    with transaction():
        db.session.execute(db.text("UPDATE projection_cursor SET xid = '0', fact_id = 0 WHERE name = 'notifications'"))
    workers.run()
    (told,) = notices(ida)
    assert told.acts == 1


def test_supporters_followers_and_the_author_hear_what_the_company_decides(workers: Workers) -> None:
    ida, gus, bea = a_member("Ida"), a_member("Gus"), a_member("Bea")
    manager = a_member("Mara", kind="staff", roles=["brand_manager"])
    idea = an_idea(a_board(), ida)
    with transaction():
        ideas.cast_vote(idea, gus)
        community.follow(bea.id, "idea", idea)
        community.follow(gus.id, "idea", idea)
    with transaction():
        ideas.set_stage(idea, manager, stage="planned", answer="We begin in May.")
    workers.run()
    told = {who.name: [(row.kind, row.why, row.details["stage"]) for row in notices(who)] for who in (ida, gus, bea)}
    assert told == {
        "Ida": [("decision", "author", "planned")],
        "Gus": [("stage", "supporter", "planned")],
        "Bea": [("stage", "follower", "planned")],
    }
    assert notices(manager) == []


def test_who_asked_hears_of_answers_and_who_answered_that_it_was_chosen(workers: Workers) -> None:
    ida, gus, bea = a_member("Ida"), a_member("Gus"), a_member("Bea")
    question = a_question(a_board("support"), ida)
    answer = an_answer(question, gus)
    workers.run()
    assert kinds(ida) == ["answer"]
    with transaction():
        support.accept_answer(answer, ida)
        support.vote_answer(answer, bea, value=1)
        support.same_problem(question, bea)
    workers.run()
    assert sorted(kinds(gus)) == ["accepted", "helped"]
    assert kinds(ida) == ["same", "answer"]
    assert all(bea.id not in row.actor_ids for row in (*notices(gus), *notices(ida))), "votes have no name"


def test_history_is_told_to_nobody(workers: Workers) -> None:
    from datetime import UTC, datetime

    ida, gus = a_member("Ida"), a_member("Gus")
    idea = an_idea(a_board(), ida)
    with transaction():
        ideas.comment_on_idea(idea, gus, body="Long ago.", at=datetime(2024, 5, 1, tzinfo=UTC))
    workers.run()
    assert notices(ida) == []


def test_who_may_not_see_a_board_any_more_is_not_told(workers: Workers) -> None:
    board = a_board("ideas", "kinds:staff,partner")
    ida, gus = a_member("Ida", kind="partner"), a_member("Gus", kind="staff")
    idea = an_idea(board, ida)
    with transaction():
        db.session.execute(db.text("UPDATE board SET audience = 'kinds:staff' WHERE id = :id"), {"id": board.id})
    a_comment(idea, gus)
    workers.run()
    assert notices(ida) == []


@pytest.mark.parametrize("place", ["idea", "board", "member"])
def test_what_is_muted_is_silent(workers: Workers, place: str) -> None:
    ida, gus, board = a_member("Ida"), a_member("Gus"), a_board()
    idea = an_idea(board, ida)
    ids = {"idea": idea, "board": board.id, "member": gus.id}
    with transaction():
        db.session.add(Place(member_id=ida.id, target_kind=place, target_id=ids[place], level="mute"))
    a_comment(idea, gus)
    workers.run()
    assert notices(ida) == []


def test_who_does_not_want_a_kind_is_not_told(workers: Workers) -> None:
    ida = a_member("Ida")
    idea = an_idea(a_board(), ida)
    with transaction():
        for way in ("page", "mail", "push", "digest"):
            db.session.add(Choice(member_id=ida.id, kind="reply", way=way, wanted=False))
    a_comment(idea, a_member("Gus"))
    workers.run()
    assert notices(ida) == []
    assert queries.unread_of(ida.id) == 0


def test_watchers_of_a_board_and_readers_of_a_member_hear_of_new_posts(workers: Workers) -> None:
    ida, gus, bea, board = a_member("Ida"), a_member("Gus"), a_member("Bea"), a_board()
    with transaction():
        db.session.add(Place(member_id=gus.id, target_kind="board", target_id=board.id, level="all"))
        community.follow(bea.id, "member", ida.id)
    an_idea(board, ida)
    workers.run()
    assert [(row.kind, row.why) for row in (*notices(gus), *notices(bea))] == [
        ("posted", "watcher"),
        ("posted", "reader_of"),
    ]


def test_what_is_hidden_is_taken_back(workers: Workers) -> None:
    ida, gus = a_member("Ida"), a_member("Gus")
    idea = an_idea(a_board(), ida)
    first, second = a_comment(idea, gus), a_comment(idea, a_member("Bea"))
    workers.run()
    with transaction():
        community.hide_comment(first, actor_id=None)
    workers.run()
    (told,) = notices(ida)
    assert (told.people, gus.id in told.actor_ids) == (1, False)
    with transaction():
        community.hide_comment(second, actor_id=None)
    workers.run()
    assert notices(ida) == []
    assert queries.unread_of(ida.id) == 0


def test_admins_hear_that_nothing_reaches_the_crm(workers: Workers) -> None:
    from portal.crm.events import GatewayPaused

    admin, gus = a_member("Ada", kind="staff", roles=["admin"]), a_member("Gus", kind="staff")
    with transaction():
        publish(GatewayPaused(gateway="tryton", why="401 Unauthorized"))
    workers.run()
    (told,) = notices(admin)
    assert (told.kind, told.details["said"]) == ("duty", "401 Unauthorized")
    assert notices(gus) == []


def test_ten_supporters_cost_as_many_statements_as_two(workers: Workers, committed: Flask) -> None:
    from tests.conftest import counted_queries

    manager, board = a_member("Mara", kind="staff", roles=["brand_manager"]), a_board()
    counts = []
    for supporters in (2, 10):
        idea = an_idea(board, a_member("Ida"))
        voters = [a_member(f"Voter {n}") for n in range(supporters)]
        workers.run()
        with transaction():
            for voter in voters:
                ideas.cast_vote(idea, voter)
        workers.run()
        with transaction():
            ideas.set_stage(idea, manager, stage="review")
        with counted_queries() as seen:
            workers.run()
        told = [one for one in seen if "notification" in one or "member_bell" in one]
        counts.append(len(told))
    assert counts[0] == counts[1]


def test_what_is_read_at_the_moment_it_grows_is_told_anew(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    ida = a_member("Ida")
    idea = an_idea(a_board(), ida)
    a_comment(idea, a_member("Gus"))
    workers.run()
    found = queries.open_groups

    def and_then_she_reads(members: Any, group: str, since: Any) -> dict[int, int]:
        known = found(members, group, since)
        with db.engine.begin() as other:
            other.execute(text("UPDATE notification SET read_at = now()"))
        return known

    monkeypatch.setattr(queries, "open_groups", and_then_she_reads)
    a_comment(idea, a_member("Bea"))
    while not projections.advance("notifications"):
        db.session.rollback()
    db.session.rollback()
    assert [row.read_at is None for row in notices(ida)] == [True, False]
    assert queries.unread_of(ida.id) == 1
