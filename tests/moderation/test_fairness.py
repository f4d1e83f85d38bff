"""Who may decide what, what happens when several act at once or one act stands on another, and what nobody may undo."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from portal.ideas import facade as ideas
from portal.ideas import services as idea_services
from portal.kernel.clock import now
from portal.kernel.database import db, transaction
from portal.kernel.errors import Forbidden, Refused
from portal.members.policy import Viewer
from portal.members.privacy.erasing import erase
from portal.moderation import rules
from portal.moderation.models import Appeal, Flag, QueueItem
from portal.moderation.services import appeals, deciding, flags, joining, suspending, voices
from tests.conftest import read_all_facts
from tests.ideas.factories import an_idea
from tests.moderation.factories import a_moderator, a_newcomer, a_viewer
from tests.moderation.test_deciding import flagged_idea, waiting, world


def why(idea: int) -> str | None:
    return db.session.scalar(text("SELECT hidden_why FROM idea WHERE id = :i"), {"i": idea})


def author_of(idea: int) -> Viewer:
    return a_viewer(db.session.scalars(text("SELECT author_id FROM idea WHERE id = :i").bindparams(i=idea)).one())


# Nobody judges her own case


OWN: dict[str, Callable[[Viewer, int], int]] = {
    "approve": lambda who, idea: deciding.approve(who, "idea", idea),
    "hide": lambda who, idea: deciding.hide(who, "idea", idea, reason="abuse"),
    "restore": lambda who, idea: deciding.restore(who, "idea", idea),
    "edit": lambda who, idea: deciding.edit(who, "idea", idea, title="A", body="B"),
    "merge away": lambda who, idea: joining.merge(who, "idea", idea, an_idea()),
    "merge into": lambda who, idea: joining.merge(who, "idea", an_idea(), idea),
    "set aside": lambda who, idea: voices.set_aside(who, "idea", idea),
    "profile": lambda who, _idea: deciding.approve(who, "member", who.id),
}


@pytest.mark.parametrize("act", OWN)
def test_a_moderator_does_not_decide_about_her_own(app: Flask, act: str) -> None:
    moderator = a_moderator()
    idea = an_idea(moderator)
    flags.flag(a_viewer(), "idea", idea, reason="abuse")
    with pytest.raises(Forbidden):
        OWN[act](moderator, idea)
    assert ("idea", idea) in waiting()


def test_a_moderator_does_not_undo_what_was_decided_about_her_own(app: Flask) -> None:
    moderator = a_moderator()
    idea = an_idea(moderator)
    decision = deciding.hide(a_moderator(), "idea", idea, reason="abuse")
    with pytest.raises(Forbidden):
        deciding.undo(decision, moderator)
    appeal = appeals.appeal(moderator, decision, words="It was a joke")
    with pytest.raises(Forbidden):
        appeals.decide(moderator, appeal, granted=True)
    assert why(idea) == "hidden"


def test_who_was_corrected_does_not_overturn_the_correction(app: Flask) -> None:
    idea, _item = flagged_idea()
    first = a_moderator()
    decision = deciding.hide(first, "idea", idea, reason="abuse")
    verdict = appeals.decide(a_moderator(), appeals.appeal(author_of(idea), decision, words="Why?"), granted=True)
    with pytest.raises(Forbidden):
        deciding.undo(verdict, first)
    deciding.undo(verdict, a_moderator())
    assert why(idea) == "hidden"


def test_her_own_flagged_post_says_that_somebody_else_decides(client: FlaskClient) -> None:
    from tests.factories import sign_in

    moderator = a_moderator()
    idea = an_idea(moderator)
    flags.flag(a_viewer(), "idea", idea, reason="abuse")
    db.session.commit()
    sign_in(client, moderator.id)
    for page in ("/staff/moderation", f"/staff/moderation/idea/{idea}"):
        answer = client.get(page).get_data(as_text=True)
        assert "another moderator decides it" in answer
        assert f"/staff/moderation/idea/{idea}/approve" not in answer


# Acts on top of others


def test_granting_an_appeal_leaves_what_was_decided_later_as_it_is(app: Flask) -> None:
    idea, _item = flagged_idea()
    first = deciding.hide(a_moderator(), "idea", idea, reason="off_topic")
    deciding.restore(a_moderator(), "idea", idea)
    second = deciding.hide(a_moderator(), "idea", idea, reason="private")
    appeals.decide(a_moderator(), appeals.appeal(author_of(idea), first, words="Why?"), granted=True)
    assert why(idea) == "hidden"
    deciding.undo(second, a_moderator())
    assert why(idea) is None


def test_granting_an_appeal_against_one_suspension_does_not_end_another(app: Flask) -> None:
    rude = a_viewer()
    first = suspending.suspend(a_moderator(), rude.id, term="week", reason="off_topic")
    second = suspending.suspend(a_moderator(), rude.id, term="quarter", reason="abuse")
    appeals.decide(a_moderator(), appeals.appeal(rude, first, words="Why?"), granted=True)
    running = suspending.current(rude.id)
    assert running is not None
    assert running.decision_id == second
    assert a_viewer(rude.id).suspended
    deciding.undo(second, a_moderator())
    assert not a_viewer(rude.id).suspended
    assert suspending.current(rude.id) is None


def test_two_suspensions_are_undone_one_after_the_other(app: Flask) -> None:
    rude = a_viewer()
    first = suspending.suspend(a_moderator(), rude.id, term="month", reason="off_topic")
    second = suspending.suspend(a_moderator(), rude.id, term="day", reason="abuse")
    with pytest.raises(Refused):
        deciding.undo(first, a_moderator())
    deciding.undo(second, a_moderator())
    running = suspending.current(rude.id)
    assert running is not None
    assert running.decision_id == first
    deciding.undo(first, a_moderator())
    assert suspending.current(rude.id) is None


def test_lifting_and_undoing_it_leaves_the_suspensions_as_they_were(app: Flask) -> None:
    rude = a_viewer()
    suspending.suspend(a_moderator(), rude.id, term="month", reason="off_topic")
    suspending.suspend(a_moderator(), rude.id, term="week", reason="abuse")
    before = world()
    lifted = suspending.lift(a_moderator(), rude.id)
    assert suspending.current(rude.id) is None
    deciding.undo(lifted, a_moderator())
    assert world() == before


def test_undoing_a_suspension_that_has_ended_changes_nothing_but_the_record(app: Flask) -> None:
    rude = a_viewer()
    decision = suspending.suspend(a_moderator(), rude.id, term="day", reason="abuse")
    db.session.execute(
        text("UPDATE member SET suspended_until = now() - interval '1 hour' WHERE suspended_until > now()")
    )
    db.session.execute(text("UPDATE suspension SET until = now() - interval '1 hour'"))
    db.session.expire_all()
    deciding.undo(decision, a_moderator())
    assert not a_viewer(rude.id).suspended


def test_an_appeal_that_waits_is_granted_when_the_decision_is_undone(app: Flask) -> None:
    idea, _item = flagged_idea()
    decision = deciding.hide(a_moderator(), "idea", idea, reason="abuse")
    appeals.appeal(author_of(idea), decision, words="Why?")
    deciding.undo(decision, a_moderator())
    made = db.session.scalars(select(Appeal)).one()
    assert (made.granted, made.closed_at is not None) == (True, True)
    assert waiting() == [("idea", idea)]


def test_a_merge_that_was_built_upon_is_undone_after_what_stands_on_it(app: Flask) -> None:
    one, two, three = an_idea(), an_idea(), an_idea()
    ideas.cast_vote(one, a_viewer())
    first = joining.merge(a_moderator(), "idea", one, two)
    second = joining.merge(a_moderator(), "idea", two, three)
    ideas.cast_vote(three, a_viewer())
    with pytest.raises(Refused):
        deciding.undo(first, a_moderator())
    for decision in (second, first):
        deciding.undo(decision, a_moderator())
    counts = [
        db.session.scalar(text("SELECT votes FROM idea_tally WHERE idea_id = :i"), {"i": i}) for i in (one, two, three)
    ]
    assert counts == [1, 0, 1]
    assert ideas.first_bad_entry() is None


# What is not theirs to show


def test_what_its_author_took_back_is_not_shown_by_any_decision(app: Flask) -> None:
    newcomer = a_newcomer()
    idea = an_idea(newcomer)
    assert why(idea) == "held"
    ideas.hide(idea, actor=newcomer)
    deciding.approve(a_moderator(), "idea", idea)
    assert why(idea) == "author"
    with pytest.raises(Refused):
        deciding.restore(a_moderator(), "idea", idea)


def test_undoing_does_not_bring_back_what_its_author_took_back_since(app: Flask) -> None:
    newcomer = a_newcomer()
    idea = an_idea(newcomer)
    decision = deciding.approve(a_moderator(), "idea", idea)
    ideas.hide(idea, actor=newcomer)
    deciding.undo(decision, a_moderator())
    assert why(idea) == "author"


def test_what_is_erased_leaves_the_queue(app: Flask) -> None:
    author = a_viewer()
    idea = an_idea(author)
    flags.flag(a_viewer(), "idea", idea, reason="abuse")
    flags.flag(a_viewer(), "member", author.id, reason="abuse")
    erase(author.id, texts=True)
    assert waiting() == []


def test_what_is_hidden_already_is_not_hidden_again_under_another_name(app: Flask) -> None:
    idea = an_idea()
    deciding.hide(a_moderator(), "idea", idea, reason="abuse")
    with pytest.raises(Refused):
        deciding.hide(a_moderator(), "idea", idea, reason="spam")


# Flags


def test_many_flags_alone_hide_nothing(app: Flask) -> None:
    idea = an_idea()
    for _ in range(30):
        flags.flag(a_newcomer(), "idea", idea, reason="spam")
    assert why(idea) is None
    assert waiting() == [("idea", idea)]


def test_what_was_answered_is_flagged_anew_only_when_it_says_something_else(app: Flask) -> None:
    author, one = a_viewer(), a_viewer()
    idea = an_idea(author)
    first = flags.flag(one, "idea", idea, reason="abuse")
    deciding.approve(a_moderator(), "idea", idea)
    with pytest.raises(Refused):
        flags.flag(one, "idea", idea, reason="abuse")
    db.session.execute(text("UPDATE flag SET closed_at = closed_at - interval '1 minute'"))
    db.session.expire_all()
    idea_services.edit_idea(idea, author, title="Now with insults", body="So there.")
    assert flags.flag(one, "idea", idea, reason="abuse") == first
    assert waiting() == [("idea", idea)]


def test_flags_at_once_are_one_item_and_two_clicks_one_flag(committed: Flask) -> None:
    idea, people = an_idea(), [a_viewer() for _ in range(4)]
    db.session.commit()
    start, troubles = threading.Barrier(8), []

    def click(who: Viewer) -> None:
        with committed.app_context():
            start.wait()
            try:
                with transaction():
                    flags.flag(who, "idea", idea, reason="abuse")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what the test is about
                troubles.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=click, args=(who,)) for who in people for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert db.session.query(Flag).count() == 4
    assert db.session.scalars(select(QueueItem)).one().why == {"flags": {"abuse": 4}}


def test_two_moderators_who_hide_at_once_leave_one_decision(committed: Flask) -> None:
    idea, people = an_idea(), [a_moderator() for _ in range(4)]
    db.session.commit()
    start, done = threading.Barrier(4), []

    def hide(who: Viewer) -> None:
        with committed.app_context():
            start.wait()
            try:
                with transaction():
                    done.append(deciding.hide(who, "idea", idea, reason="abuse"))
            except Refused:
                pass
            finally:
                db.session.remove()

    threads = [threading.Thread(target=hide, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1
    deciding.undo(done[0], a_moderator())
    assert why(idea) is None


# Many new voters on one idea


def crowd(idea: int, count: int) -> list[Viewer]:
    """Let so many new accounts vote, in a community of older ones."""
    came = [a_newcomer(verified=True) for _ in range(count)]
    for one in came:
        ideas.cast_vote(idea, one)
    db.session.commit()
    read_all_facts()
    return came


def an_old_community() -> None:
    old = [a_viewer(verified=True) for _ in range(60)]
    past = text("UPDATE member SET joined_at = now() - interval '1 year' WHERE id = ANY(:i)")
    db.session.execute(past, {"i": [one.id for one in old]})
    db.session.commit()


def test_many_new_voters_on_one_idea_are_told_to_moderators_and_set_aside_by_one_act(committed: Flask) -> None:
    an_old_community()
    author = a_viewer()
    idea = an_idea(author)
    crowd(idea, 9)
    assert waiting() == []
    crowd(idea, 1)
    item = db.session.scalars(select(QueueItem)).one()
    assert (item.target_id, item.why) == (idea, {"voters": 10})
    ideas.cast_vote(idea, a_viewer(verified=True))
    decision = voices.set_aside(a_moderator(), "idea", idea, words="They came together.", item_id=item.id)
    figures = text("SELECT votes, effective_votes FROM idea_tally WHERE idea_id = :i")
    assert tuple(db.session.execute(figures, {"i": idea}).one()) == (11, 1)
    assert (waiting(), ideas.first_bad_entry()) == ([], None)
    db.session.commit()
    appeal = appeals.appeal(author, decision, words="They are my choir.")
    appeals.decide(a_moderator(), appeal, granted=True)
    assert db.session.execute(figures, {"i": idea}).one().effective_votes == pytest.approx(1 + 3 + 7**0.5)


def test_a_crowd_that_was_looked_at_is_told_of_again_when_it_has_doubled(committed: Flask) -> None:
    an_old_community()
    idea = an_idea(a_viewer())
    crowd(idea, 10)
    deciding.approve(a_moderator(), "idea", idea)
    db.session.commit()
    crowd(idea, 9)
    assert waiting() == []
    crowd(idea, 1)
    assert waiting() == [("idea", idea)]


def test_in_a_community_that_has_just_opened_new_voters_are_no_news(committed: Flask) -> None:
    idea = an_idea(a_viewer())
    crowd(idea, 12)
    assert waiting() == []


def test_votes_of_a_spam_account_count_nothing_until_that_is_undone(app: Flask) -> None:
    idea, spammer = an_idea(), a_viewer(verified=True)
    ideas.cast_vote(idea, spammer)
    ideas.cast_vote(idea, a_viewer(verified=True))
    figure = text("SELECT effective_votes FROM idea_tally WHERE idea_id = :i")
    decision = suspending.purge(a_moderator(), spammer.id)
    assert db.session.scalar(figure, {"i": idea}) == 1
    deciding.undo(decision, a_moderator())
    assert db.session.scalar(figure, {"i": idea}) == 2


def test_nothing_of_it_silences_for_good(app: Flask) -> None:
    """What is set aside counts from the moment people we know trust the voter."""
    idea = an_idea()
    voters = [a_newcomer(verified=True) for _ in range(12)]
    for one in voters:
        ideas.cast_vote(idea, one)
    voices.set_aside(a_moderator(), "idea", idea)
    idea_services.trust_votes(voters[0].id)
    figure = text("SELECT effective_votes FROM idea_tally WHERE idea_id = :i")
    assert db.session.scalar(figure, {"i": idea}) == 1
    assert rules.urgency({"voters": 16}, opened_at=now()) > rules.urgency({}, opened_at=now() - timedelta(hours=11))
