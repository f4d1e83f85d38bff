"""Flags, decisions and their undoing: every act leaves the world as it was once it is undone."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.community import facade as community
from portal.ideas import facade as ideas
from portal.ideas import lists
from portal.ideas import services as idea_services
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused, TooMany
from portal.kernel.outbox import Fact
from portal.members.policy import NOBODY
from portal.members.services import audit
from portal.moderation import rules
from portal.moderation.models import Flag, QueueItem, SpamVerdict, SpamWord, Suspension
from portal.moderation.services import appeals, deciding, flags, joining, queue, rooms, suspending, voices
from portal.support import services as support_services
from tests.ideas.factories import a_board, an_idea
from tests.moderation.factories import a_moderator, a_newcomer, a_viewer
from tests.support.factories import a_board as a_help_board
from tests.support.factories import a_question, an_answer

STATE = (
    "SELECT id, title, body, board_id, hidden_why, merged_into_id FROM idea ORDER BY id",
    "SELECT id, title, body, board_id, hidden_why, merged_into_id FROM question ORDER BY id",
    "SELECT id, body, board_id, hidden_why FROM answer ORDER BY id",
    "SELECT id, body, board_id, hidden_why, target_kind, target_id FROM comment ORDER BY id",
    "SELECT idea_id, board_id, stage, listed, votes, effective_votes, comments FROM idea_tally ORDER BY idea_id",
    "SELECT question_id, board_id, answers, by_others, accepted_id, same_problem FROM question_tally ORDER BY question_id",
    "SELECT board_id, facet, key, ideas FROM idea_count WHERE ideas > 0 ORDER BY 1, 2, 3",
    "SELECT idea_id, member_id, kind FROM vote ORDER BY 1, 2",
    "SELECT question_id, member_id FROM same_problem ORDER BY 1, 2",
    # Who writes follows it from the moment it can be seen; while it waits that means nothing.
    """SELECT member_id, target_kind, target_id FROM follow WHERE NOT EXISTS (SELECT FROM idea WHERE id = target_id
    AND target_kind = 'idea' AND author_id = member_id AND hidden_why = 'held') ORDER BY 1, 2, 3""",
    "SELECT id, suspended_until FROM member WHERE suspended_until IS NOT NULL ORDER BY id",
    "SELECT id, outcome, withdrawn_at FROM flag ORDER BY id",
    "SELECT id, closed_at IS NULL FROM moderation_item ORDER BY id",
    "SELECT target_kind, target_id, spam FROM spam_verdict ORDER BY 1, 2",
    "SELECT id, decision_id FROM suspension WHERE lifted_at IS NULL AND until > now() ORDER BY id",
    "SELECT idea_id, member_id FROM vote_aside ORDER BY 1, 2",
)


def world() -> list[Any]:
    """Return everything that an act may change."""
    db.session.flush()
    return [[tuple(row) for row in db.session.execute(text(one))] for one in STATE]


def told(*names: str) -> list[str]:
    return list(db.session.scalars(select(Fact.name).where(Fact.name.in_(names)).order_by(Fact.id)))


def waiting() -> list[tuple[str, int]]:
    rows = db.session.scalars(select(QueueItem).filter_by(closed_at=None).order_by(QueueItem.urgency.desc()))
    return [(row.target_kind, row.target_id) for row in rows]


# Flags


def test_a_member_flags_a_thing_once_and_it_waits_once(app: Flask) -> None:
    idea, one, two = an_idea(), a_viewer(), a_viewer()
    first = flags.flag(one, "idea", idea, reason="spam")
    assert flags.flag(one, "idea", idea, reason="abuse") == first
    flags.flag(two, "idea", idea, reason="abuse")
    assert waiting() == [("idea", idea)]
    assert db.session.scalars(select(QueueItem)).one().why == {"flags": {"abuse": 2}}
    assert told("ContributionFlagged") == ["ContributionFlagged"] * 2


def test_a_flag_taken_back_takes_the_thing_out_of_the_queue(app: Flask) -> None:
    idea, one = an_idea(), a_viewer()
    flag = flags.flag(one, "idea", idea, reason="spam")
    with pytest.raises(NotFound):
        flags.withdraw(a_viewer(), flag)
    flags.withdraw(one, flag)
    assert waiting() == []
    flags.flag(one, "idea", idea, reason="spam")
    assert waiting() == [("idea", idea)]


def test_what_cannot_be_flagged(app: Flask) -> None:
    author, one = a_viewer(), a_viewer()
    idea = an_idea(author)
    with pytest.raises(Refused):
        flags.flag(author, "idea", idea, reason="spam")
    with pytest.raises(Invalid):
        flags.flag(one, "idea", idea, reason="boring")
    with pytest.raises(Invalid):
        flags.flag(one, "idea", idea, reason="other")
    with pytest.raises(NotFound):
        flags.flag(one, "idea", 10**9, reason="spam")
    with pytest.raises(NotFound):
        flags.flag(one, "workspace", 1, reason="spam")
    ideas.hide(idea, actor=a_moderator())
    with pytest.raises(NotFound):
        flags.flag(one, "idea", idea, reason="spam")
    restricted = an_idea(a_viewer(kind="staff"), a_board(audience="kinds:staff"))
    with pytest.raises(NotFound):
        flags.flag(one, "idea", restricted, reason="spam")


def test_profiles_can_be_flagged(app: Flask) -> None:
    rude = a_viewer()
    flags.flag(a_viewer(), "member", rude.id, reason="abuse")
    assert waiting() == [("member", rude.id)]


def test_who_is_often_wrong_may_flag_less(app: Flask) -> None:
    assert rules.flags_a_day([]) == rules.FLAGS_A_DAY
    assert rules.flags_a_day(["rejected"] * 20) == rules.FEWEST_FLAGS
    assert rules.flags_a_day(["upheld"] * 20) == rules.FLAGS_A_DAY
    one, author, board = a_viewer(), a_viewer(), a_board()
    for _ in range(rules.FLAGS_A_DAY):
        flags.flag(one, "idea", an_idea(author, board), reason="spam")
    with pytest.raises(TooMany):
        flags.flag(one, "idea", an_idea(author, board), reason="spam")


def test_private_data_come_before_duplicates_and_nothing_waits_for_ever(app: Flask) -> None:
    twice, private = an_idea(), an_idea()
    flags.flag(a_viewer(), "idea", twice, reason="duplicate")
    flags.flag(a_viewer(), "idea", private, reason="private")
    assert waiting() == [("idea", private), ("idea", twice)]
    db.session.execute(
        text("UPDATE moderation_item SET opened_at = opened_at - interval '30 days' WHERE target_id = :i"), {"i": twice}
    )
    db.session.flush()
    db.session.expire_all()
    flags.flag(a_viewer(), "idea", twice, reason="duplicate")
    assert waiting() == [("idea", twice), ("idea", private)]


# Decisions


def flagged_idea(*, reason: str = "abuse") -> tuple[int, int]:
    """Return an idea that somebody flagged, and its item."""
    idea = an_idea()
    flags.flag(a_viewer(), "idea", idea, reason=reason)
    return idea, db.session.scalars(select(QueueItem.id).filter_by(target_id=idea, target_kind="idea")).one()


def test_hiding_takes_it_out_of_sight_answers_flags_and_is_written_down(app: Flask) -> None:
    idea, item = flagged_idea()
    moderator = a_moderator()
    decision = deciding.hide(moderator, "idea", idea, reason="abuse", words="Be kind.", item_id=item)
    assert db.session.scalars(text("SELECT hidden_why FROM idea WHERE id = :i").bindparams(i=idea)).one() == "hidden"
    assert waiting() == []
    assert told("FlagsAnswered", "ContributionHidden") == ["ContributionHidden", "FlagsAnswered"]
    assert db.session.scalars(select(Flag.outcome)).one() == "upheld"
    entry = audit.entries(act="moderation.hide")[0]
    assert (entry.actor_id, entry.subject_id, entry.details) == (
        moderator.id, idea, {"decision": decision, "reason": "abuse"},
    )  # fmt: skip


def test_only_moderators_decide(app: Flask) -> None:
    idea, _item = flagged_idea()
    for viewer in (a_viewer(), a_viewer(kind="staff", roles=["support_agent"])):
        with pytest.raises(Forbidden):
            deciding.hide(viewer, "idea", idea, reason="abuse")
        with pytest.raises(Forbidden):
            suspending.suspend(viewer, a_viewer().id, term="day", reason="abuse")


def test_the_second_of_two_moderators_is_told_who_was_quicker(app: Flask) -> None:
    idea, item = flagged_idea()
    deciding.hide(a_moderator(name="Marta Bosco"), "idea", idea, reason="abuse", item_id=item)
    with pytest.raises(Refused, match="Marta Bosco was quicker"):
        deciding.approve(a_moderator(), "idea", idea, item_id=item)
    assert db.session.scalars(text("SELECT hidden_why FROM idea WHERE id = :i").bindparams(i=idea)).one() == "hidden"


def test_who_opens_an_item_sees_who_else_has_it_open(app: Flask) -> None:
    _idea, item = flagged_idea()
    one, two = a_moderator(), a_moderator()
    assert queue.look_at(item, actor_id=one.id) is None
    assert queue.look_at(item, actor_id=one.id) is None
    assert queue.look_at(item, actor_id=two.id) == one.id


# Undoing


def hide_it(moderator: Any, things: dict[str, int]) -> int:
    return deciding.hide(moderator, "idea", things["idea"], reason="abuse", words="Why")


ACTS = {
    "approve a flagged one": lambda m, t: deciding.approve(m, "idea", t["idea"]),
    "approve a held one": lambda m, t: deciding.approve(m, "idea", t["held"]),
    "hide": hide_it,
    "hide a question": lambda m, t: deciding.hide(m, "question", t["question"], reason="off_topic"),
    "hide an answer": lambda m, t: deciding.hide(m, "answer", t["answer"], reason="private"),
    "hide a comment": lambda m, t: deciding.hide(m, "comment", t["comment"], reason="abuse"),
    "hide a held one": lambda m, t: deciding.hide(m, "idea", t["held"], reason="off_topic"),
    "spam": lambda m, t: deciding.hide(m, "idea", t["idea"], reason="spam"),
    "restore": lambda m, t: deciding.restore(m, "idea", t["hidden"]),
    "rephrase": lambda m, t: deciding.rephrase(m, "idea", t["idea"], words="Please name the yarn."),
    "edit": lambda m, t: deciding.edit(m, "idea", t["idea"], title="Other", body="Words", words="A name"),
    "edit an answer": lambda m, t: deciding.edit(m, "answer", t["answer"], title="", body="Other words"),
    "edit a comment": lambda m, t: deciding.edit(m, "comment", t["comment"], title="", body="Other words"),
    "edit a question": lambda m, t: deciding.edit(m, "question", t["question"], title="Other", body="Words"),
    "suspend": lambda m, t: suspending.suspend(m, t["author"], term="week", reason="abuse"),
    "suspend again": lambda m, t: suspending.suspend(m, t["suspended"], term="month", reason="abuse"),
    "lift": lambda m, t: suspending.lift(m, t["suspended"]),
    "purge": lambda m, t: suspending.purge(m, t["author"]),
    "set voices aside": lambda m, t: voices.set_aside(m, "idea", t["twin"]),
    "move an idea": lambda m, t: rooms.move(m, "idea", t["idea"], t["other_board"]),
    "move a question": lambda m, t: rooms.move(m, "question", t["question"], t["other_help_board"]),
    "split a comment": lambda m, t: rooms.split(m, "comment", t["comment"], board="other-yarns", title="On its own"),
    "split an answer": lambda m, t: rooms.split(m, "answer", t["answer"], board="other-help", title="On its own"),
    "merge ideas": lambda m, t: joining.merge(m, "idea", t["idea"], t["twin"]),
    "merge questions": lambda m, t: joining.merge(m, "question", t["question"], t["twin_question"]),
}


def a_village() -> dict[str, int]:
    """Make a place in which every act finds something to act on."""
    author, newcomer, rude = a_viewer(), a_newcomer(), a_viewer()
    board, help_board = a_board(), a_help_board()
    idea, hidden = an_idea(author, board), an_idea(author, board)
    held = an_idea(newcomer, board)
    question = a_question(author, help_board)
    answer = an_answer(question, author)
    comment = idea_services.comment_on_idea(idea, author, body="I knit, too")
    ideas.cast_vote(idea, a_viewer())
    ideas.hide(hidden, actor=a_moderator())
    flags.flag(a_viewer(), "idea", idea, reason="abuse")
    suspending.suspend(a_moderator(), rude.id, term="day", reason="abuse")
    twin, twin_question = an_idea(a_viewer(), board), a_question(a_viewer(), help_board)
    both = a_viewer()
    for one in (idea, twin):
        ideas.cast_vote(one, both)
    idea_services.comment_on_idea(twin, a_viewer(), body="Me too")
    support_services.same_problem(question, a_viewer())
    an_answer(twin_question)
    others = {
        name: community.board_by_key(NOBODY, key).id
        for name, key in (
            ("other_board", a_board("other-yarns")),
            ("other_help_board", a_help_board("other-help")),
        )
    }
    made: dict[str, int] = {
        **others,
        "twin": twin,
        "twin_question": twin_question,
        "idea": idea,
        "hidden": hidden,
        "held": held,
        "question": question,
        "answer": answer,
        "comment": comment,
    }
    for _ in range(4):
        ideas.cast_vote(twin, a_newcomer(verified=True))
    ideas.cast_vote(twin, author)
    db.session.commit()
    return {**made, "author": author.id, "suspended": rude.id}


@pytest.mark.parametrize("act", ACTS)
def test_every_act_is_undone_exactly(app: Flask, act: str) -> None:
    made = a_village()
    moderator = a_moderator()
    before = world()
    decision = ACTS[act](moderator, made)
    db.session.flush()
    db.session.expire_all()
    if act != "rephrase":
        assert world() != before
    deciding.undo(decision, a_moderator())
    db.session.flush()
    db.session.expire_all()
    after = world()
    if act.startswith("split"):
        # What was made stays as a row that nobody sees; all that was there before is as it was.
        after = [[row for row in rows if row in kept] for rows, kept in zip(after, before, strict=True)]
    assert after == before
    with pytest.raises(Refused):
        deciding.undo(decision, moderator)


def test_what_was_approved_wrongly_is_held_again_and_told_once(app: Flask) -> None:
    held = a_village()["held"]
    posted = len(told("IdeaPosted"))
    decision = deciding.approve(a_moderator(), "idea", held)
    assert len(told("IdeaPosted")) == posted + 1
    deciding.undo(decision, a_moderator())
    assert ("idea", held) in waiting()
    deciding.approve(a_moderator(), "idea", held)
    assert len(told("IdeaPosted")) == posted + 1


def test_a_decision_with_a_later_one_on_top_is_undone_after_it(app: Flask) -> None:
    idea, _item = flagged_idea()
    first = deciding.hide(a_moderator(), "idea", idea, reason="abuse")
    second = deciding.restore(a_moderator(), "idea", idea)
    with pytest.raises(Refused, match="later decision"):
        deciding.undo(first, a_moderator())
    deciding.undo(second, a_moderator())
    deciding.undo(first, a_moderator())
    assert db.session.scalars(text("SELECT hidden_why FROM idea WHERE id = :i").bindparams(i=idea)).one() is None


def test_old_decisions_stand(app: Flask) -> None:
    idea, _item = flagged_idea()
    decision = deciding.hide(a_moderator(), "idea", idea, reason="abuse")
    db.session.execute(text("UPDATE moderation_decision SET at = at - interval '31 days'"))
    db.session.flush()
    db.session.expire_all()
    with pytest.raises(Refused, match="30 days"):
        deciding.undo(decision, a_moderator())


# Suspension


def test_a_suspension_ends_by_itself_and_says_its_term(app: Flask) -> None:
    rude = a_viewer()
    suspending.suspend(a_moderator(), rude.id, term="week", reason="abuse", words="Twice")
    found = suspending.current(rude.id)
    assert found is not None
    assert (found.reason, found.words) == ("abuse", "Twice")
    assert a_viewer(rude.id).suspended
    db.session.execute(
        text("UPDATE member SET suspended_until = now() - interval '1 second' WHERE id = :i"), {"i": rude.id}
    )
    db.session.execute(text("UPDATE suspension SET until = now() - interval '1 second'"))
    db.session.flush()
    db.session.expire_all()
    assert not a_viewer(rude.id).suspended
    assert suspending.current(rude.id) is None


def test_who_cannot_be_suspended(app: Flask) -> None:
    moderator, admin = a_moderator(), a_viewer(kind="staff", roles=["admin"])
    for who in (moderator.id, admin.id, a_moderator().id):
        with pytest.raises(Forbidden):
            suspending.suspend(moderator, who, term="day", reason="abuse")
    with pytest.raises(Invalid):
        suspending.suspend(moderator, a_viewer().id, term="an age", reason="abuse")
    suspending.suspend(admin, moderator.id, term="day", reason="abuse")


def test_everything_of_a_spam_account_goes_in_one_act(app: Flask) -> None:
    made = a_village()
    suspending.purge(a_moderator(), made["author"])
    place = community.boards_for(NOBODY, "ideas")
    wish = lists.Wish(boards=[one.id for one in place], sort=ideas.Sort.NEWEST)
    assert [row.id for row in lists.ideas_for(NOBODY, wish).items] == [made["twin"]]
    hidden = text("SELECT count(*) FROM {} WHERE author_id = :i AND hidden_why = 'spam'".format("answer"))
    assert db.session.scalar(hidden, {"i": made["author"]}) == 1
    assert db.session.scalars(select(Suspension.reason).filter_by(member_id=made["author"])).one() == "spam"


# Appeals


def test_an_appeal_is_made_once_by_the_author_and_decided_by_somebody_else(app: Flask) -> None:
    idea, _item = flagged_idea()
    first, second = a_moderator(), a_moderator()
    decision = deciding.hide(first, "idea", idea, reason="abuse")
    author = a_viewer(db.session.scalars(text("SELECT author_id FROM idea WHERE id = :i").bindparams(i=idea)).one())
    with pytest.raises(NotFound):
        appeals.appeal(a_viewer(), decision, words="It was not hers")
    appeal = appeals.appeal(author, decision, words="It was a quotation")
    with pytest.raises(Refused, match="once"):
        appeals.appeal(author, decision, words="Again")
    assert waiting() == [("decision", decision)]
    with pytest.raises(Forbidden):
        appeals.decide(first, appeal, granted=False)
    appeals.decide(second, appeal, granted=True, words="You are right.")
    assert db.session.scalars(text("SELECT hidden_why FROM idea WHERE id = :i").bindparams(i=idea)).one() is None
    assert waiting() == []
    with pytest.raises(Refused):
        appeals.decide(a_moderator(), appeal, granted=False)
    assert told("AppealMade", "AppealDecided", "DecisionUndone") == ["AppealMade", "DecisionUndone", "AppealDecided"]


@pytest.mark.parametrize("granted", [True, False])
@pytest.mark.parametrize("act", ["hide", "suspend", "purge", "edit", "spam"])
def test_deciding_an_appeal_can_be_undone_too(app: Flask, act: str, granted: bool) -> None:
    made = a_village()
    decision = ACTS[act](a_moderator(), made)
    appeal = appeals.appeal(a_viewer(made["author"]), decision, words="It was a quotation")
    db.session.flush()
    db.session.expire_all()
    before = [one for n, one in enumerate(world()) if n not in {11, 13}]
    verdict = appeals.decide(a_moderator(), appeal, granted=granted)
    deciding.undo(verdict, a_moderator())
    db.session.flush()
    db.session.expire_all()
    after = [one for n, one in enumerate(world()) if n not in {11, 13}]
    assert after == before
    assert ("decision", decision) in waiting()
    appeals.decide(a_moderator(), appeal, granted=not granted)


def test_the_counts_of_words_return_to_nothing_when_all_is_undone(app: Flask) -> None:
    made = a_village()
    decision = deciding.hide(a_moderator(), "idea", made["idea"], reason="spam")
    assert db.session.scalars(select(SpamVerdict)).one().spam
    deciding.undo(decision, a_moderator())
    left = db.session.scalars(select(SpamWord.spam).where(~SpamWord.word.startswith("*"))).all()
    assert left
    assert max(left) < 1e-6


def test_a_question_of_a_newcomer_is_edited_while_it_waits(app: Flask) -> None:
    newcomer = a_newcomer()
    question = a_question(newcomer)
    support_services.edit_question(question, newcomer, title="How do I dye felt?", body="With onions.")
    assert db.session.scalars(text("SELECT hidden_why FROM question")).one() == "held"


# Merges


def votes(idea: int) -> int:
    return int(db.session.scalar(text("SELECT votes FROM idea_tally WHERE idea_id = :i"), {"i": idea}))


def test_voters_of_merged_ideas_count_once_and_the_ledger_holds(app: Flask) -> None:
    made = a_village()
    assert (votes(made["idea"]), votes(made["twin"])) == (2, 6)
    joining.merge(a_moderator(), "idea", made["idea"], made["twin"])
    assert votes(made["twin"]) == 7
    assert ideas.merged_into(made["idea"]) == made["twin"]
    comments = text("SELECT comments FROM idea_tally WHERE idea_id = :i")
    assert db.session.scalar(comments, {"i": made["twin"]}) == 2
    assert ideas.first_bad_entry() is None
    event = db.session.scalars(select(Fact.payload).filter_by(name="ThingsMerged")).one()
    assert len(event["supporters"]) == 1


def test_who_opts_out_of_a_merge_is_not_counted_there_and_nothing_returns_twice(app: Flask) -> None:
    made = a_village()
    decision = joining.merge(a_moderator(), "idea", made["idea"], made["twin"])
    moved = db.session.scalars(text("SELECT member_id FROM merge_voice")).one()
    with pytest.raises(NotFound):
        joining.opt_out(a_viewer(), decision)
    joining.opt_out(a_viewer(moved), decision)
    joining.opt_out(a_viewer(moved), decision)
    assert votes(made["twin"]) == 6
    deciding.undo(decision, a_moderator())
    assert (votes(made["idea"]), votes(made["twin"])) == (2, 6)
    assert ideas.first_bad_entry() is None


def test_a_vote_given_anew_after_a_merge_is_the_voters_own_and_stays(app: Flask) -> None:
    made = a_village()
    decision = joining.merge(a_moderator(), "idea", made["idea"], made["twin"])
    voter = a_viewer(db.session.scalars(text("SELECT member_id FROM merge_voice")).one())
    ideas.withdraw_vote(made["twin"], voter)
    ideas.cast_vote(made["twin"], voter)
    deciding.undo(decision, a_moderator())
    assert votes(made["twin"]) == 7


def test_after_14_days_the_merge_stands_for_its_supporters(app: Flask) -> None:
    made = a_village()
    decision = joining.merge(a_moderator(), "idea", made["idea"], made["twin"])
    moved = db.session.scalars(text("SELECT member_id FROM merge_voice")).one()
    db.session.execute(text("UPDATE moderation_decision SET at = at - interval '15 days'"))
    db.session.expire_all()
    with pytest.raises(Refused, match="time"):
        joining.opt_out(a_viewer(moved), decision)


def test_what_cannot_be_merged(app: Flask) -> None:
    made, moderator = a_village(), a_moderator()
    for kind, gone, kept in (
        ("idea", made["idea"], made["idea"]),
        ("idea", made["idea"], made["hidden"]),
        ("answer", made["answer"], made["answer"]),
    ):
        with pytest.raises(Invalid):
            joining.merge(moderator, kind, gone, kept)
    joining.merge(moderator, "idea", made["idea"], made["twin"])
    with pytest.raises((Invalid, NotFound)):
        joining.merge(moderator, "idea", made["idea"], made["twin"])


def test_what_few_see_is_not_merged_into_what_more_see(app: Flask) -> None:
    made, moderator = a_village(), a_moderator(roles=["moderator", "admin"])
    author = a_moderator(roles=["moderator", "admin"])
    mills, dyers, shops = (
        an_idea(author, a_board(audience=audience))
        for audience in ("kinds:supplier", "kinds:supplier", "segments:shops")
    )
    for kept in (made["idea"], shops):
        with pytest.raises(Invalid):
            joining.merge(moderator, "idea", mills, kept)
    joining.merge(moderator, "idea", mills, dyers)
    joining.merge(moderator, "idea", made["twin"], dyers)
