"""An organisation's page: who belongs to it; its admin and staff also see who is asked in and who looks after it."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.errors import Forbidden, Invalid
from portal.members import queries
from portal.members.founding import found_organisation
from portal.members.inviting import mailing, services
from portal.members.inviting import queries as inviting
from portal.members.inviting.forms import ROLE_WORDS, AskInForm, OrganisationForm, StaffAskInForm, mark
from portal.members.policy import Viewer, access, anyone, role, signed_in
from portal.members.queries import people
from portal.members.rules import NAME_MAX, Role
from portal.members.session import current_viewer

bp = Blueprint("organisations", __name__)
STAFF = role(Role.MODERATOR, Role.SUPPORT_AGENT, Role.BRAND_MANAGER)


@bp.get("/organisations/<int:organisation_id>", defaults={"slug": ""})
@bp.get("/organisations/<int:organisation_id>/<slug>")
@access(anyone)
def show(organisation_id: int, slug: str) -> ResponseReturnValue:  # noqa: ARG001 - the id is enough
    """Show an organisation and its members."""
    return _page(organisation_id, AskInForm(formdata=None))


def _page(organisation_id: int, form: AskInForm) -> str:
    viewer = current_viewer()
    looks_after = not viewer.is_anonymous and services.may_look_after(viewer, organisation_id)
    return render_template(
        "members/organisation.html",
        organisation=queries.organisation_card(organisation_id),
        members=queries.members_of(organisation_id) if not looks_after else [],
        colleagues=people.colleagues(organisation_id) if looks_after else [],
        invited=inviting.invitations(organisation_id) if looks_after else [],
        looks_after=looks_after,
        form=form,
    )


@bp.post("/organisations/<int:organisation_id>/invitations")
@access(signed_in)
def ask_in(organisation_id: int) -> ResponseReturnValue:
    """Ask somebody in for an organisation."""
    queries.organisation_card(organisation_id)
    form, viewer = AskInForm(), current_viewer()
    if not services.may_look_after(viewer, organisation_id):
        raise Forbidden(_("Only the admin of an organisation, or staff, asks people in."))
    wish = {"organisation_id": organisation_id, "organisation_admin": bool(form.organisation_admin.data)}
    if form.validate() and _ask_in(viewer, form, wish):
        return redirect(f"/organisations/{organisation_id}", 303)
    return _page(organisation_id, form), 422


def _ask_in(viewer: Viewer, form: AskInForm, wish: dict[str, Any]) -> bool:
    """Make the invitation and mail it; return whether that went well."""
    try:
        card, secret = services.invite(viewer, email=form.email.data or "", lang=form.lang.data, **wish)
    except Invalid as refusal:
        mark(form, refusal)
        return False
    mailing.send(card, secret, lang=form.lang.data)
    flash(_("The invitation is on its way to %(email)s.", email=card.email))
    return True


@bp.post("/organisations/<int:organisation_id>/members/<int:member_id>/admin")
@access(signed_in)
def set_admin(organisation_id: int, member_id: int) -> ResponseReturnValue:
    """Let a member look after the organisation (``on=1``), or no longer."""
    on = request.form.get("on") == "1"
    services.set_organisation_admin(current_viewer(), member_id, organisation_id=organisation_id, on=on)
    flash(_("Saved."))
    return redirect(f"/organisations/{organisation_id}", 303)


@bp.post("/organisations/<int:organisation_id>/members/<int:member_id>/remove")
@access(signed_in)
def remove(organisation_id: int, member_id: int) -> ResponseReturnValue:
    """Let a member go."""
    services.remove_from_organisation(current_viewer(), member_id, organisation_id=organisation_id)
    flash(_("Saved. What she wrote stays where it is."))
    return redirect(f"/organisations/{organisation_id}", 303)


@bp.post("/invitations/<int:invitation_id>/resend")
@access(signed_in)
def resend(invitation_id: int) -> ResponseReturnValue:
    """Send an invitation once more, with a new link."""
    card, secret = services.resend(current_viewer(), invitation_id)
    mailing.send(card, secret, lang=request.form.get("lang", "en") if request.form.get("lang") == "it" else "en")
    flash(_("The invitation is on its way to %(email)s.", email=card.email))
    return redirect(_where(card.organisation_id), 303)


@bp.post("/invitations/<int:invitation_id>/revoke")
@access(signed_in)
def revoke(invitation_id: int) -> ResponseReturnValue:
    """Make an invitation's link useless."""
    card = inviting.invitation_card(invitation_id)
    services.revoke(current_viewer(), invitation_id)
    flash(_("The link opens nothing any more."))
    return redirect(_where(card.organisation_id), 303)


def _where(organisation_id: int | None) -> str:
    if current_viewer().is_staff or organisation_id is None:
        return "/staff/invitations"
    return f"/organisations/{organisation_id}"


# For staff


@bp.get("/staff/invitations")
@access(STAFF)
def invited() -> ResponseReturnValue:
    """List who was asked in, and ask somebody in."""
    form = StaffAskInForm(formdata=None)
    form.organisation.data = request.args.get("organisation", type=int) or 0
    return _invited(form)


@bp.post("/staff/invitations")
@access(STAFF)
def staff_asks_in() -> ResponseReturnValue:
    """Ask somebody in: staff with their roles by admins, others by any of the staff."""
    form = StaffAskInForm()
    form.offer()
    wish = {
        "kind": form.kind.data,
        "organisation_id": form.organisation.data or None,
        "organisation_admin": bool(form.organisation_admin.data),
        "roles": form.roles.data or [],
    }
    if form.validate() and _ask_in(current_viewer(), form, wish):
        return redirect("/staff/invitations", 303)
    return _invited(form), 422


def _invited(form: StaffAskInForm) -> str:
    form.offer()
    return render_template(
        "members/staff_invitations.html", form=form, invited=inviting.invitations(), roles=ROLE_WORDS
    )


@bp.get("/staff/organisations")
@access(STAFF)
def organisations() -> ResponseReturnValue:
    """List the organisations."""
    return _organisations(OrganisationForm(formdata=None))


@bp.post("/staff/organisations")
@access(STAFF)
def found() -> ResponseReturnValue:
    """Add an organisation."""
    form = OrganisationForm()
    if not form.validate():
        return _organisations(form), 422
    try:
        made = found_organisation(
            name=form.name.data or "",
            kind=form.kind.data,
            country=form.country.data or "",
            actor_id=current_viewer().id,
        )
    except Invalid as refusal:
        mark(form, refusal)
        return _organisations(form), 422
    flash(_("Added. Ask its people in."))
    return redirect(f"/organisations/{made}", 303)


def _organisations(form: OrganisationForm) -> str:
    words = request.args.get("q", "").strip()[:NAME_MAX]
    return render_template("members/staff_organisations.html", form=form, q=words, found=people.organisations(words))
