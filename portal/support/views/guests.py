"""Asking before one has an account: what the link in the mail sets free."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from portal.community import facade as community
from portal.community.rules import TAG_MAX, TAGS_MAX
from portal.kernel.errors import Invalid
from portal.members.doors import are_welcome
from portal.members.guests import asking
from portal.members.guests.services import does_for_guests
from portal.members.policy import Viewer, access, anyone
from portal.members.session import current_viewer
from portal.support import services
from portal.support.forms import QuestionForm

bp = Blueprint("support_guests", __name__)


class GuestQuestionForm(asking.AsGuest, QuestionForm):
    """A question, and who asks it without having signed in."""


@does_for_guests("question")
def ask(viewer: Viewer, said: Mapping[str, Any]) -> str:
    """Put the question to its board."""
    return f"/questions/{services.ask_question(viewer, **said)}"


@bp.route("/questions/ask/guest", methods=["GET", "POST"])
@access(anyone)
def new() -> ResponseReturnValue:
    """Ask with a name and an address; whoever has signed in asks on the usual page."""
    viewer = current_viewer()
    if not viewer.is_anonymous:
        return redirect("/questions/ask")
    every = community.boards_for(viewer, community.BoardType.SUPPORT)
    boards = [one for one in every if are_welcome(one.key)]
    if not boards:
        return redirect("/sign-in?next=/questions/ask")
    form = GuestQuestionForm(title=request.args.get("title", ""))
    form.offer(boards, request.args.get("board"))
    if form.validate_on_submit() and _leave(viewer, form):
        return redirect("/guests/sent?next=/questions", 303)
    return render_template("support/guest_ask.html", form=form, boards=boards), 422 if form.errors else 200


def _leave(viewer: Viewer, form: GuestQuestionForm) -> bool:
    """Keep the question and mail the link; return whether that went well."""
    said = {
        "board": form.board.data,
        "title": form.title.data or "",
        "body": form.body.data or "",
        "category": form.category.data or "",
    }
    tags = [word for word in form.words() if len(word) <= TAG_MAX][:TAGS_MAX]
    locale = get_locale()
    try:
        services.check_question(viewer, **said)
        asking.leave(
            "question",
            email=form.guest_email.data or "",
            name=form.guest_name.data or "",
            lang=locale.language if locale is not None else "en",
            title=said["title"],
            payload={**said, "tags": tags},
        )
    except Invalid as refusal:
        asking.say_in(form, refusal)
        return False
    return True
