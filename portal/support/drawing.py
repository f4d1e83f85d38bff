"""Rows, answers and pages of questions as markup, remembered: what a page costs is mostly the drawing of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import get_template_attribute, render_template
from markupsafe import Markup

from portal.community import facade as community
from portal.community.fragments import fingerprint, remembered, remembered_all
from portal.community.queries.conversation import DraftCard
from portal.kernel import clock
from portal.kernel.formats import since
from portal.members.policy import Viewer
from portal.support.queries import AnswerRow, QuestionRow

ANSWER = "support/_answer.html"
PAGE = "support/_page.html"
ROW = "support/_row.html"
THINGS = {"drawn", "comments"}
"""What a page is given that is made of the other things it is given."""
FRESH = 300
"""Seconds after which "3 minutes ago" is drawn anew."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A comment and the replies to it, to be drawn."""

    comment: community.CommentRow
    replies: Sequence[community.CommentRow]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Powers:
    """What the viewer may do to the answers of one question."""

    may_accept: bool
    may_mark: bool
    is_agent: bool
    may_hide: bool


def drawer(
    viewer: Viewer,
    question: QuestionRow,
    powers: Powers,
    threads: Mapping[int, Sequence[Thread]],
    replying: community.CommentRow | None,
    remark: DraftCard | None = None,
) -> Callable[[AnswerRow], Markup]:
    """Return what draws one answer of a question, with the comments on it.

    :param replying: the comment that is about to be replied to.
    :param remark: a comment that was begun and comes back: what shows it is drawn for this once.
    """

    def draw(answer: AnswerRow) -> Markup:
        comments = tuple(row for t in threads.get(answer.id, ()) for row in (t.comment, *t.replies))
        if viewer.is_anonymous or remark is not None:
            return Markup(fresh(answer))  # noqa: S704 - drawn by a template
        mine = (viewer.member_id == answer.author_id, *(viewer.member_id == row.author_id for row in comments))
        ages = (since(answer.created_at), *(since(row.created_at) for row in comments))
        below = replying.id if replying in comments and replying is not None else None
        folds = tuple(t.left_out for t in threads.get(answer.id, ()))
        key = (ANSWER, answer, comments, folds, below, ages, mine, powers, question.author_name)
        return remembered(key, lambda: fresh(answer))

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
            replying=replying,
            remark=remark,
            opened=None,
        )

    return draw


def rows(
    viewer: Viewer,
    questions: Sequence[QuestionRow],
    tags: Mapping[int, Sequence[community.TagCard]],
    boards: Mapping[int, community.BoardCard] | None,
) -> Markup:
    """Return the questions of a list.

    :param boards: named in the rows when the list is of several.
    """
    draw = get_template_attribute(ROW, "question_row")
    wanted = []
    for one in questions:
        board = boards[one.board_id].title if boards and one.board_id in boards else ""
        names = tuple(tag.title for tag in tags.get(one.id, ()))

        def drawn(one: QuestionRow = one, board: str = board, names: tuple[str, ...] = names) -> str:
            return str(draw(one, board, names))

        wanted.append((("question", one, board, names, since(one.created_at)), drawn))
    if viewer.is_anonymous:
        return Markup("").join(Markup(drawn()) for _key, drawn in wanted)  # noqa: S704 - drawn by a template
    return remembered_all(wanted)


def page(viewer: Viewer, shown: Mapping[str, Any], *, form: Any, typed: bool) -> Markup:
    """Return what stands between head and foot of a question's page.

    :param typed: somebody's unsent answer is in the form, so it is drawn for this once.
    """

    def draw() -> str:
        return render_template(PAGE, **shown, form=form)

    if typed or viewer.is_anonymous:
        return Markup(draw())  # noqa: S704 - drawn by a template
    # Whoever wrote something on the page has buttons that others lack; all others of one standing see the same.
    authors = {shown["question"].author_id, *(answer.author_id for answer in shown["answers"])}
    authors |= {comment.author_id for comment in shown["commented"]}
    own = viewer.member_id if viewer.member_id in authors else 0
    moment = int(clock.now().timestamp()) // FRESH
    values = [value for name, value in shown.items() if name not in THINGS]
    return remembered((PAGE, fingerprint(own, viewer.is_staff, moment, *values)), draw)
