"""What a text said before: its versions, what changed from one to the next, and the way back."""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.community import registry
from portal.community.diffs import Piece, counts, diff
from portal.community.queries.conversation import Version
from portal.community.services import revisions as services
from portal.members.policy import access, anyone, role, signed_in
from portal.members.rules import Role
from portal.members.session import current_viewer

bp = Blueprint("history", __name__)
SHOWN = 50
"""Versions on one page, the latest; earlier ones are reached by their number."""


@dataclass(frozen=True, slots=True)
class Step:
    """A version and what is different from the one before."""

    version: Version
    title: list[Piece]
    body: list[Piece]
    came: int
    went: int
    first: bool
    last: bool


@bp.get("/history/<kind>/<int:target_id>")
@access(anyone)
def history(kind: str, target_id: int) -> ResponseReturnValue:
    """Show the versions of a text, the latest first, each with what changed."""
    viewer = current_viewer()
    versions = services.history(viewer, kind, target_id)
    until = request.args.get("until", type=int) or versions[-1].number
    shown = [one for one in versions if until - SHOWN < one.number <= until]
    card = registry.describe(viewer, [(kind, target_id)])[kind, target_id]
    return render_template(
        "community/history.html",
        steps=[_step(versions, one) for one in reversed(shown)],
        versions=versions,
        card=card,
        kind=kind,
        earlier=shown[0].number - 1 if shown and shown[0].number > 1 else None,
        may_restore=card.author_id == viewer.member_id or viewer.has_role(Role.MODERATOR),
        may_redact=viewer.has_role(Role.MODERATOR),
    )


def _step(versions: list[Version], one: Version) -> Step:
    before = versions[one.number - 2] if one.number > 1 else None
    known = before is not None and not before.redacted
    title = diff(before.title, one.title) if before is not None and known else [Piece("same", one.title)]
    body = diff(before.body, one.body) if before is not None and known else [Piece("same", one.body)]
    came, went = counts([*title, *body])
    return Step(one, title, body, came, went, first=before is None, last=one.number == versions[-1].number)


@bp.post("/history/<kind>/<int:target_id>/<int:number>/restore")
@access(signed_in)
def restore(kind: str, target_id: int, number: int) -> ResponseReturnValue:
    """Bring an earlier version back."""
    services.restore(current_viewer(), kind, target_id, number)
    flash(_("That version stands again, as a new one."))
    return redirect(f"/history/{kind}/{target_id}", 303)


@bp.post("/history/<kind>/<int:target_id>/<int:number>/redact")
@access(role(Role.MODERATOR))
def redact(kind: str, target_id: int, number: int) -> ResponseReturnValue:
    """Take a version out of sight (``redact=1``) or show it again (``redact=0``)."""
    services.redact(current_viewer(), kind, target_id, number, on=request.form.get("redact", "1") == "1")
    return redirect(f"/history/{kind}/{target_id}#version-{number}", 303)
