"""What moderators do: one thing, many at once, and back again."""

from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.members.policy import Viewer, access
from portal.members.session import current_viewer
from portal.moderation import queries, things, words
from portal.moderation.services import appeals, deciding, holding, joining, rooms, suspending, voices
from portal.moderation.views.queue import moderators

bp = Blueprint("moderation_acts", __name__, url_prefix="/staff/moderation")
BULK = {"approve", "hide", "spam"}
MOST = 50


def _text(name: str) -> str:
    return request.form.get(name, "")


def _number(name: str) -> int:
    value = request.form.get(name, type=int)
    if value is None:
        raise Invalid(fields={name: _("Choose one.")})
    return value


def _author(who: Viewer, kind: str, thing_id: int) -> int:
    return things.seen_by(who, kind, thing_id).author_id


Act = Callable[[Viewer, str, int, int | None], int]
ACTS: dict[str, Act] = {
    "approve": lambda who, kind, thing, item: deciding.approve(who, kind, thing, item_id=item),
    "hide": lambda who, kind, thing, item: deciding.hide(
        who, kind, thing, reason=_text("reason"), words=_text("words"), item_id=item
    ),
    "spam": lambda who, kind, thing, item: deciding.hide(
        who, kind, thing, reason="spam", words=_text("words"), item_id=item
    ),
    "restore": lambda who, kind, thing, _item: deciding.restore(who, kind, thing),
    "rephrase": lambda who, kind, thing, item: deciding.rephrase(who, kind, thing, words=_text("words"), item_id=item),
    "edit": lambda who, kind, thing, item: deciding.edit(
        who, kind, thing, title=_text("title"), body=_text("body"), words=_text("words"), item_id=item
    ),
    "move": lambda who, kind, thing, _item: rooms.move(who, kind, thing, _number("board"), words=_text("words")),
    "split": lambda who, kind, thing, _item: rooms.split(
        who, kind, thing, board=_text("board"), title=_text("title"), words=_text("words")
    ),
    "merge": lambda who, kind, thing, item: joining.merge(who, kind, thing, _number("into"), item_id=item),
    "distinct": lambda who, kind, thing, item: joining.distinct(who, kind, thing, item_id=item),
    "suspend": lambda who, kind, thing, _item: suspending.suspend(
        who, _author(who, kind, thing), term=_text("term"), reason=_text("reason"), words=_text("words")
    ),
    "lift": lambda who, kind, thing, _item: suspending.lift(who, _author(who, kind, thing)),
    "set_aside": lambda who, kind, thing, item: voices.set_aside(who, kind, thing, words=_text("words"), item_id=item),
    "purge": lambda who, kind, thing, _item: suspending.purge(who, _author(who, kind, thing), words=_text("words")),
}


@bp.post("/<kind>/<int:thing_id>/<verb>")
@access(moderators)
def act(kind: str, thing_id: int, verb: str) -> ResponseReturnValue:
    """Do one thing to one thing."""
    if verb not in ACTS:
        raise NotFound(_("There is no such page."))
    decision = ACTS[verb](current_viewer(), kind, thing_id, request.form.get("item", type=int))
    flash(_("Done: %(what)s. It is in the record, and can be undone for 30 days.", what=words.DONE[_verb(decision)]))
    return redirect(_back(), 303)


def _verb(decision_id: int) -> str:
    return deciding.for_update(decision_id).verb


@bp.post("/bulk")
@access(moderators)
def bulk() -> ResponseReturnValue:
    """Do the same to everything that was chosen; what somebody else decided meanwhile is left as it is and said."""
    viewer = current_viewer()
    verb = _text("verb")
    chosen = request.form.getlist("item", type=int)[:MOST]
    if verb not in BULK:
        raise Invalid(_("Choose what to do."))
    if not chosen:
        raise Invalid(_("Choose something first."))
    came = Counter(_one_of_many(viewer, verb, item_id) for item_id in sorted(chosen))
    if done := came["done"]:
        flash(ngettext("1 thing decided.", "%(num)s things decided.", done))
    if missed := came["missed"]:
        flash(
            ngettext("1 was decided by somebody else meanwhile.", "%(num)s were decided by others meanwhile.", missed),
            "warn",
        )
    if own := came["own"]:
        said = ngettext("1 is yours: somebody else decides it.", "%(num)s are yours: somebody else decides.", own)
        flash(said, "warn")
    return redirect(_back(), 303)


def _one_of_many(viewer: Viewer, verb: str, item_id: int) -> str:
    """Decide about one thing; return whether it was done, is the moderator's own, or was missed."""
    item = queries.one_waiting(viewer, item_id)
    if item.thing is None or item.queue != "post":
        return "missed"
    try:
        ACTS[verb](viewer, item.thing.kind, item.thing.id, item_id)
    except Forbidden:
        return "own"
    except Refused:
        return "missed"
    return "done"


@bp.post("/decisions/<int:decision_id>/undo")
@access(moderators)
def undo(decision_id: int) -> ResponseReturnValue:
    """Reverse a decision."""
    deciding.undo(decision_id, current_viewer())
    flash(_("Undone. Everything stands as it stood before."))
    return redirect(_back(), 303)


@bp.post("/appeals/<int:appeal_id>")
@access(moderators)
def appeal(appeal_id: int) -> ResponseReturnValue:
    """Decide an appeal."""
    granted = _text("granted") == "1"
    appeals.decide(
        current_viewer(), appeal_id, granted=granted, words=_text("words"), item_id=request.form.get("item", type=int)
    )
    flash(_("The appeal is granted: what was decided is undone.") if granted else _("The decision stands."))
    return redirect("/staff/moderation?queue=appeal", 303)


@bp.post("/newcomers/<int:board_id>")
@access(moderators)
def newcomers(board_id: int) -> ResponseReturnValue:
    """Say what a board holds of newcomers."""
    few = _number("first_posts")
    holding.set_rule(board_id, first_posts=few, links=_text("links") == "1", actor=current_viewer())
    flash(_("Saved."))
    return redirect("/staff/moderation/newcomers", 303)


def _back() -> str:
    """Return the page of ours that somebody came from; the queue without any."""
    came = urlsplit(request.referrer or "")
    own = came.netloc == request.host and came.path.startswith("/staff/moderation")
    return (came.path + (f"?{came.query}" if came.query else "")) if own else "/staff/moderation"
