"""Reactions: buttons that take the wanted state, so that two clicks are one."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.community import registry, rules
from portal.community.queries import conversation as queries
from portal.community.services import reactions as services
from portal.kernel.errors import Invalid, NotFound
from portal.members.policy import access, anyone, signed_in
from portal.members.session import current_viewer

bp = Blueprint("reactions", __name__)


@bp.post("/reactions/<kind>/<int:target_id>")
@access(signed_in)
def react(kind: str, target_id: int) -> ResponseReturnValue:
    """React (``thanks=1``) or take it back (``thanks=0``); scripts get the buttons back, browsers the page."""
    viewer = current_viewer()
    name = next((name for name in rules.Reaction if name in request.form), None)
    if name is None:
        raise Invalid(fields={"reaction": _("Choose one of: %(known)s.", known=", ".join(rules.Reaction))})
    marks = services.react(viewer, kind, target_id, name, on=request.form[name] == "1")
    if request.headers.get("HX-Request"):
        return _buttons(kind, target_id, marks, own=False)
    card = registry.describe(viewer, [(kind, target_id)])[kind, target_id]
    return redirect(card.url, 303)


@bp.get("/reactions/<kind>/<int:target_id>")
@access(anyone)
def buttons(kind: str, target_id: int) -> ResponseReturnValue:
    """Return the buttons as they stand, for pages that were told of a change."""
    viewer = current_viewer()
    card = registry.describe(viewer, [(kind, target_id)]).get((kind, target_id)) if kind in services.KINDS else None
    if card is None:
        raise NotFound(_("There is nothing here to react to."))
    marks = queries.reactions_to(kind, target_id, viewer.member_id)
    return _buttons(kind, target_id, marks, own=viewer.member_id == card.author_id)


def _buttons(kind: str, target_id: int, marks: str, *, own: bool) -> str:
    return render_template("community/_reacted.html", kind=kind, id=target_id, marks=marks, own=own)
