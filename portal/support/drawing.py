"""Answers as markup, remembered: what the page of a question costs is mostly the drawing of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import render_template
from markupsafe import Markup

from portal.community import facade as community
from portal.community.fragments import remembered
from portal.kernel.formats import since
from portal.members.policy import Viewer
from portal.support.queries import AnswerRow, QuestionRow

ANSWER = "support/_answer.html"


@dataclass(frozen=True, slots=True)
class Thread:
    """A comment and the replies to it, to be drawn."""

    comment: community.CommentRow
    replies: Sequence[community.CommentRow]


@dataclass(frozen=True, slots=True)
class Powers:
    """What the viewer may do to the answers of one question."""

    may_accept: bool
    may_mark: bool
    is_agent: bool
    may_hide: bool


def drawer(
    viewer: Viewer, question: QuestionRow, powers: Powers, threads: Mapping[int, Sequence[Thread]]
) -> Callable[[AnswerRow], Markup]:
    """Return what draws one answer of a question, with the comments on it."""

    def draw(answer: AnswerRow) -> Markup:
        comments = tuple(row for t in threads.get(answer.id, ()) for row in (t.comment, *t.replies))
        if viewer.is_anonymous:
            return Markup(fresh(answer))  # noqa: S704 - drawn by a template
        mine = (viewer.member_id == answer.author_id, *(viewer.member_id == row.author_id for row in comments))
        ages = (since(answer.created_at), *(since(row.created_at) for row in comments))
        return remembered((ANSWER, answer, comments, ages, mine, powers, question.author_name), lambda: fresh(answer))

    def fresh(answer: AnswerRow) -> str:
        return render_template(
            ANSWER,
            answer=answer,
            question=question,
            answer_comments=threads,
            may_accept=powers.may_accept,
            may_mark=powers.may_mark,
            is_agent=powers.is_agent,
            may_hide=powers.may_hide,
        )

    return draw
