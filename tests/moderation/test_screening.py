"""What waits is told to nobody until it is released; then it is told as if it were posted then."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.community import facade as community
from portal.community import screening
from portal.community.screening import Post
from portal.ideas import facade as ideas
from portal.ideas import lists
from portal.ideas import services as idea_services
from portal.kernel.database import db
from portal.kernel.outbox import Fact
from portal.members.policy import NOBODY
from portal.support import facade as support
from portal.support import services as support_services
from tests.ideas.factories import a_board, a_viewer, an_idea
from tests.support.factories import a_board as a_help_board
from tests.support.factories import a_question, an_answer


@pytest.fixture
def held_words() -> Iterator[list[str]]:
    """Hold what holds one of these words."""
    words = ["attic"]

    def hold(post: Post) -> str | None:
        return "held" if any(word in post.text.lower() for word in words) else None

    before = screening._screens[:]
    screening._screens[:] = [hold]
    yield words
    screening._screens[:] = before


def told(*names: str) -> list[str]:
    return list(db.session.scalars(select(Fact.name).where(Fact.name.in_(names)).order_by(Fact.id)))


def listed(board: str) -> list[int]:
    place = community.board_by_key(NOBODY, board)
    return [row.id for row in lists.ideas_for(NOBODY, lists.Wish(boards=[place.id], sort=ideas.Sort.NEWEST)).items]


def test_a_held_idea_is_told_and_counted_when_it_is_released_and_not_before(app: Flask, held_words: list[str]) -> None:
    board, author = a_board(), a_viewer()
    idea = an_idea(author, board, title="Wool from the attic")
    facts = ("IdeaPosted", "IdeaShown", "IdeaHidden", "Followed")
    assert (told(*facts), listed(board)) == ([], [])
    assert ideas.board_figures([community.board_by_key(NOBODY, board).id]).ideas == 0
    assert ideas.release_idea(idea, actor_id=None)
    assert (told(*facts), listed(board)) == (["IdeaPosted", "Followed"], [idea])
    assert ideas.board_figures([community.board_by_key(NOBODY, board).id]).ideas == 1
    assert ideas.release_idea(idea, actor_id=None)
    assert told(*facts) == ["IdeaPosted", "Followed"]


def test_what_was_seen_before_is_shown_again_and_not_posted_twice(app: Flask, held_words: list[str]) -> None:
    board, author = a_board(), a_viewer()
    idea = an_idea(author, board)
    idea_services.edit_idea(idea, author, title="Ten gram skeins", body="From the attic.")
    assert told("IdeaPosted", "IdeaHidden") == ["IdeaPosted", "IdeaHidden"]
    assert listed(board) == []
    ideas.release_idea(idea, actor_id=None)
    assert told("IdeaPosted", "IdeaShown") == ["IdeaPosted", "IdeaShown"]
    assert listed(board) == [idea]


def test_screens_are_asked_once_more_when_the_author_is_confirmed(app: Flask, held_words: list[str]) -> None:
    author = a_viewer()
    idea = an_idea(author, title="Wool from the attic")
    db.session.execute(text("UPDATE idea SET hidden_why = 'provisional'"))
    db.session.expire_all()
    assert not ideas.release_idea(idea, actor_id=None, viewer=author)
    assert db.session.scalar(text("SELECT hidden_why FROM idea")) == "held"
    held_words.clear()
    assert ideas.release_idea(idea, actor_id=None, viewer=author)


def test_held_questions_answers_and_comments_wait_in_the_same_way(app: Flask, held_words: list[str]) -> None:
    board, author = a_help_board(), a_viewer()
    question = a_question(author, board, title="What is in the attic?")
    seen = a_question(author, board)
    answer = an_answer(seen, a_viewer(), body="Look in the attic.")
    place = community.board_by_key(NOBODY, board).id
    comment, shown = community.post_comment(
        a_viewer(), board_id=place, target_kind="question", target_id=seen, body="Mine is in the attic"
    )
    posted = ("QuestionAsked", "AnswerGiven", "CommentPosted")
    assert (told(*posted), shown) == (["QuestionAsked"], False)
    count = text("SELECT answers, by_others FROM question_tally WHERE question_id = :id")
    assert tuple(db.session.execute(count, {"id": seen}).one()) == (0, 0)
    assert support.release_question(question, actor_id=None)
    assert support.release_answer(answer, actor_id=None)
    assert community.release_comment(comment, actor_id=None)
    assert told(*posted) == ["QuestionAsked", *posted]
    assert tuple(db.session.execute(count, {"id": seen}).one()) == (1, 1)
    hidden = [support_services.hide_answer(answer, actor_id=None), support_services.show_answer(answer, actor_id=None)]
    assert hidden == [None, None]
    assert tuple(db.session.execute(count, {"id": seen}).one()) == (1, 1)
    assert told("AnswerGiven", "AnswerShown") == ["AnswerGiven", "AnswerShown"]


def test_a_released_comment_is_counted_beside_its_idea(app: Flask, held_words: list[str]) -> None:
    idea = an_idea()
    comment = idea_services.comment_on_idea(idea, a_viewer(), body="In the attic")
    count = text("SELECT comments FROM idea_tally WHERE idea_id = :id")
    assert db.session.scalar(count, {"id": idea}) == 0
    community.release_comment(comment, actor_id=None)
    assert db.session.scalar(count, {"id": idea}) == 1
    assert idea_services.comment_on_idea(idea, a_viewer(), body="In the cellar")
    assert db.session.scalar(count, {"id": idea}) == 2


def test_who_hid_it_is_kept(app: Flask) -> None:
    author, moderator = a_viewer(), a_viewer(roles=["moderator"], kind="staff")
    mine, theirs = an_idea(author), an_idea(author)
    ideas.hide(mine, actor=author)
    ideas.hide(theirs, actor=moderator)
    whys = text("SELECT hidden_why FROM idea ORDER BY id")
    assert list(db.session.scalars(whys)) == ["author", "hidden"]
