"""Voting and proposing before one has an account: what the link in the mail sets free."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_wtf import FlaskForm

from portal.community import queries as community
from portal.community.registry import describe
from portal.community.rules import TAG_MAX, TAGS_MAX, origin_of
from portal.ideas import queries, rules, services, twins
from portal.ideas.forms import IdeaForm
from portal.kernel.errors import Invalid, Refused
from portal.members.doors import are_welcome
from portal.members.guests import asking
from portal.members.guests.services import does_for_guests, names_for_guests
from portal.members.policy import NOBODY, Viewer, access, anyone
from portal.members.session import current_viewer

bp = Blueprint("ideas_guests", __name__)
FARTHEST = 10_000
"""Positions in a list are remembered up to here."""


class VoteForm(asking.AsGuest, FlaskForm):  # type: ignore[misc]
    """Who supports an idea without having signed in."""


class ProposalForm(asking.AsGuest, IdeaForm):
    """An idea, and who proposes it without having signed in."""


@does_for_guests("vote")
def cast(viewer: Viewer, said: Mapping[str, Any]) -> str:
    """Let the vote stand from now on, with the list and the place it was given from.

    An idea that was merged meanwhile stands in another one, and so does her vote.
    """
    idea_id = twins.merged_into(said["idea_id"]) or said["idea_id"]
    services.cast_vote(idea_id, viewer, origin=said["origin"], position=said["position"])
    return f"/ideas/{idea_id}"


@names_for_guests("vote")
def titles(said: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the ideas are called that guests voted for, as anybody may see it; nothing for those out of sight."""
    things = [("idea", one["idea_id"]) for one in said]
    cards = describe(NOBODY, things)
    return [cards[thing].title if thing in cards else "" for thing in things]


@does_for_guests("idea")
def propose(viewer: Viewer, said: Mapping[str, Any]) -> str:
    """Put the idea on its board."""
    return f"/ideas/{services.propose_idea(viewer, **said)}"


@bp.route("/ideas/<int:idea_id>/support", methods=["GET", "POST"])
@access(anyone)
def support(idea_id: int) -> ResponseReturnValue:
    """Support an idea with a name and an address; whoever has signed in votes on the idea's page."""
    viewer = current_viewer()
    idea = queries.idea_page(viewer, idea_id)
    if not viewer.is_anonymous:
        return redirect(idea.url)
    if not are_welcome(idea.board.key):
        return redirect(f"/sign-in?next={idea.url}")
    if idea.stage in rules.CLOSED:
        raise Refused(services.REFUSALS[rules.Refusal.CLOSED])
    form = VoteForm()
    origin, position = origin_of(request.args.get("from")), request.args.get("at", type=int)
    said = {"idea_id": idea_id, "origin": origin, "position": min(max(position, 0), FARTHEST) if position else None}
    if form.validate_on_submit() and _leave("vote", form, "", said):
        return redirect(f"/guests/sent?next={idea.url}", 303)
    return render_template("ideas/guest_vote.html", form=form, idea=idea), 422 if form.errors else 200


@bp.route("/ideas/new/guest", methods=["GET", "POST"])
@access(anyone)
def new() -> ResponseReturnValue:
    """Propose an idea with a name and an address; whoever has signed in proposes on the usual page."""
    viewer = current_viewer()
    if not viewer.is_anonymous:
        return redirect("/ideas/new")
    boards = [one for one in community.boards_for(viewer, "ideas") if are_welcome(one.key)]
    if not boards:
        return redirect("/sign-in?next=/ideas/new")
    form = ProposalForm()
    chosen = form.offer(boards, request.args.get("board"))
    if request.method == "GET" and not form.title.data:
        form.title.data = request.args.get("title", "")
    said = _checked(viewer, form) if form.validate_on_submit() else None
    if said is not None and _leave("idea", form, said["title"], said):
        return redirect("/guests/sent?next=/ideas", 303)
    return render_template("ideas/guest_new.html", form=form, boards=boards, board=chosen), 422 if form.errors else 200


def _checked(viewer: Viewer, form: ProposalForm) -> dict[str, Any] | None:
    """Return what will be proposed, or None when something typed needs mending."""
    category = str(form.category.data or "")
    said = {
        "board": form.board.data,
        "title": form.title.data or "",
        "body": form.body.data or "",
        "category": category if category in form.offered else "",
    }
    try:
        services.check_idea(viewer, **said)
    except Invalid as refusal:
        asking.say_in(form, refusal)
        return None
    return {**said, "tags": [word for word in form.words() if len(word) <= TAG_MAX][:TAGS_MAX]}


def _leave(kind: str, form: Any, title: str, said: Mapping[str, Any]) -> bool:
    """Keep the act and mail the link; return whether that went well."""
    locale = get_locale()
    lang = locale.language if locale is not None else "en"
    try:
        asking.leave(kind, email=form.guest_email.data, name=form.guest_name.data, lang=lang, title=title, payload=said)
    except Invalid as refusal:
        asking.say_in(form, refusal)
        return False
    return True
