"""Asking before somebody gives away an address or a telephone number in a text that all will read.

The question stands before the views of `WATCHED`: the answer is a page with what was typed, to be changed there or
published as it is. It works without scripts; programs get ``warnings`` in the answer instead.
"""

from http import HTTPStatus

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue

from portal.community.giving_away import given_away
from portal.community.sending import with_files
from portal.kernel.errors import Invalid
from portal.members.session import current_viewer

WATCHED = frozenset({
    "ideas.new",
    "ideas.edit",
    "ideas.comment",
    "ideas_guests.new",
    "support_writing.ask",
    "support_writing.edit_question",
    "support_writing.answer",
    "support_writing.edit_answer",
    "support_writing.comment_on_question",
    "support_writing.comment_on_answer",
    "support_guests.new",
    "community.edit_comment",
})  # fmt: skip
TEXTS = ("title", "body")
ANYWAY = "publish_anyway"
NOT_SHOWN = frozenset({*TEXTS, "csrf_token", ANYWAY})


def init_app(app: Flask) -> None:
    """Stand before the views in which texts are written."""
    app.before_request(_ask_first)


def _ask_first() -> ResponseReturnValue | None:
    """Ask once whether it is meant; those who write for the company give its numbers on purpose."""
    if request.method != "POST" or request.endpoint not in WATCHED or request.form.get(ANYWAY):
        return None
    viewer = current_viewer()
    found = [] if viewer.is_staff else given_away(*(request.form.get(name, "") for name in TEXTS))
    if not found:
        return None
    try:
        body = with_files(viewer, request.form.get("body")) if not viewer.is_anonymous else request.form.get("body", "")
    except Invalid:
        return None  # the view says what is wrong with the file, and publishes nothing
    others = [(name, value) for name, value in request.form.items(multi=True) if name not in NOT_SHOWN]
    page = render_template(
        "community/giving_away.html", found=found, title=request.form.get("title"), body=body, others=others
    )
    return page, HTTPStatus.UNPROCESSABLE_ENTITY
