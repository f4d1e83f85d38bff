"""What ideas and support share: boards, comments, follows, tags, who saw what."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.community import facade as community
from portal.community import impressions, rules
from portal.community.models import Comment, DaySalt, Impression, ImpressionCount
from portal.kernel.clock import today
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound
from portal.kernel.outbox import Fact
from portal.members.policy import NOBODY
from tests.conftest import Workers
from tests.ideas.factories import a_board, a_viewer, an_idea

# Boards


def test_a_board_is_seen_by_its_audience_only(app: Flask) -> None:
    open_to_all, closed = a_board(), a_board(audience="kinds:supplier,staff;segments:shop_owners")
    keys = {board.key for board in community.boards_for(NOBODY)}
    assert open_to_all in keys
    assert closed not in keys
    for outsider in (NOBODY, a_viewer()):
        with pytest.raises(NotFound):
            community.board_by_key(outsider, closed)
    for insider in (a_viewer(kind="supplier"), a_viewer(roles=["admin"])):
        assert community.board_by_key(insider, closed).key == closed


@pytest.mark.parametrize("wishes", [{"key": "Not A Key"}, {"audience": "everybody and nobody"}])
def test_a_board_that_makes_no_sense_is_not_opened(app: Flask, wishes: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        community.open_board(wishes.pop("key", "fine"), kind="ideas", name="Board", **wishes)  # type: ignore[arg-type]


def test_a_key_is_taken_once(app: Flask) -> None:
    key = a_board()
    with pytest.raises(Invalid):
        community.open_board(key, kind="ideas", name="Another")


# Comments


def test_replies_are_drawn_two_levels_deep() -> None:
    parents = {1: None, 2: 1, 3: 2, 4: None, 5: 99}
    assert rules.thread(parents) == [rules.Branch(1, (2, 3)), rules.Branch(4, ()), rules.Branch(5, ())]


@given(st.lists(st.integers(0, 30), max_size=30))
def test_every_comment_is_drawn_once(earlier: list[int]) -> None:
    parents = {n: (parent if 0 < parent < n else None) for n, parent in enumerate(earlier, 1)}
    drawn = [one for branch in rules.thread(parents) for one in (branch.id, *branch.replies)]
    assert sorted(drawn) == sorted(parents)


def said(idea: int, body: str, **wishes: object) -> int:
    place = community.boards_for(NOBODY)[0].id
    return community.write_comment(
        author_id=a_viewer().id, board_id=place, target_kind="idea", target_id=idea, body=body, **wishes  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_hidden_comment_with_replies_keeps_its_place_without_its_words(app: Flask) -> None:
    idea = an_idea()
    first = said(idea, "Rude")
    said(idea, "Why?", parent_id=first)
    alone = said(idea, "Also rude")
    for comment in (first, alone):
        community.hide_comment(comment, actor_id=None)
    db.session.flush()
    db.session.expire_all()
    rows = community.comments_on("idea", [idea])[idea]
    assert [(row.hidden, row.body) for row in rows] == [(True, ""), (False, "Why?")]


def test_hiding_and_showing_keeps_the_ideas_count_right(committed: Flask, workers: Workers) -> None:
    from portal.ideas import queries, services

    author, moderator, idea = a_viewer(), a_viewer(roles=["moderator"]), an_idea()
    comment = services.comment_on_idea(idea, author, body="Rude")
    db.session.commit()
    community.withdraw_comment(moderator, comment)
    db.session.commit()
    workers.run()
    assert queries.idea_page(NOBODY, idea).comments == 0
    community.show_comment(comment, actor_id=moderator.id)
    db.session.commit()
    workers.run()
    assert queries.idea_page(NOBODY, idea).comments == 1


def test_nobody_hides_or_changes_anothers_comment(app: Flask) -> None:
    comment, other = said(an_idea(), "Mine"), a_viewer()
    with pytest.raises(Forbidden):
        community.withdraw_comment(other, comment)
    with pytest.raises(Forbidden):
        community.edit_comment(other, comment, "Yours")


def test_a_reply_belongs_to_the_same_thing(app: Flask) -> None:
    elsewhere = said(an_idea(), "There")
    with pytest.raises(NotFound):
        said(an_idea(), "Here", parent_id=elsewhere)


@pytest.mark.parametrize("body", ["", "  \n ", "a\0b", "x" * (rules.COMMENT_MAX + 1)])
def test_a_comment_that_does_not_fit_is_refused(app: Flask, body: str) -> None:
    with pytest.raises(Invalid):
        said(an_idea(), body)
    assert db.session.scalar(select(func.count()).select_from(Comment)) == 0


def test_scripts_in_a_comment_are_words(app: Flask) -> None:
    idea = an_idea()
    said(idea, "<script>alert(1)</script> [x](javascript:alert(1))")
    html = community.comments_on("idea", [idea])[idea][0].html
    assert "<script" not in html
    assert "javascript:" not in html or 'href="javascript' not in html


# Follows


def test_following_twice_is_following_once(app: Flask) -> None:
    viewer, idea = a_viewer(), an_idea()
    assert [community.follow(viewer.id, "idea", idea) for _ in range(2)] == [True, False]
    assert [community.unfollow(viewer.id, "idea", idea) for _ in range(2)] == [True, False]
    names = db.session.scalars(select(Fact.name).where(Fact.actor_id == viewer.id).order_by(Fact.id)).all()
    assert list(names)[-2:] == ["Followed", "Unfollowed"]


# Tags


def test_synonyms_and_spellings_lead_to_one_tag(app: Flask) -> None:
    local = community.define_tag("locale", name={"it": "lana locale", "en": "local wool"}, synonyms=["lana d'Abruzzo"])
    words = ["Locale", "LOCAL WOOL", "lana d'abruzzo"]
    assert community.tag_ids_for(words) == [local]
    new = community.tag_ids_for(["perché", "perche"])
    assert len(new) == 1


def test_tags_of_a_thing_are_those_given_last(app: Flask) -> None:
    idea = an_idea(tags=["walnut", "brown"])
    community.tag("idea", idea, ["brown", "cones"])
    assert [tag.key for tag in community.tags_of("idea", [idea])[idea]] == ["brown", "cones"]


def test_a_merged_tag_becomes_a_synonym(app: Flask) -> None:
    idea = an_idea(tags=["sheepwool"])
    community.define_tag("wool", name={"en": "wool"})
    community.merge_tags("wool", "sheepwool")
    assert [tag.key for tag in community.tags_of("idea", [idea])[idea]] == ["wool"]
    found = community.tag_by_key("sheepwool")
    assert found is not None
    assert found.key == "wool"


def test_too_many_tags_are_refused(app: Flask) -> None:
    with pytest.raises(Invalid):
        community.tag_ids_for(f"tag {n}" for n in range(rules.TAGS_MAX + 1))


# Impressions


def test_nobody_can_be_found_by_the_key_of_another_day() -> None:
    assert rules.viewer_key("a" * 64, "member:7") != rules.viewer_key("b" * 64, "member:7")


def test_looking_again_costs_no_statement(app: Flask, client: FlaskClient) -> None:
    from tests.conftest import counted_queries

    idea, viewer = an_idea(), a_viewer()
    impressions.record(viewer, "idea", [idea], "newest")
    db.session.commit()
    with counted_queries() as seen:
        impressions.record(viewer, "idea", [idea], "rising")
    assert seen == []


def test_past_salts_and_old_impressions_are_thrown_away(app: Flask) -> None:
    old = today() - timedelta(days=rules.IMPRESSION_DAYS + 1)
    db.session.add_all([
        DaySalt(day=today() - timedelta(days=1), salt="x"),
        Impression(day=old, viewer="v", target_kind="idea", target_id=1, origin="newest", position=1),
        ImpressionCount(day=old, target_kind="idea", target_id=1, viewers=1),
    ])  # fmt: skip
    db.session.flush()
    impressions.forget_old()
    assert db.session.scalar(select(func.count()).select_from(Impression)) == 0
    assert db.session.scalar(select(func.count()).select_from(DaySalt).where(DaySalt.day < today())) == 0
    assert community.viewers_of("idea", [1]) == {1: 1}
