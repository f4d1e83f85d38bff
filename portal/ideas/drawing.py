"""Rows, threads and pages as markup, remembered: what a page costs is mostly the drawing of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Flask, get_template_attribute, render_template
from markupsafe import Markup

from portal.community.fragments import fingerprint, remembered, remembered_all
from portal.community.queries import BoardCard, CommentRow
from portal.community.rules import Window
from portal.ideas.ledger import Written
from portal.ideas.lists import IdeaRow
from portal.ideas.rules import Sort, VoteKind
from portal.ideas.why import reason
from portal.kernel import clock
from portal.kernel.formats import since
from portal.members.policy import Viewer
from portal.members.session import current_viewer

ROW = "ideas/_row.html"
THREAD = "community/_comments.html"


def init_app(app: Flask) -> None:
    """Give templates the remembered row."""
    app.jinja_env.globals["remembered_idea_row"] = row


def row(one: IdeaRow, why: str, why_icon: str, origin: str, at: int, board: str, level: int) -> Markup:
    """Return one idea in a list. Readers who have not signed in get a fresh one: it leads back to where they are."""

    def draw() -> str:
        return str(get_template_attribute(ROW, "drawn_row")(one, why, why_icon, origin, at, board, level))

    if current_viewer().is_anonymous:
        return Markup(draw())  # noqa: S704 - drawn by a template
    return remembered((one, why, why_icon, origin, at, board, level), draw)


def rows(viewer: Viewer, ideas: Sequence[IdeaRow], sort: Sort, boards: Mapping[int, BoardCard] | None) -> Markup:
    """Return the ideas of a list, each with the reason why it stands there.

    :param boards: named in the rows when the list is of several.
    """
    draw = get_template_attribute(ROW, "drawn_row")
    wanted = []
    for at, one in enumerate(ideas, 1):
        name = boards[one.board_id].title if boards else ""
        age = since(one.created_at) if sort is Sort.NEWEST else clock.today()

        def drawn(one: IdeaRow = one, at: int = at, name: str = name) -> str:
            return str(draw(one, *reason(one, sort), sort, at, name, 3))

        wanted.append(((one, sort, age, at, name), drawn))
    if viewer.is_anonymous:
        return Markup("").join(Markup(drawn()) for _key, drawn in wanted)  # noqa: S704 - drawn by a template
    return remembered_all(wanted)


def thread(comments: Sequence[CommentRow], part: Window, viewer: Viewer, *, may_hide: bool) -> Markup:
    """Return a part of a thread, two levels deep."""
    draw, earlier, later = (get_template_attribute(THREAD, name) for name in ("branch", "earlier", "later"))
    by_id = {comment.id: comment for comment in comments}
    mine = frozenset(comment.id for comment in comments if comment.author_id == viewer.member_id)
    drawn = (
        draw(
            by_id[one.id],
            [by_id[reply] for reply in one.replies],
            one.left_out,
            mine,
            may_hide,
            not viewer.is_anonymous,
            "#comment",
        )
        for one in part.branches
    )
    return Markup("").join([earlier(part), *drawn, later(part)])


def body(viewer: Viewer, template: str, key: Sequence[Any] | None, **context: Any) -> Markup:
    """Return what stands between head and foot of a page.

    :param key: everything that it shows, the language aside; None: it is to be drawn anew.
    """

    def draw() -> str:
        return render_template(template, **context)

    if key is None or viewer.is_anonymous:
        return Markup(draw())  # noqa: S704 - drawn by a template
    return remembered((template, fingerprint(*key)), draw)


def vote_button(idea_id: int, written: Written, kind: str, *, wide: bool) -> str:
    """Return the button of an idea just voted on, without asking the database again."""
    idea = {"id": idea_id, "url": f"/ideas/{idea_id}", "votes": written.votes, "title": written.title}
    return render_template("ideas/_vote.html", idea={**idea, "voted": kind == VoteKind.SUPPORT}, wide=wide, closed="")
