"""Votes: one a member, exact, reversible, remembered."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from portal.community.rules import Voting
from portal.ideas import ledger, queries, rules, services
from portal.ideas.models import IdeaTally, Vote, VoteEntry
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.kernel.outbox import Fact
from portal.members.policy import NOBODY, Viewer
from tests.ideas.factories import a_board, a_viewer, an_idea


def tally(idea_id: int) -> IdeaTally:
    db.session.expire_all()
    return db.session.scalars(select(IdeaTally).filter_by(idea_id=idea_id)).one()


def facts(name: str) -> int:
    return db.session.query(Fact).filter_by(name=name).count()


def test_two_clicks_are_one_vote(app: Flask) -> None:
    idea, voter = an_idea(), a_viewer(verified=True)
    assert services.cast_vote(idea, voter).votes == 1
    assert services.cast_vote(idea, voter).votes == 1
    assert facts("VoteCast") == 1
    assert db.session.query(VoteEntry).count() == 1


def test_a_vote_can_be_taken_back_and_given_again(app: Flask) -> None:
    idea, voter = an_idea(), a_viewer(verified=True)
    services.cast_vote(idea, voter)
    assert services.withdraw_vote(idea, voter).votes == 0
    assert services.withdraw_vote(idea, voter).votes == 0
    assert services.cast_vote(idea, voter).votes == 1
    assert [entry.action for entry in db.session.scalars(select(VoteEntry).order_by(VoteEntry.seq))] == [
        "cast",
        "withdrawn",
        "cast",
    ]
    assert (facts("VoteCast"), facts("VoteWithdrawn")) == (2, 1)


def test_a_change_of_mind_moves_the_vote(app: Flask) -> None:
    idea, voter = an_idea(board=a_board(voting=Voting.SUPPORT_NOT_FOR_ME_SKIP)), a_viewer(verified=True)
    services.cast_vote(idea, voter)
    assert services.cast_vote(idea, voter, kind="not_for_me").votes == 0
    assert (tally(idea).votes, tally(idea).not_for_me) == (0, 1)
    assert queries.idea_page(voter, idea).voted is False


def test_a_board_of_support_knows_no_other_votes(app: Flask) -> None:
    with pytest.raises(Refused):
        services.cast_vote(an_idea(), a_viewer(), kind="skip")


def test_a_shipped_idea_takes_no_more_votes_but_gives_them_back(app: Flask) -> None:
    idea, voter = an_idea(), a_viewer(verified=True)
    services.cast_vote(idea, voter)
    services.set_stage(idea, a_viewer(roles=["moderator"]), stage="shipped", answer="In the shop since Monday.")
    with pytest.raises(Refused):
        services.cast_vote(idea, a_viewer())
    assert services.withdraw_vote(idea, voter).votes == 0


def test_nobody_votes_where_he_may_not_look(app: Flask) -> None:
    idea = an_idea(a_viewer(kind="supplier"), a_board(audience="kinds:supplier,staff"))
    for outsider in (a_viewer(), NOBODY):
        with pytest.raises(NotFound):
            services.cast_vote(idea, outsider)


def test_the_ledger_remembers_origin_verification_and_tenure(app: Flask) -> None:
    idea = an_idea()
    voter = a_viewer(verified=True, joined_at=now() - timedelta(days=40))
    services.cast_vote(idea, voter, origin="rising", position=3)
    entry = db.session.scalars(select(VoteEntry)).one()
    assert (entry.origin, entry.position, entry.verified, entry.tenure_days) == ("rising", 3, True, 40)


def test_fresh_unconfirmed_accounts_count_as_their_root(app: Flask) -> None:
    idea = an_idea()
    at = datetime(2026, 6, 17, 23, tzinfo=UTC)
    for _ in range(9):
        services.cast_vote(idea, a_viewer(joined_at=at - timedelta(hours=1)), at=at)
    for _ in range(2):
        services.cast_vote(idea, a_viewer(verified=True, joined_at=at - timedelta(days=90)), at=at)
    assert tally(idea).votes == 11
    assert tally(idea).effective_votes == pytest.approx(5.0)


def test_a_confirmed_address_makes_earlier_votes_whole(app: Flask) -> None:
    idea = an_idea()
    voters = [a_viewer() for _ in range(4)]
    for voter in voters:
        services.cast_vote(idea, voter)
    assert tally(idea).effective_votes == pytest.approx(2.0)
    assert services.trust_votes(voters[0].id) == 1
    assert tally(idea).effective_votes == pytest.approx(1 + 3**0.5)


def a_newcomer(at: datetime | None = None, days: int = 1) -> Viewer:
    """Return somebody who signed up by herself lately and confirmed her address."""
    return a_viewer(verified=True, origin="sign_up", joined_at=(at or now()) - timedelta(days=days))


def test_a_few_newcomers_count_whole_and_a_crowd_of_them_little_more(app: Flask) -> None:
    idea = an_idea()
    for n in range(1, 13):
        services.cast_vote(idea, a_newcomer())
        assert tally(idea).effective_votes == pytest.approx(rules.effective_votes(0, [], n))
    for _ in range(2):
        services.cast_vote(idea, a_newcomer(days=20))
        services.cast_vote(idea, a_viewer(verified=True, joined_at=now() - timedelta(days=1)))
    assert (tally(idea).votes, tally(idea).effective_votes) == (16, pytest.approx(4 + 3 + 3))
    assert ledger.first_bad_entry() is None


def test_an_address_confirmed_later_makes_a_young_vote_of_a_fresh_one(app: Flask) -> None:
    idea = an_idea()
    voters = [a_viewer(origin="sign_up") for _ in range(7)]
    for voter in voters:
        services.cast_vote(idea, voter)
    assert tally(idea).effective_votes == pytest.approx(7**0.5)
    for voter in voters:
        db.session.execute(text("UPDATE member SET email_verified_at = now() WHERE id = :i"), {"i": voter.id})
        db.session().info.pop("ideas.standing", None)
        services.confirm_votes(voter.id)
    assert tally(idea).effective_votes == pytest.approx(3 + 4**0.5)


def test_votes_grow_with_their_accounts_unless_those_are_suspended(app: Flask) -> None:
    idea = an_idea()
    voters = [a_newcomer() for _ in range(12)]
    for voter in voters:
        services.cast_vote(idea, voter)
    assert services.let_votes_grow() == 0
    grown = [voter.id for voter in voters[:8]]
    db.session.execute(
        text("UPDATE member SET joined_at = now() - interval '15 days' WHERE id = ANY(:i)"), {"i": grown}
    )
    bad = text("UPDATE member SET suspended_until = now() + interval '1 year' WHERE id = ANY(:i)")
    db.session.execute(bad, {"i": grown[:2]})
    db.session.expire_all()
    assert services.let_votes_grow() == 6
    assert tally(idea).effective_votes == pytest.approx(rules.effective_votes(6, [], 6))
    assert services.let_votes_grow() == 0
    services.trust_votes(grown[0])
    assert tally(idea).effective_votes == pytest.approx(rules.effective_votes(7, [], 5))


def test_voices_that_are_set_aside_count_nothing_even_when_they_vote_anew(app: Flask) -> None:
    idea, moderator = an_idea(), a_viewer(kind="staff")
    voters = [a_newcomer() for _ in range(6)] + [a_viewer(verified=True) for _ in range(2)]
    for voter in voters:
        services.cast_vote(idea, voter)
    before = tally(idea).effective_votes
    services.set_aside(idea, [voter.id for voter in voters[:6]], actor_id=moderator.id)
    assert (tally(idea).votes, tally(idea).effective_votes) == (8, 2)
    services.withdraw_vote(idea, voters[0])
    assert (tally(idea).votes, tally(idea).effective_votes) == (7, 2)
    services.cast_vote(idea, voters[0])
    assert (tally(idea).votes, tally(idea).effective_votes) == (8, 2)
    assert ledger.first_bad_entry() is None
    services.set_aside(idea, [], actor_id=moderator.id)
    assert tally(idea).effective_votes == pytest.approx(before)
    assert ledger.first_bad_entry() is None


def test_verify_names_an_effective_count_that_is_not_what_the_votes_come_to(app: Flask) -> None:
    idea = an_idea()
    services.cast_vote(idea, a_viewer(verified=True))
    db.session.execute(text("UPDATE idea_tally SET effective_votes = 9 WHERE idea_id = :i"), {"i": idea})
    found = ledger.first_bad_entry()
    assert found is not None
    assert "effective" in found.reason


@pytest.mark.parametrize("source", ["a letter of Lanfranchi", "ada@example.org wrote", "called from 0165 778 899"])
def test_the_source_of_a_vote_never_says_who_it_was(app: Flask, source: str) -> None:
    idea, agent = an_idea(), a_viewer(kind="staff", roles=["support_agent"])
    a_viewer(email="ada@example.org", name="Ada Lanfranchi")
    with pytest.raises(Invalid):
        services.enter_vote(idea, agent, email="ada@example.org", source=source)
    assert db.session.scalars(select(VoteEntry)).all() == []


def test_staff_enters_a_customers_vote_with_its_source(app: Flask) -> None:
    idea, agent = an_idea(), a_viewer(kind="staff", roles=["support_agent"])
    customer = a_viewer(email="ada@example.org")
    with pytest.raises(Refused):
        services.enter_vote(idea, agent, email="ada@example.org", source=" ")
    services.enter_vote(idea, agent, email="ada@example.org", source="telephone")
    entry = db.session.scalars(select(VoteEntry)).one()
    assert (entry.member_id, entry.by_id, entry.source) == (customer.id, agent.id, "telephone")
    with pytest.raises(Forbidden):
        services.enter_vote(idea, a_viewer(), email="ada@example.org", source="telephone")


def test_the_chain_names_the_first_bad_entry(app: Flask) -> None:
    idea = an_idea()
    for _ in range(5):
        services.cast_vote(idea, a_viewer(verified=True))
    assert ledger.first_bad_entry() is None
    db.session.execute(text("SET LOCAL session_replication_role = replica"))
    db.session.execute(text("UPDATE vote_entry SET origin = 'similar' WHERE idea_id = :i AND seq = 3"), {"i": idea})
    bad = ledger.first_bad_entry()
    assert bad is not None
    assert (bad.idea_id, bad.seq) == (idea, 3)


def test_the_chain_sees_what_was_taken_away_at_its_end(app: Flask) -> None:
    idea = an_idea()
    for _ in range(3):
        services.cast_vote(idea, a_viewer(verified=True))
    db.session.execute(text("SET LOCAL session_replication_role = replica"))
    db.session.execute(text("DELETE FROM vote_entry WHERE idea_id = :i AND seq = 3"), {"i": idea})
    assert ledger.first_bad_entry() is not None


def test_the_chain_sees_a_count_that_was_polished(app: Flask) -> None:
    idea = an_idea()
    services.cast_vote(idea, a_viewer(verified=True))
    db.session.execute(text("UPDATE idea_tally SET votes = 100 WHERE idea_id = :i"), {"i": idea})
    bad = ledger.first_bad_entry()
    assert bad is not None
    assert "count" in bad.reason


def test_the_ledger_is_only_added_to(app: Flask) -> None:
    idea = an_idea()
    services.cast_vote(idea, a_viewer(verified=True))
    db.session.commit()
    with pytest.raises(Exception, match="only added to"):
        db.session.execute(text("DELETE FROM vote_entry"))
    db.session.rollback()


def test_fifty_threads_on_one_idea_are_counted_exactly(committed: Flask) -> None:
    idea = an_idea()
    voters = [a_viewer(verified=True) for _ in range(50)]

    def vote(n: int) -> int:
        with committed.app_context():
            counts = 0
            for act in (services.cast_vote, services.cast_vote, services.withdraw_vote, services.cast_vote):
                counts = act(idea, voters[n]).votes
                db.session.commit()
            db.session.remove()
            return counts

    with ThreadPoolExecutor(50) as pool:
        seen = list(pool.map(vote, range(50)))
    assert max(seen) == 50
    assert tally(idea).votes == 50
    assert db.session.query(Vote).filter_by(idea_id=idea, kind="support").count() == 50
    assert db.session.query(VoteEntry).filter_by(idea_id=idea).count() == 150
    assert ledger.first_bad_entry() is None


def test_two_hundred_votes_of_one_member_at_once_are_one_row(committed: Flask) -> None:
    idea, voter = an_idea(), a_viewer(verified=True)
    db.session.commit()

    def vote(_n: int) -> int:
        with committed.app_context():
            votes = services.cast_vote(idea, voter).votes
            db.session.commit()
            db.session.remove()
            return votes

    with ThreadPoolExecutor(40) as pool:
        assert set(pool.map(vote, range(200))) == {1}
    assert tally(idea).votes == 1
    assert db.session.query(Vote).filter_by(idea_id=idea).count() == 1
    assert db.session.query(VoteEntry).filter_by(idea_id=idea).count() == 1
    assert ledger.first_bad_entry() is None


@given(
    clicks=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["support", "not_for_me", "skip", "withdraw"])), max_size=25
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_clicked_the_ledger_adds_up_to_the_count(app: Flask, clicks: list[tuple[int, str]]) -> None:
    idea = an_idea(board=a_board(voting=Voting.SUPPORT_NOT_FOR_ME_SKIP))
    voters = [a_viewer(verified=n % 2 == 0) for n in range(4)]
    says: dict[int, str] = {}
    for who, what in clicks:
        if what == "withdraw":
            services.withdraw_vote(idea, voters[who])
            says.pop(who, None)
        else:
            services.cast_vote(idea, voters[who], kind=what)
            says[who] = what
    support = [who for who, what in says.items() if what == "support"]
    fresh = sum(1 for who in support if who % 2)
    now_standing = tally(idea)
    assert now_standing.votes == len(support)
    assert now_standing.not_for_me == sum(what == "not_for_me" for what in says.values())
    assert now_standing.skips == sum(what == "skip" for what in says.values())
    assert now_standing.effective_votes == pytest.approx(len(support) - fresh + fresh**0.5)
    assert ledger.first_bad_entry() is None
