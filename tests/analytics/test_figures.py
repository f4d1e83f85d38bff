"""Members' figures follow from facts within moments, and a recount from the facts agrees."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from portal.analytics import facade, figures, queries
from portal.analytics.models import AnswerCourse, IdeaCourse, MemberDay, MemberFigures
from portal.analytics.reputation.services import trust
from portal.analytics.services import figures as keeping
from portal.analytics.services import participation
from portal.ideas import services as ideas
from portal.kernel import projections
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members.models import Organisation
from portal.support import services as support
from tests.conftest import read_all_facts
from tests.ideas.factories import a_board as an_ideas_board
from tests.ideas.factories import an_idea
from tests.members.factories import a_member
from tests.support.factories import a_board, a_question, a_viewer, an_answer

pytestmark = pytest.mark.usefixtures("committed")


def stored(member_id):
    return db.session.scalar(select(MemberFigures.figures).filter_by(member_id=member_id))


def test_what_members_do_becomes_their_figures():
    asker, helper, voter = a_viewer(), a_viewer(), a_viewer()
    question = a_question(asker, a_board())
    answer = an_answer(question, helper)
    support.accept_answer(answer, asker)
    support.vote_answer(answer, voter, value=1)
    idea = an_idea(helper, an_ideas_board())
    ideas.cast_vote(idea, voter)
    db.session.commit()
    read_all_facts()
    found = stored(helper.id)
    assert (found["answers"], found["answers_accepted"], found["ideas_submitted"]) == (1, 1, 1)
    assert found["lifecycle"] == "new"
    assert found["active_days"] == 1
    assert stored(asker.id)["questions"] == 1
    assert stored(voter.id)["votes"] == 1
    assert facade.contact_figures([voter.id])[voter.id]["votes"] == 1
    assert sum(facade.days_of(helper.id, 7)) == 2


def test_what_is_taken_back_is_taken_off():
    voter = a_viewer()
    idea = an_idea(None, an_ideas_board())
    ideas.cast_vote(idea, voter)
    db.session.commit()
    ideas.withdraw_vote(idea, voter)
    db.session.commit()
    read_all_facts()
    assert stored(voter.id)["votes"] == 0


def test_a_follow_up_by_the_asker_is_no_answer():
    asker = a_viewer()
    an_answer(a_question(asker, a_board()), asker)
    read_all_facts()
    assert stored(asker.id)["answers"] == 0
    assert db.session.scalars(select(AnswerCourse)).all() == []


def test_an_idea_keeps_the_first_time_it_came_to_a_stage():
    staff = a_viewer(kind="staff", roles=["admin"])
    author = a_viewer()
    idea = an_idea(author, an_ideas_board())
    for stage in ("review", "planned", "review"):
        ideas.set_stage(idea, staff, stage=stage)
        db.session.commit()
    read_all_facts()
    course = db.session.get_one(IdeaCourse, idea)
    assert course.stage == "review"
    assert course.reviewed_at < course.planned_at
    assert stored(author.id)["ideas_accepted"] == 1


def test_a_recount_agrees_finds_drift_and_mends_it():
    member = a_viewer()
    a_question(member, a_board())
    read_all_facts()
    assert keeping.recount()["drift"] == 0
    db.session.execute(
        text("UPDATE member_day SET n = 7 WHERE member_id = :id AND kind = 'question'"), {"id": member.id}
    )
    db.session.execute(text("INSERT INTO member_day VALUES (:id, '2020-01-01', 0, 'vote', 3)"), {"id": member.id})
    report = keeping.recount()
    assert (report["drift"], report["mended"]) == (2, 2)
    assert keeping.recount()["drift"] == 0
    db.session.commit()
    assert stored(member.id)["questions"] == 1
    assert stored(member.id)["votes"] == 0


def test_a_rebuild_gives_the_same_figures():
    helper = a_viewer()
    an_answer(a_question(None, a_board()), helper)
    read_all_facts()
    columns = select(MemberDay.member_id, MemberDay.day, MemberDay.board_id, MemberDay.kind, MemberDay.n)
    before, figured = set(db.session.execute(columns)), stored(helper.id)
    projections.rebuild(keeping.CURSOR)
    read_all_facts()
    assert set(db.session.execute(columns)) == before
    assert stored(helper.id) == figured


def test_accounts_sum_their_members():
    organisation = Organisation(name="Firm")
    db.session.add(organisation)
    db.session.commit()
    firm = organisation.id
    members = [a_viewer(organisation_id=firm) for _ in range(3)]
    board = a_board()
    for _ in range(2):
        a_question(members[0], board)
    late = now() - timedelta(days=5)
    a_question(members[1], board, at=late)
    read_all_facts()
    found = facade.account_figures([firm])[firm]
    assert (found["members"], found["members_active"], found["questions"]) == (3, 2, 3)
    assert found["penetration"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["questions_late"] == 1
    assert found["gini"] == pytest.approx(4 / 9, abs=1e-3)
    assert figures.of_accounts([]) == {}


def test_trust_comes_from_staff_and_known_customers_only():
    staff, helper = a_viewer(kind="staff"), a_viewer()
    stranger, friend = a_viewer(), a_viewer()
    board = a_board()
    for asker, author in ((staff, helper), (stranger, friend)):
        question = a_question(asker, board)
        support.accept_answer(an_answer(question, author), asker)
    db.session.commit()
    read_all_facts()
    heard = trust.spread()
    assert heard[staff.id] == 1.0
    assert 0 < heard[helper.id] < 1
    assert heard[friend.id] == heard[stranger.id] == 0.0


def test_a_report_withholds_small_cells_and_counts_who_is_silent():
    for _ in range(9):
        a_member()
    a_question(None, a_board())
    read_all_facts()
    report = participation.work_out(participation.EVERYWHERE, 12)
    db.session.commit()
    assert report["tiers"] == {"engaged": 0, "casual": 1, "silent": 9}
    assert report["concentration"]["gini_writers"] is None
    assert report["first_answer"]["median_hours"] is None
    assert report["first_answer"]["unanswered"] == 1
    kept = queries.report_of(0, 12)
    assert kept is not None
    assert kept.report["people"] == 10
