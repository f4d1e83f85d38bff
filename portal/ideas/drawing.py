"""Rows and comments as markup, remembered: what a list or a thread costs is mostly the drawing of them."""

from collections.abc import Mapping

from flask import Flask, get_template_attribute
from markupsafe import Markup

from portal.community.fragments import remembered
from portal.community.queries import CommentRow
from portal.community.rules import Branch
from portal.ideas.lists import IdeaRow
from portal.kernel.formats import since
from portal.members.session import current_viewer

ROW = "ideas/_row.html"
THREAD = "ideas/_comments.html"


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


def branch(one: Branch, comments: Mapping[int, CommentRow], *, may_hide: bool) -> Markup:
    """Return a comment and its replies."""
    viewer = current_viewer()
    shown = [comments[comment_id] for comment_id in (one.id, *one.replies)]
    mine = frozenset(comment.id for comment in shown if comment.author_id == viewer.member_id)
    signed_in = not viewer.is_anonymous

    def draw() -> str:
        return str(get_template_attribute(THREAD, "drawn_branch")(shown[0], shown[1:], mine, may_hide, signed_in))

    if not signed_in:
        return Markup(draw())  # noqa: S704 - drawn by a template
    ages = tuple(since(comment.created_at) for comment in shown)
    return remembered((tuple(shown), ages, mine, may_hide), draw)
