"""Browsers that may be reached: what the script of the page sends when a member allows it or not any more."""

from flask import Blueprint, current_app, flash, redirect, request, send_from_directory
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.errors import Invalid
from portal.members.policy import access, anyone, signed_in
from portal.members.session import current_session_key, current_viewer
from portal.notifications import pushing, queries
from portal.notifications.services import preferences

bp = Blueprint("notification_push", __name__)
LIST = "/account/notifications"


@bp.get("/push-worker.js")
@access(anyone)
def worker() -> ResponseReturnValue:
    """Serve the script that browsers run when a push arrives; from the root, so that it may open any page."""
    answer = send_from_directory(str(current_app.static_folder), "js/push-worker.js", max_age=3600)
    answer.headers["Content-Type"] = "text/javascript; charset=utf-8"
    return answer


@bp.post(f"{LIST}/devices")
@access(signed_in, suspended=True)
def add_device() -> ResponseReturnValue:
    """Let this browser be reached."""
    form = request.form
    keys = {"p256dh": form.get("p256dh", ""), "auth": form.get("auth", "")}
    endpoint = form.get("endpoint", "")
    if wrong := pushing.why_not(endpoint, **keys):
        raise Invalid(fields={wrong: _("A browser gives this by itself; it cannot be typed.")})
    preferences.subscribe(
        current_viewer().id, endpoint=endpoint, agent=str(request.user_agent), session=current_session_key(), **keys
    )
    return "", 204


@bp.post(f"{LIST}/devices/known")
@access(signed_in, suspended=True)
def is_known() -> ResponseReturnValue:
    """Say whether this browser is still reached: it cannot know that it was removed elsewhere, or signed out since."""
    return {"known": queries.is_reached(current_viewer().id, request.form.get("endpoint", ""))}


@bp.post(f"{LIST}/devices/remove")
@access(signed_in, suspended=True)
def remove_device() -> ResponseReturnValue:
    """Do not reach a browser any more: this one, by its address, or another of the list."""
    form, mine = request.form, current_viewer().id
    if form.get("endpoint"):
        preferences.unsubscribe(mine, endpoint=form["endpoint"])
        return "", 204
    number = form.get("device", "")
    preferences.unsubscribe(mine, device_id=min(int(number), 2**62) if number.isascii() and number.isdigit() else 0)
    flash(_("This browser is not reached any more."))
    return redirect(LIST, 303)
