"""Lists: their orders by the formulas, their pages, what stands in them."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from scipy.stats import beta
from sqlalchemy import text

from portal.community import facade as community
from portal.community import impressions
from portal.ideas import lists, ranking, rules, services
from portal.ideas.jobs import count_viewers
from portal.ideas.lists import Wish
from portal.ideas.rules import Sort
from portal.kernel import projections
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members.policy import NOBODY
from tests.conftest import read_all_facts
from tests.ideas.factories import a_board, a_viewer, an_idea

DAY = timedelta(days=1)


def ids(board: str, sort: Sort, **wishes: object) -> list[int]:
    place = community.board_by_key(NOBODY, board)
    return [row.id for row in lists.ideas_for(NOBODY, Wish(boards=[place.id], sort=sort, **wishes)).items]  # type: ignore[arg-type]


def rising(idea_id: int) -> float:
    return float(db.session.scalar(text("SELECT rising FROM idea_tally WHERE idea_id = :i"), {"i": idea_id}))


def test_rising_is_the_formula_of_the_page_that_explains_it(committed: Flask) -> None:
    idea, start = an_idea(), now() - 30 * DAY
    times = [start + n * DAY for n in (0, 3, 3.5, 20, 28)]
    for at in times:
        services.cast_vote(idea, a_viewer(verified=True, joined_at=start - 90 * DAY), at=at)
    db.session.commit()
    read_all_facts()
    terms = [math.exp((at - rules.RISING_EPOCH) / DAY / 14) for at in times]
    assert rising(idea) == pytest.approx(math.log(sum(terms)), abs=1e-9)


def test_a_vote_that_is_taken_back_leaves_no_trace_in_rising(committed: Flask) -> None:
    idea, kept, gone = an_idea(), a_viewer(verified=True), a_viewer(verified=True)
    services.cast_vote(idea, kept)
    db.session.commit()
    read_all_facts()
    alone = rising(idea)
    services.cast_vote(idea, gone)
    db.session.commit()
    read_all_facts()
    assert rising(idea) > alone
    services.withdraw_vote(idea, gone)
    db.session.commit()
    read_all_facts()
    assert rising(idea) == pytest.approx(alone, abs=1e-9)


def test_votes_that_were_summed_already_are_not_added_again(committed: Flask) -> None:
    idea = an_idea()
    for _ in range(3):
        services.cast_vote(idea, a_viewer(verified=True))
    db.session.commit()
    ranking.sum_rising([idea])
    db.session.commit()
    summed = rising(idea)
    read_all_facts()
    assert db.session.scalar(text("SELECT sum(votes) FROM idea_day")) == 3
    assert rising(idea) == summed


def test_lists_can_be_rebuilt_from_the_first_fact(committed: Flask) -> None:
    idea = an_idea()
    for n in range(6):
        services.cast_vote(idea, a_viewer(verified=n % 2 == 0))
    services.withdraw_vote(idea, a_viewer())
    db.session.commit()
    read_all_facts()
    before = db.session.execute(text("SELECT rising, wanted FROM idea_tally")).one()
    days = db.session.execute(text("SELECT day, votes FROM idea_day")).all()
    projections.rebuild("ideas.lists")
    after = db.session.execute(text("SELECT rising, wanted FROM idea_tally")).one()
    assert tuple(after) == pytest.approx(tuple(before), abs=1e-9)
    assert db.session.execute(text("SELECT day, votes FROM idea_day")).all() == days


def test_a_crowd_of_newcomers_weighs_in_rising_what_it_weighs_in_the_count(committed: Flask) -> None:
    idea, at = an_idea(), now() - timedelta(hours=3)
    voters = [a_viewer(verified=True, origin="sign_up", joined_at=at - timedelta(days=1)) for _ in range(12)]
    for voter in voters:
        services.cast_vote(idea, voter, at=at)
    services.cast_vote(idea, a_viewer(verified=True), at=at)
    db.session.commit()
    read_all_facts()
    assert rising(idea) == pytest.approx(math.log(1 + 3 + 9**0.5) + rules.days_of(at) / rules.RISING_DAYS, abs=1e-9)
    services.set_aside(idea, [voter.id for voter in voters], actor_id=voters[0].id)
    db.session.commit()
    read_all_facts()
    assert rising(idea) == pytest.approx(rules.days_of(at) / rules.RISING_DAYS, abs=1e-9)
    services.withdraw_vote(idea, voters[0])
    services.cast_vote(idea, voters[0], at=at)
    db.session.commit()
    read_all_facts()
    assert rising(idea) == pytest.approx(rules.days_of(at) / rules.RISING_DAYS, abs=1e-9)
    services.set_aside(idea, [], actor_id=voters[0].id)
    db.session.commit()
    read_all_facts()
    assert rising(idea) == pytest.approx(math.log(1 + 3 + 9**0.5) + rules.days_of(at) / rules.RISING_DAYS, abs=1e-9)


def test_rising_puts_what_moves_now_before_what_moved_once(committed: Flask) -> None:
    board = a_board()
    once, today, never = (an_idea(board=board, title=title) for title in ("Once", "Today", "Never"))
    old = now() - 60 * DAY
    for _ in range(5):
        services.cast_vote(once, a_viewer(verified=True, joined_at=old - 90 * DAY), at=old)
    for _ in range(2):
        services.cast_vote(today, a_viewer(verified=True))
    db.session.commit()
    read_all_facts()
    assert ids(board, Sort.RISING) == [today, once, never]
    row = lists.ideas_for(NOBODY, Wish(boards=[community.board_by_key(NOBODY, board).id])).items[0]
    assert row.fortnight == 2
    assert sum(row.weeks) == 2


@pytest.mark.parametrize(("votes", "viewers"), [(0, 0), (1, 1), (5, 60), (300, 1000), (20_000, 50_000)])
def test_wanted_is_the_lower_bound_of_the_posterior(votes: int, viewers: int) -> None:
    exact = beta.ppf(0.05, 1 + votes, 9 + viewers - votes)
    assert rules.wanted(votes, viewers) == pytest.approx(exact, abs=1e-6)


def test_most_wanted_weighs_votes_by_who_saw_the_idea(committed: Flask) -> None:
    board = a_board()
    liked, ignored = an_idea(board=board, title="Liked"), an_idea(board=board, title="Ignored")
    for _ in range(4):
        for idea in (liked, ignored):
            services.cast_vote(idea, a_viewer(verified=True))
    for _ in range(40):
        impressions.record(a_viewer(), "idea", [ignored], "newest")
    db.session.commit()
    read_all_facts()
    count_viewers()
    db.session.commit()
    assert ids(board, Sort.WANTED) == [liked, ignored]


def test_explore_shows_new_ideas_until_fifty_have_seen_them(committed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    board = a_board()
    seen, unseen = an_idea(board=board, title="Seen"), an_idea(board=board, title="Unseen")
    for _ in range(rules.MIN_VIEWERS - 1):
        impressions.record(a_viewer(), "idea", [seen], "explore")
    db.session.commit()
    count_viewers()
    db.session.commit()
    assert ids(board, Sort.EXPLORE) == [unseen, seen]
    impressions.record(a_viewer(), "idea", [seen], "explore")
    db.session.commit()
    count_viewers()
    count_viewers()
    db.session.commit()
    assert ids(board, Sort.EXPLORE) == [unseen]


def test_one_viewer_counts_once_a_day(committed: Flask) -> None:
    idea, viewer = an_idea(), a_viewer()
    for origin in ("newest", "rising"):
        impressions._seen.clear()
        impressions.record(viewer, "idea", [idea], origin)
        db.session.commit()
    assert impressions.count("idea") == {idea: 1}


def test_an_answer_is_due_after_working_days_and_no_more_when_given(app: Flask) -> None:
    board = a_board(promise_working_days=3)
    friday = datetime(2026, 10, 2, 9, tzinfo=UTC)
    late, later = (an_idea(board=board, title=t, at=friday + d * DAY) for t, d in (("Late", 0), ("Later", 7)))
    assert ids(board, Sort.ANSWER_DUE) == [late, later]
    row = lists.ideas_for(NOBODY, Wish(boards=[community.board_by_key(NOBODY, board).id], sort=Sort.ANSWER_DUE)).items[
        0
    ]
    assert row.answer_due_at == datetime(2026, 10, 7, 9, tzinfo=UTC)
    services.set_stage(late, a_viewer(roles=["brand_manager"]), stage="review", answer="We are looking at it.")
    assert ids(board, Sort.ANSWER_DUE) == [later]


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_follow_each_other_without_gap_or_repeat(app: Flask, sort: Sort) -> None:
    board = a_board(promise_working_days=5)
    place = community.board_by_key(NOBODY, board).id
    author = a_viewer()
    made = [an_idea(author, board, title=f"Idea {n}", at=now() - (n % 3) * DAY) for n in range(7)]
    for idea in made[:3]:
        services.set_stage(idea, a_viewer(roles=["moderator"]), stage="review")
    seen: list[int] = []
    cursor = None
    while True:
        page = lists.ideas_for(NOBODY, Wish(boards=[place], sort=sort, size=3, cursor=cursor))
        seen += [row.id for row in page.items]
        if page.next is None:
            break
        cursor = page.next
    assert sorted(seen) == sorted(made)
    assert len(seen) == len(set(seen))


def test_filters_leave_what_they_name(app: Flask) -> None:
    board, author = a_board(categories=["colours", "sizes"]), a_viewer()
    brown = an_idea(author, board, title="Walnut brown", category="colours", tags=["walnut"])
    cones = an_idea(author, board, title="Small cones", category="sizes")
    services.set_stage(cones, a_viewer(roles=["moderator"]), stage="planned")
    assert ids(board, Sort.NEWEST, category="colours") == [brown]
    assert ids(board, Sort.NEWEST, stage="planned") == [cones]
    assert ids(board, Sort.NEWEST, tag_id=lists.tag_of("Walnut")) == [brown]
    assert ids(board, Sort.NEWEST, tag_id=lists.tag_of("unheard of")) == []
    assert ids(board, Sort.NEWEST, author_id=author.id) == [cones, brown]
    assert ids(board, Sort.NEWEST, stage="no such stage") == []


def test_counts_by_stage_and_category_keep_up(app: Flask) -> None:
    from portal.ideas import queries

    board = a_board(categories=["colours"])
    place = community.board_by_key(NOBODY, board).id
    first, _second = an_idea(board=board, category="colours"), an_idea(board=board)
    services.set_stage(first, a_viewer(roles=["moderator"]), stage="planned")
    assert queries.counts([place], "stage") == {"submitted": 1, "planned": 1}
    services.hide(first, actor=a_viewer(roles=["moderator"]))
    assert queries.counts([place], "stage") == {"submitted": 1}
    assert queries.counts([place], "category") == {}


def test_a_topic_narrows_a_list_to_what_is_about_it(app: Flask) -> None:
    from portal.analytics.topics.models import ContributionTopic, Topic, TopicRun

    board = a_board()
    place = community.board_by_key(NOBODY, board).id
    dyes, cones = an_idea(board=board, title="Walnut brown"), an_idea(board=board, title="Small cones")
    topic, run = Topic(board_id=place), TopicRun(board_id=place, report={})
    db.session.add_all([topic, run])
    db.session.flush()
    wishes = {
        "kind": "idea",
        "board_id": place,
        "thread_kind": "idea",
        "author_id": a_viewer().id,
        "written_at": now(),
        "mixture": [],
        "run_id": run.id,
    }
    db.session.add(ContributionTopic(contribution_id=dyes, thread_id=dyes, topic_id=topic.id, **wishes))  # type: ignore[arg-type]
    db.session.flush()
    assert ids(board, Sort.NEWEST, topic_id=topic.id) == [dyes]
    assert ids(board, Sort.NEWEST) == [cones, dyes]
