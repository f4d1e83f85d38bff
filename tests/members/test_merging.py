"""Two accounts of one person: joined, each thing counts once; parted, all is as it was."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.analytics.services import figures, measuring
from portal.community import facade as community
from portal.crm.services.portraits import portraits
from portal.ideas import facade as ideas
from portal.ideas import services as idea_services
from portal.kernel import personal
from portal.kernel.clock import now
from portal.kernel.database import Model, db
from portal.kernel.errors import Invalid, NotFound, Refused
from portal.kernel.progress import LongRun, Progress
from portal.members import queries, services
from portal.members.founding import add_identity
from portal.members.guests import services as guests
from portal.members.inviting import queries as asked_in
from portal.members.inviting import services as invitations
from portal.members.models import Identity, Member
from portal.members.models.people import MemberMerge
from portal.members.privacy import erasing
from portal.members.queries.joined import merged_members
from portal.members.rules import Purpose
from portal.members.services import audit
from portal.members.services.merging import merge_members, moving, unmerge_members
from portal.support import facade as support
from portal.support import services as support_services
from tests.conftest import Workers
from tests.factories import a_board, a_member, a_viewer, an_idea
from tests.support.factories import a_board as a_help_board
from tests.support.factories import a_question, an_answer

RECORDS = {
    "activity", "promise", "vote_entry", "audit_entry", "audit_head", "member_merge",
    "member_merge_row", "projection_cursor",
    "member_session", "long_run", "search_word", "search_term", "impression", "day_salt", "crm_wanted",
    "reputation_entry", "trust_spread", "notification", "notification_cause", "member_bell", "notice_mail",
}  # fmt: skip
"""Tables that only grow, or say how far somebody has read: no figures."""
OF_THE_MOMENT = {"changed_at", "ledger_seq", "ledger_hash", "rising_seq"}
STAMPED = {
    "expertise": {"at"}, "participation_report": {"at"}, "routing_board": {"learned_to"}, "answer_thanks": {"at"},
    "member_trust": {"at"}, "trust_standing": {"since"}, "reputation": {"folded_at"}, "search_entry": {"id"},
}  # fmt: skip
"""Columns that say when a row was worked out, or number it anew."""


def everything(workers: Workers) -> dict[str, list[Any]]:
    """Return what stands in every table, but for records of what happened and the moments at which it was written."""
    for _ in range(2):  # what is worked out leads to facts of its own: levels, for instance
        progress = LongRun(kind="test", state="running")
        db.session.add(progress)
        db.session.commit()
        measuring.measure(Progress(progress.id))
        workers.run()
    figures.refresh_all()
    db.session.commit()
    found = {}
    for name, table in Model.metadata.tables.items():
        if name in RECORDS:
            continue
        skipped = OF_THE_MOMENT | STAMPED.get(name, set())
        columns = [column for column in table.columns if column.name not in skipped]
        rows = [tuple(_round(value) for value in row) for row in db.session.execute(select(*columns))]
        if name in {"member_day", "idea_day"}:
            rows = [row for row in rows if row[-1] != 0]
        if name == "reputation":
            rows = [row for row in rows if any(row[1:])]  # nothing at all is as good as no row
        found[name] = sorted(rows, key=repr)
    people = db.session.scalars(select(Member.id)).all()
    found["contacts"] = sorted(
        ((one.subject_id, sorted(one.values.items())) for one in portraits("contact", people, site="").values()),
        key=repr,
    )
    found["part in ideas"] = sorted(ideas.member_figures(people).items(), key=repr)
    found["part in support"] = sorted(support.figures(people).items(), key=repr)
    db.session.rollback()
    return found


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, dict):
        return {key: _round(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        return [_round(one) for one in value]
    return value


def differences(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> dict[str, tuple[list[Any], list[Any]]]:
    """Return by table what was there and is not, and what is there and was not."""
    return {
        name: ([row for row in before[name] if row not in rows], [row for row in rows if row not in before[name]])
        for name, rows in after.items()
        if rows != before[name]
    }


class Two:
    """Two accounts with everything in common that two accounts can have."""

    def __init__(self) -> None:
        month = now() - timedelta(days=30)
        self.kept = a_viewer(email="ada@example.org", verified=True, joined_at=month)
        self.gone = a_viewer(email="ada@example.com")
        self.other = a_viewer(verified=True)
        services.create_member(email="staff@example.org", name="Bea", kind="staff", roles=["admin"], verified=True)
        add_identity(self.gone.id, "mastodon", "@ada@example.social", verified=True, evidence="signed post")
        db.session.commit()
        self.board, self.help = a_board(), a_help_board()
        self.vote()
        self.write()
        self.ask()

    def vote(self) -> None:
        """Vote on ideas: both, one, the other, on a closed and on a hidden one."""
        self.hers = an_idea(self.gone, self.board, title="Yarn of nettles")
        self.kepts = an_idea(self.kept, self.board, title="Yarn of hemp")
        self.both, self.only, self.closed, self.hidden, self.mine = (
            an_idea(self.other, self.board, title=f"Small cones {n}") for n in range(5)
        )
        week = timedelta(days=7)
        for idea_id in (self.both, self.only, self.closed, self.hidden):
            ideas.cast_vote(idea_id, self.gone, at=now() - week)
        for idea_id in (self.both, self.mine):
            ideas.cast_vote(idea_id, self.kept, at=now() - 2 * week)
        ideas.cast_vote(self.both, self.other)
        staff = queries.viewer_of(queries.member_id_by_email("staff@example.org") or 0)
        idea_services.set_stage(self.closed, staff, stage="declined", answer="We cannot.", reason_code="cost")
        idea_services.set_stage(self.hers, staff, stage="planned", answer="We shall.")
        ideas.hide(self.hidden, actor=staff)
        community.follow(self.gone.id, "idea", self.mine)
        community.follow(self.gone.id, "idea", self.both)
        community.follow(self.kept.id, "idea", self.both)
        db.session.commit()

    def write(self) -> None:
        """Comment, one reply to the other included."""
        first = ideas.comment_on_idea(self.both, self.kept, body="Yes, small ones.")
        ideas.comment_on_idea(self.both, self.gone, body="Small ones, yes.", parent_id=first)
        ideas.comment_on_idea(self.hers, self.gone, body="It grows by itself.")
        db.session.commit()

    def ask(self) -> None:
        """Ask and answer, each other included; thank, accept, have the same problem."""
        self.question = a_question(self.kept, self.help)
        self.others_question = a_question(self.other, self.help, title="Which needle for hemp?")
        self.own_answer = an_answer(self.question, self.gone)
        self.accepted = an_answer(self.others_question, self.gone)
        self.helpful = an_answer(self.others_question, self.other, body="Four millimetres.")
        support_services.accept_answer(self.own_answer, self.kept)
        support_services.accept_answer(self.accepted, self.other)
        support_services.vote_answer(self.own_answer, self.kept, value=1)
        support_services.vote_answer(self.own_answer, self.other, value=1)
        third = an_answer(self.question, self.other, body="Wash it cold.")
        for viewer in (self.kept, self.gone):
            support_services.vote_answer(third, viewer, value=1)
        self.third = third
        support_services.same_problem(self.question, self.gone)
        support_services.same_problem(self.others_question, self.gone)
        support_services.same_problem(self.others_question, self.kept)
        db.session.commit()

    def join(self) -> int:
        """Join them."""
        merge_id = merge_members(self.kept.id, self.gone.id, actor_id=None, evidence="She wrote to us from both.")
        db.session.commit()
        return merge_id


def tally(idea_id: int) -> tuple[int, float]:
    row = db.session.execute(
        text("SELECT votes, effective_votes FROM idea_tally WHERE idea_id = :id"), {"id": idea_id}
    ).one()
    return row.votes, round(row.effective_votes, 6)


def value(statement: str, **bound: Any) -> Any:
    return db.session.scalar(text(statement), bound)


def test_joined_accounts_count_once_and_parting_restores_every_figure(committed: Flask, workers: Workers) -> None:
    two = Two()
    workers.run()
    before = everything(workers)
    merge_id = two.join()
    workers.run()
    joined = everything(workers)
    assert joined != before
    assert ideas.first_bad_entry() is None
    assert tally(two.both)[0] == 2  # one person's vote, and another's
    assert tally(two.only) == (1, 1.0)  # the kept account is known: the vote is no fresh one any more
    assert tally(two.closed)[0] == 1
    assert ideas.member_figures([two.kept.id])[two.kept.id].votes_given == 5
    assert ideas.member_figures([two.gone.id])[two.gone.id].votes_given == 0
    assert ideas.idea_page(two.other, two.hers).author_id == two.kept.id
    assert value("SELECT count(*) FROM comment WHERE author_id = :id", id=two.kept.id) == 3
    assert value("SELECT same_problem FROM question_tally WHERE question_id = :id", id=two.question) == 0
    assert value("SELECT same_problem FROM question_tally WHERE question_id = :id", id=two.others_question) == 1
    assert value("SELECT by_others FROM question_tally WHERE question_id = :id", id=two.question) == 1
    assert value("SELECT helped FROM answer_tally WHERE answer_id = :id", id=two.own_answer) == 1
    assert value("SELECT helped FROM answer_tally WHERE answer_id = :id", id=two.third) == 1
    assert community.count_followers("idea", two.both) == 2  # one person, and its author
    assert value("SELECT count(*) FROM search_entry WHERE author_id = :id", id=two.gone.id) == 0
    days = "SELECT coalesce(sum(n), 0) FROM member_day WHERE member_id = :id AND kind = :kind"
    assert value(days, id=two.kept.id, kind="vote") == 5
    assert value(days, id=two.gone.id, kind="vote") == 0
    assert value(days, id=two.kept.id, kind="follow_up") == 1
    assert figures.recount(mend=False)["drift"] == 0
    db.session.rollback()
    assert two.gone.id not in portraits("contact", [two.gone.id], site="")

    unmerge_members(merge_id, actor_id=None)
    db.session.commit()
    workers.run()
    after = everything(workers)
    assert differences(before, after) == {}
    assert ideas.first_bad_entry() is None
    assert figures.recount(mend=False)["drift"] == 0
    assert audit.verify().sound


def test_what_was_done_as_one_person_stays_with_the_kept_account(committed: Flask, workers: Workers) -> None:
    two = Two()
    merge_id = two.join()
    ideas.withdraw_vote(two.only, two.kept)
    later = an_idea(two.kept, two.board, title="Yarn of ramie")
    unmerge_members(merge_id, actor_id=None)
    db.session.commit()
    assert tally(two.only)[0] == 0  # taken back by the one person that both were then
    assert tally(two.both)[0] == 3
    assert ideas.idea_page(two.other, later).author_id == two.kept.id
    assert ideas.first_bad_entry() is None


def test_a_third_account_parts_before_the_second(committed: Flask) -> None:
    a, b, c, d = (a_member(verified=True) for _ in range(4))
    first = merge_members(b, c, actor_id=None, evidence="same address")
    second = merge_members(a, b, actor_id=None, evidence="same telephone")
    third = merge_members(a, d, actor_id=None, evidence="same handle")
    db.session.commit()
    assert merged_members() == {b: a, c: a, d: a}
    for too_early in (first, second):
        with pytest.raises(Refused):
            unmerge_members(too_early, actor_id=None)
    for merge_id in (third, second, first):
        unmerge_members(merge_id, actor_id=None)
        unmerge_members(merge_id, actor_id=None)
    assert merged_members() == {}
    assert all(db.session.get_one(Member, one).active for one in (a, b, c, d))


@pytest.mark.usefixtures("app")
def test_what_cannot_be_joined() -> None:
    ada, bob, staff = a_member(), a_member(), a_member(kind="staff")
    with pytest.raises(Refused):
        merge_members(ada, ada, actor_id=None, evidence="x")
    with pytest.raises(NotFound):
        merge_members(ada, 10**9, actor_id=None, evidence="x")
    with pytest.raises(Refused):
        merge_members(ada, staff, actor_id=None, evidence="x")
    with pytest.raises(Invalid):
        merge_members(ada, bob, actor_id=None, evidence=" ")
    merge_members(ada, bob, actor_id=None, evidence="x")
    with pytest.raises(Refused):
        merge_members(staff, bob, actor_id=None, evidence="x")
    with pytest.raises(NotFound):
        unmerge_members(10**9, actor_id=None)


@pytest.mark.usefixtures("app")
def test_an_imported_author_is_claimed_and_later_imports_follow() -> None:
    ada = a_member()
    stand_in = services.placeholders_for("forum", ["u1"], names={"u1": "Ada"})["u1"]
    written = an_idea(queries.viewer_of(stand_in))
    merge_members(ada, stand_in, actor_id=None, evidence="posted a code there")
    assert ideas.idea_page(queries.viewer_of(ada), written).author_id == ada
    assert services.placeholders_for("forum", ["u1"]) == {"u1": ada}
    with pytest.raises(Refused):
        merge_members(services.placeholders_for("forum", ["u2"])["u2"], ada, actor_id=None, evidence="x")


@pytest.mark.usefixtures("app")
def test_identities_come_along_and_a_refusal_stays_one() -> None:
    ada, bob = a_member(email="ada@example.org", verified=True), a_member(email="bob@example.org", verified=True)
    services.say_consent(bob, Purpose.CRM, given=False)
    merge_id = merge_members(ada, bob, actor_id=None, evidence="x")
    known = db.session.scalars(select(Identity.value).filter_by(member_id=ada).order_by(Identity.value)).all()
    assert known == ["ada@example.org", "bob@example.org"]
    assert not queries.agrees(ada, Purpose.CRM)
    unmerge_members(merge_id, actor_id=None)
    assert queries.agrees(ada, Purpose.CRM)
    assert db.session.scalars(select(Identity.value).filter_by(member_id=ada)).all() == ["ada@example.org"]


def test_every_table_with_a_member_says_what_a_join_does(portal: Flask) -> None:
    del portal
    tables = {table.name for table, _ in moving()}
    by_hand = {"vote"}
    declared = {name for name, one in personal.tables().items() if one.move is personal.Move.MOVE and one.people}
    assert tables | by_hand == declared
    undeclared = {
        table.name
        for table in Model.metadata.tables.values()
        for column in table.columns
        if any(key.target_fullname == "member.id" for key in column.foreign_keys)
        and (personal.table(table.name) is None or column.name not in personal.tables()[table.name].people)
    }
    assert undeclared == set()
    assert MemberMerge.__tablename__ in personal.tables()


@pytest.mark.usefixtures("app")
def test_who_is_erased_is_erased_under_every_account_and_not_parted_again() -> None:
    ada, double = (
        a_member(email="ada@example.org", name="Ada Serra"),
        a_member(email="ada@example.com", name="A. Serra"),
    )
    _address, _secret = guests.keep_act(
        "vote", email="ada@example.com", name="Ada", lang="en", title="Yarn", payload={"idea_id": 1}
    )
    admin = queries.viewer_of(a_member(kind="staff", roles=["admin"]))
    card, _secret = invitations.invite(admin, email="ada@example.com", kind="staff")
    merge_id = merge_members(ada, double, actor_id=None, evidence="Ada Serra told us")
    erasing.erase(ada, texts=False)
    db.session.expire_all()
    gone = db.session.get_one(Member, double)
    assert (gone.email, gone.erased_at is not None) == (None, True)
    assert "Serra" not in gone.name
    assert guests.waiting() == []
    assert asked_in.invitation_card(card.id).email == ""
    assert db.session.get_one(MemberMerge, merge_id).evidence == ""
    assert db.session.scalar(text("SELECT count(*) FROM member_merge_row")) == 0
    with pytest.raises(Refused):
        unmerge_members(merge_id, actor_id=None)
