"""The record of what staff did, for admins."""

from urllib.parse import urlencode

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue

from portal.members import queries as members
from portal.members.policy import access, access_of, role
from portal.members.rules import Role
from portal.members.services import audit
from portal.members.session import current_viewer

bp = Blueprint("moderation_audit", __name__, url_prefix="/staff/audit")
admins = role(Role.ADMIN)
PAGE = 50
WORD_MAX = 60
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@bp.before_app_request
def write_down() -> None:
    """Note every act of staff: whatever a route for roles changes stands in the record, if only by its name.

    What services write themselves says more, and then this says nothing.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    rule = access_of(view) if view is not None else None
    if rule is None or not rule.roles or request.method in SAFE:
        return
    numbers = {name: value for name, value in (request.view_args or {}).items() if isinstance(value, int)}
    subject = next(iter(numbers.values()), None)
    kind = next(iter(numbers), "page").removesuffix("_id")
    audit.note_unless_noted(current_viewer().member_id, str(request.endpoint), kind, subject)


@bp.get("")
@access(admins)
def index() -> ResponseReturnValue:
    """Show what staff did, the latest first; filtered by who, what and to which thing."""
    actor = request.args.get("actor", type=int)
    act = request.args.get("act", "").strip()[:WORD_MAX]
    kind = request.args.get("kind", "").strip()[:WORD_MAX]
    thing = request.args.get("thing", type=int)
    rows = audit.entries(
        actor_id=actor,
        act=act,
        subject=(kind, thing) if kind else None,
        before_id=request.args.get("before", type=int),
        size=PAGE,
    )
    more = rows[PAGE - 1].id if len(rows) > PAGE else None
    kept = {"actor": actor, "act": act, "kind": kind, "thing": thing}
    query = {name: value for name, value in {**kept, "before": more}.items() if value}
    return render_template(
        "moderation/audit.html",
        rows=rows[:PAGE],
        cards=members.member_cards([row.actor_id for row in rows]),
        acts=audit.acts(),
        kept=kept,
        next=f"?{urlencode(query)}" if more else "",
        first=request.path if request.args.get("before") else "",
        verdict=audit.verify() if request.args.get("verify") else None,
    )
