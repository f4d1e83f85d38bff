"""The way out of mails: one click, without signing in (RFC 8058). Only the signed words of a mail open it.

Looking at the page changes nothing, because programs that check links look at it, too.
"""

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from portal.kernel.errors import NotFound
from portal.members.policy import Viewer, access, anyone
from portal.members.queries.several import viewers_of
from portal.notifications import digests, labels, tokens
from portal.notifications.rules.kinds import Kind, Way
from portal.notifications.services import preferences
from portal.notifications.tokens import Unsubscribe

bp = Blueprint("notification_stop", __name__)


@bp.get("/notifications/stop/<token>")
@access(anyone)
def ask(token: str) -> ResponseReturnValue:
    """Show what a link stops, each with its button."""
    what, viewer = _what(token)
    with force_locale(viewer.lang or "en"):
        return _page(token, what, viewer)


@bp.post("/notifications/stop/<token>")
@access(anyone)
def stop(token: str) -> ResponseReturnValue:
    """Stop it: the kind (also by a program's one click), the thing, every mail; or take it up again."""
    what, viewer = _what(token)
    wish = request.form.get("stop") or "kind"
    _act(what, wish)
    with force_locale(viewer.lang or "en"):
        return _page(token, what, viewer, done=wish)


def _what(token: str) -> tuple[Unsubscribe, Viewer]:
    what = tokens.read(token)
    viewer = viewers_of([what.member_id]).get(what.member_id) if what is not None else None
    if what is None or viewer is None:
        raise NotFound(_("This link is not complete. Sign in to choose what you want to hear."))
    return what, viewer


def _act(what: Unsubscribe, wish: str) -> None:
    again = wish.startswith("again-")
    match wish.removeprefix("again-"):
        case "kind" if what.kind == digests.STOP:
            preferences.want_digests(what.member_id, wanted=again)
        case "kind" if what.kind in set(Kind):
            preferences.want(what.member_id, Kind(what.kind), Way.MAIL, wanted=again)
        case "thing" if what.thing_id:
            (preferences.unmute if again else preferences.mute)(what.member_id, what.thing_kind, what.thing_id)
        case "kind" | "all":
            preferences.want_mails(what.member_id, wanted=again)


def _page(token: str, what: Unsubscribe, viewer: Viewer, done: str = "") -> str:
    is_digest, is_all = what.kind == digests.STOP, what.kind == tokens.EVERYTHING
    return render_template(
        "notifications/stop.html",
        token=token,
        is_digest=is_digest,
        is_all=is_all,
        kind=_("Digests") if is_digest else "" if is_all else labels.kind_words()[Kind(what.kind)],
        thing=labels.title_of(viewer, what.thing_kind, what.thing_id),
        done=done.replace("kind", "all") if is_all else done,
        name=current_app.config["PORTAL_NAME"],
    )
