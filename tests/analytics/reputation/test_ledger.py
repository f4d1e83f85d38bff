"""The ledger follows the facts: what is taken back is reversed, what is shown again stands again, a rebuild agrees."""

import random

import pytest
from sqlalchemy import select, text

from portal.analytics.reputation import queries
from portal.analytics.reputation.models import ReputationEntry
from portal.analytics.reputation.projections import CURSOR
from portal.analytics.reputation.reading import BackInSight, Credit, GoneFromSight, TakenBack, Thing, moves
from portal.analytics.reputation.rules import Cause, Kind
from portal.analytics.reputation.services import folding, ledger, standing, trust
from portal.analytics.reputation.services.ledger import Act
from portal.ideas import services as ideas
from portal.kernel import projections
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members.models import Member
from portal.moderation.services import deciding, flags
from portal.support import services as support
from tests.conftest import read_all_facts
from tests.ideas.factories import an_idea
from tests.members.factories import a_viewer
from tests.support.factories import a_board, a_question, an_answer

pytestmark = pytest.mark.usefixtures("committed")


def points(viewer):
    db.session.commit()
    read_all_facts()
    return queries.sum_of(viewer.id).points


def test_a_vote_of_somebody_we_know_counts_and_a_withdrawn_one_does_not():
    author, staff, stranger = a_viewer(), a_viewer(kind="staff"), a_viewer()
    idea = an_idea(author)
    ideas.cast_vote(idea, staff)
    ideas.cast_vote(idea, stranger)
    ideas.cast_vote(idea, author)
    assert points(author) == 2
    ideas.withdraw_vote(idea, staff)
    assert points(author) == 0
    ideas.cast_vote(idea, staff)
    assert points(author) == 2
    kinds = [line.kind for line in queries.ledger_of(author.id).items]
    assert kinds == ["vote", "vote", "vote"]
    assert [line.reversed_why for line in queries.ledger_of(author.id).items] == [None, None, "withdrawn"]


def test_a_contact_of_the_crm_weighs_in_full():
    author = a_viewer()
    customer = a_viewer(details={"crm": {"contact_id": "c-1"}})
    ideas.cast_vote(an_idea(author), customer)
    assert points(author) == 2


def test_accepted_helped_and_verified_answers_and_what_is_undone():
    asker, helper, agent = a_viewer(kind="staff"), a_viewer(), a_viewer(kind="staff", roles=["support_agent"])
    answer = an_answer(a_question(asker), helper)
    support.accept_answer(answer, asker)
    support.vote_answer(answer, agent, value=1)
    support.mark_answer(answer, agent, mark="verified", on=True)
    assert points(helper) == 15 + 5 + 15
    support.vote_answer(answer, agent, value=-1)
    support.mark_answer(answer, agent, mark="verified", on=False)
    support.unaccept_answer(answer, asker)
    assert points(helper) == 0


def test_stages_are_earned_once_and_lost_when_an_idea_moves_back():
    author, manager = a_viewer(), a_viewer(kind="staff", roles=["brand_manager"])
    idea = an_idea(author)
    ideas.set_stage(idea, manager, stage="making")
    assert points(author) == 20 + 5
    ideas.set_stage(idea, manager, stage="shipped")
    assert points(author) == 20 + 5 + 30
    ideas.set_stage(idea, manager, stage="review")
    assert points(author) == 0
    ideas.set_stage(idea, manager, stage="planned")
    assert points(author) == 20


def test_what_a_moderator_hides_counts_nothing_and_again_when_shown():
    author, voter, bea = a_viewer(), a_viewer(kind="staff"), a_viewer(kind="staff", roles=["moderator"])
    idea = an_idea(author)
    ideas.cast_vote(idea, voter)
    ideas.cast_vote(idea, bea)
    ideas.withdraw_vote(idea, bea)
    assert points(author) == 2
    before = queries.ledger_of(author.id).items
    ideas.hide(idea, actor=bea)
    assert points(author) == 0
    assert queries.ledger_of(author.id).items[0].kind == "hidden"
    assert queries.flags([author.id], now().replace(year=2020)) == {author.id: 1}
    ideas.show(idea, actor=bea)
    assert points(author) == 2
    assert [line for line in queries.ledger_of(author.id).items if line.kind != "hidden"] == before
    assert queries.flags([author.id], now().replace(year=2020)) == {}


def test_everybody_whose_flag_was_right_is_thanked_until_that_is_undone():
    idea, moderator = an_idea(a_viewer()), a_viewer(kind="staff", roles=["moderator"])
    flaggers = [a_viewer() for _ in range(3)]
    for one in flaggers:
        flags.flag(one, "idea", idea, reason="abuse")
    decision = deciding.rephrase(moderator, "idea", idea, words="Please name the yarn.")
    assert [points(one) for one in flaggers] == [2, 2, 2]
    deciding.undo(decision, moderator)
    assert [points(one) for one in flaggers] == [0, 0, 0]
    decision = deciding.hide(moderator, "idea", idea, reason="abuse")
    assert [points(one) for one in flaggers] == [2, 2, 2]
    deciding.undo(decision, moderator)
    deciding.approve(moderator, "idea", idea)
    assert [points(one) for one in flaggers] == [0, 0, 0]


def test_hiding_ones_own_is_no_flag():
    author = a_viewer()
    ideas.hide(an_idea(author), actor=author)
    points(author)
    assert queries.ledger_of(author.id).items == []


def test_a_withdrawal_that_is_read_before_its_vote_takes_it_back():
    voter, author, idea = a_viewer(kind="staff"), a_viewer(), Thing("idea", 1)
    ledger.write([Act(TakenBack(idea, (Kind.VOTE,), Cause.WITHDRAWN, voter.id), 2, now())])
    touched = ledger.write([Act(Credit(idea, Kind.VOTE, voter.id, author.id), 1, now())])
    folding.refold(touched)
    assert queries.sum_of(author.id).points == 0
    assert queries.ledger_of(author.id).items[0].reversed_why == "withdrawn"
    touched = ledger.write([Act(Credit(idea, Kind.VOTE, voter.id, author.id), 3, now())])
    folding.refold(touched)
    assert queries.sum_of(author.id).points == 2


def test_a_batch_comes_to_what_its_moves_come_to_one_by_one():
    """The same moves in one batch and each alone leave the same lines."""
    author, voters = a_viewer(), [a_viewer(kind="staff") for _ in range(3)]
    for thing in (Thing("idea", 1), Thing("idea", 2)):
        acts = []
        for fact_id in range(60):
            voter, roll = voters[fact_id * 7 % 3], random.Random(fact_id).random()
            vote = Credit(thing, Kind.VOTE, voter.id, author.id)
            back = TakenBack(thing, (Kind.VOTE,), Cause.WITHDRAWN, voter.id)
            seen = BackInSight(thing) if roll < 0.1 else GoneFromSight(thing, None)
            acts.append(Act(seen if roll < 0.2 else vote if roll < 0.6 else back, fact_id, now()))
        if thing.id == 1:
            ledger.write(acts)
        else:
            for act in acts:
                ledger.write([act])
    lines = select(ReputationEntry.fact_id, ReputationEntry.kind, ReputationEntry.reversed_by.is_(None))
    first, second = (
        db.session.execute(lines.where(ReputationEntry.object_id == n).order_by(ReputationEntry.id)).all()
        for n in (1, 2)
    )
    assert first == second
    assert len(first) > 20


def test_any_story_adds_up_to_what_stands_at_its_end():
    """Votes, withdrawals, hiding and showing by chance; at the end the points are those of the votes that stand."""
    chance = random.Random(5)
    voters, author = [a_viewer(kind="staff") for _ in range(4)], a_viewer()
    for story in range(6):
        idea, stands, hidden = Thing("idea", story + 1), set(), False
        for fact_id in range(25):
            voter = chance.choice(voters)
            if chance.random() < 0.25:
                seen = BackInSight(idea) if hidden else GoneFromSight(idea, None)
                ledger.write([Act(seen, fact_id, now())])
                hidden = not hidden
            elif voter in stands:
                ledger.write([Act(TakenBack(idea, (Kind.VOTE,), Cause.WITHDRAWN, voter.id), fact_id, now())])
                stands.discard(voter)
            elif not hidden:
                ledger.write([Act(Credit(idea, Kind.VOTE, voter.id, author.id), fact_id, now())])
                stands.add(voter)
        if hidden:
            ledger.write([Act(BackInSight(idea), 99, now())])
        folding.refold([author.id])
        active = select(ReputationEntry.actor_id).where(
            ReputationEntry.object_id == story + 1, ReputationEntry.kind == "vote", ReputationEntry.counted > 0
        )
        room_left = queries.sum_of(author.id).points < 100
        assert {voter.id for voter in stands} == set(db.session.scalars(active)) or not room_left


def test_a_rebuild_from_the_first_fact_gives_the_same():
    author, staff, bea = a_viewer(), a_viewer(kind="staff"), a_viewer(kind="staff", roles=["moderator"])
    idea = an_idea(author)
    for voter in (staff, bea):
        ideas.cast_vote(idea, voter)
    ideas.withdraw_vote(idea, staff)
    ideas.hide(idea, actor=bea)
    ideas.show(idea, actor=bea)
    answer = an_answer(a_question(staff), author)
    support.accept_answer(answer, staff)
    before = points(author), _lines(author)
    assert before[0] > 0
    projections.rebuild(CURSOR)
    assert (points(author), _lines(author)) == before


def _lines(viewer):
    return [(one.kind, one.counted, one.cap, one.reversed_why) for one in queries.ledger_of(viewer.id).items]


def test_a_newcomers_word_counts_from_the_moment_she_is_trusted_retroactively(workers):
    staff, newcomer, author = a_viewer(kind="staff"), a_viewer(), a_viewer()
    idea = an_idea(author)
    written = ideas.cast_vote(idea, newcomer)
    assert written.votes == 1
    others = [a_viewer() for _ in range(3)]
    for other in others:
        ideas.cast_vote(idea, other)
    assert points(author) == 0
    assert _effective(idea) == 2.0
    support.accept_answer(an_answer(a_question(staff), newcomer), staff)
    db.session.commit()
    read_all_facts()
    heard = trust.spread()
    standing.look_at_everybody()
    db.session.commit()
    assert heard[newcomer.id] >= 0.05
    assert db.session.get_one(Member, newcomer.id).trust_level == 1
    assert points(author) == pytest.approx(2 * heard[newcomer.id], abs=1e-3)
    workers.run()
    assert _effective(idea) == pytest.approx(1 + 3**0.5)
    support.unaccept_answer(_answer_of(newcomer), staff)
    db.session.commit()
    read_all_facts()
    trust.spread()
    standing.look_at_everybody()
    assert db.session.get_one(Member, newcomer.id, populate_existing=True).trust_level == 0
    assert queries.sum_of(author.id).points == 0


def _effective(idea):
    return db.session.scalar(text("SELECT effective_votes FROM idea_tally WHERE idea_id = :id"), {"id": idea})


def _answer_of(viewer):
    return db.session.scalar(text("SELECT id FROM answer WHERE author_id = :id"), {"id": viewer.id})


def test_nobody_earns_anything_from_herself():
    author = a_viewer(kind="staff")
    idea = an_idea(author)
    ideas.cast_vote(idea, author)
    assert points(author) == 0
    assert queries.ledger_of(author.id).items == []
    assert list(moves(_AnEvent())) == []


class _AnEvent:
    """Something that the ledger does not read."""


def test_places_are_public_with_people_days_and_trust(committed):
    helper, board = a_viewer(), a_board()
    for n in range(7):
        asker = a_viewer(kind="staff")
        at = now().replace(day=1, hour=12, month=1 + n)
        support.accept_answer(an_answer(a_question(asker, board, at=at), helper, at=at), asker, at=at)
    db.session.commit()
    read_all_facts()
    trust.spread()
    db.session.commit()
    found = queries.sum_of(helper.id)
    assert (found.place, found.ranked, found.people, found.days) == (1, 1, 7, 7)
