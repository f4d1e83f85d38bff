"""Members as staff finds and looks after them."""

from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.errors import Invalid, NotFound, Refused
from portal.members import queries, services
from portal.members.inviting.forms import KIND_WORDS, ROLE_WORDS
from portal.members.inviting.services import place_member
from portal.members.policy import access, role
from portal.members.queries import people
from portal.members.queries.joined import merges_of
from portal.members.queries.people import MembersWanted
from portal.members.rules import NAME_MAX, Kind, Role
from portal.members.services import audit, merging
from portal.members.session import current_viewer, fresh

bp = Blueprint("staff_members", __name__)
STAFF = role(Role.MODERATOR, Role.SUPPORT_AGENT, Role.BRAND_MANAGER)
ADMIN = role(Role.ADMIN)


@bp.get("/staff/members")
@access(STAFF)
def members() -> ResponseReturnValue:
    """Find members by name, address or handle, and by kind, role and organisation."""
    kind, rank = request.args.get("kind"), request.args.get("role")
    wanted = MembersWanted(
        words=request.args.get("q", "").strip()[:NAME_MAX],
        kind=kind if kind in set(Kind) else None,
        role=rank if rank in set(Role) else None,
        organisation_id=request.args.get("organisation", type=int),
        placeholders=request.args.get("imported") == "1",
    )
    kept = {name: value for name, value in request.args.items() if name != "cursor" and value}
    page = people.search_members(wanted, request.args.get("cursor"))
    return render_template(
        "members/staff_members.html",
        wanted=wanted,
        kind=wanted.kind,
        kinds=queries.count_by_kind(),
        roles=ROLE_WORDS,
        kind_words=KIND_WORDS,
        organisations=people.organisations(),
        members=page,
        first="/staff/members?" + urlencode(kept) if "cursor" in request.args else "",
        next="/staff/members?" + urlencode({**kept, "cursor": page.next}) if page.next else "",
    )


@bp.get("/staff/members/<int:member_id>")
@access(STAFF)
def member(member_id: int) -> ResponseReturnValue:
    """Show a member with what only staff sees: address, identities with their evidence, roles, joined accounts."""
    who = people.staff_view(member_id)
    return render_template(
        "members/staff_member.html",
        who=who,
        identities=people.identities_of(member_id),
        merges=merges_of(member_id),
        roles=ROLE_WORDS,
        kind_words=KIND_WORDS,
        organisations=people.organisations(),
    )


@bp.post("/staff/members/<int:member_id>/roles")
@access(ADMIN)
@fresh
def set_roles(member_id: int) -> ResponseReturnValue:
    """Give a member of staff exactly the roles that are ticked."""
    who, wanted = people.staff_view(member_id), request.form.getlist("roles")
    if wanted and who.card.kind != Kind.STAFF:
        raise Refused(_("Roles are for staff. Make this member staff first."))
    if member_id == current_viewer().id and Role.ADMIN in who.roles and Role.ADMIN not in wanted:
        raise Refused(_("You cannot take the role of an admin from yourself; another admin can."))
    services.set_roles(member_id, wanted, actor_id=current_viewer().id)
    before, after = list(who.roles), sorted(set(wanted))
    audit.note(current_viewer().id, "member.roles", "member", member_id, before=before, after=after)
    flash(_("Saved. It holds from her next page on."))
    return redirect(f"/staff/members/{member_id}", 303)


@bp.post("/staff/members/<int:member_id>/place")
@access(ADMIN)
@fresh
def place(member_id: int) -> ResponseReturnValue:
    """Say what a member is to the company, and where she belongs."""
    try:
        place_member(
            current_viewer(),
            member_id,
            kind=request.form.get("kind", ""),
            organisation_id=request.form.get("organisation", type=int) or None,
            organisation_admin=request.form.get("organisation_admin") == "1",
        )
    except Invalid as refusal:
        flash(" ".join(str(sentence) for sentence in refusal.fields.values()), "error")
    else:
        flash(_("Saved. It holds from her next page on."))
    return redirect(f"/staff/members/{member_id}", 303)


@bp.post("/staff/members/<int:member_id>/merge")
@access(ADMIN)
@fresh
def merge(member_id: int) -> ResponseReturnValue:
    """Join another account to this one: both are one person's."""
    other = _number_in(request.form.get("other", ""))
    try:
        merging.merge_members(member_id, other, actor_id=current_viewer().id, evidence=request.form.get("evidence", ""))
    except (Invalid, NotFound, Refused) as refusal:
        flash(str(refusal), "error")
    else:
        flash(_("Joined. Everything stands under this account now, and each vote counts once."))
    return redirect(f"/staff/members/{member_id}#joined-h", 303)


def _number_in(text: str) -> int:
    """Return the member that somebody names by number, by the address of a page, or by e-mail; 0 for nobody."""
    line = text.strip()
    if "@" in line and "/" not in line:
        return queries.member_id_by_email(line) or 0
    digits = [part for part in line.replace("#", "/").split("/") if part.isdecimal()]
    return min(int(digits[0]), 2**62) if digits else 0


@bp.post("/staff/merges/<int:merge_id>/undo")
@access(ADMIN)
@fresh
def unmerge(merge_id: int) -> ResponseReturnValue:
    """Part two accounts again."""
    undone = merging.unmerge_members(merge_id, actor_id=current_viewer().id)
    flash(_("Parted. Each account has again what it had."))
    return redirect(f"/staff/members/{undone.kept_id}#joined-h", 303)
