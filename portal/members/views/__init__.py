"""Pages on which members look after themselves, and simple pages about people."""

from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from portal.kernel.errors import Forbidden, Invalid
from portal.members import queries, services
from portal.members.forms import ConsentForm, ProfileForm, TokenForm
from portal.members.mail import is_possible
from portal.members.policy import access, role, signed_in
from portal.members.rules import Kind, Purpose, Role
from portal.members.session import current_viewer, forget_viewer, fresh
from portal.members.signing.views.doors import SECURITY
from portal.members.views import identities as identities
from portal.members.views import staff_members as staff_members

bp = Blueprint("members", __name__)
STAFF = role(Role.MODERATOR, Role.SUPPORT_AGENT, Role.BRAND_MANAGER)


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(bp)
    for room in (staff_members, identities):
        app.register_blueprint(room.bp)


@bp.get("/account")
@access(signed_in)
def account() -> ResponseReturnValue:
    """Show what a member can set."""
    return _account(ProfileForm(obj=queries.profile(current_viewer().id)))


@bp.post("/account")
@access(signed_in)
def change_account() -> ResponseReturnValue:
    """Take over what a member says about herself."""
    form = ProfileForm()
    if not form.validate():
        return _account(form), 422
    said = {name: form[name].data or "" for name in ("name", "job", "city", "bio", "lang")}
    try:
        services.change_profile(current_viewer().id, **said)
    except Invalid as refusal:
        _say_in(form, refusal)
        return _account(form), 422
    forget_viewer()
    with force_locale(said["lang"]):
        flash(_("Saved."))
    return redirect("/account")


def _account(form: ProfileForm) -> str:
    viewer = current_viewer()
    return render_template(
        "members/account.html",
        form=form,
        who=queries.profile(viewer.id),
        email=queries.email_of(viewer.id),
        can_confirm=is_possible(),
        consent=ConsentForm(data={"crm": queries.agrees(viewer.id, Purpose.CRM)}),
    )


def _say_in(form: Any, refusal: Invalid) -> None:
    """Put a refusal's sentences beside the fields they are about."""
    for name, sentence in refusal.fields.items():
        if name in form:
            form[name].errors = [*form[name].errors, sentence]


@bp.post("/account/consent")
@access(signed_in, suspended=True)
def consent() -> ResponseReturnValue:
    """Take over what a member agrees to."""
    given = bool(ConsentForm().crm.data)
    services.say_consent(current_viewer().id, Purpose.CRM, given=given)
    flash(_("Saved. From now on nothing of you is shared.") if not given else _("Saved. Thank you."))
    return redirect("/account")


@bp.post("/account/sessions/<int:session_id>/close")
@access(signed_in, suspended=True)
def close_session(session_id: int) -> ResponseReturnValue:
    """Sign a member out on another of her devices."""
    services.close_session_of(current_viewer().id, session_id)
    flash(_("That device is signed out."))
    return redirect(SECURITY)


@bp.get("/account/tokens")
@access(signed_in)
@fresh
def tokens() -> ResponseReturnValue:
    """Show a member's tokens for programs."""
    return _tokens(TokenForm(formdata=None))


@bp.post("/account/tokens")
@access(signed_in)
@fresh
def create_token() -> ResponseReturnValue:
    """Make a token and show it, this once."""
    form = TokenForm()
    if current_viewer().sleeping:
        raise Forbidden(_("Set up a second proof first: a token would carry your role."))
    if not form.validate():
        return _tokens(form), 422
    try:
        made = services.create_token(current_viewer().id, name=form.name.data or "", scopes=form.scopes.data or [])
    except Invalid as refusal:
        _say_in(form, refusal)
        return _tokens(form), 422
    except Forbidden as refusal:
        form.scopes.errors = [str(refusal)]
        return _tokens(form), 422
    return _tokens(TokenForm(formdata=None), made), 201, {"Cache-Control": "no-store"}


@bp.post("/account/tokens/<int:token_id>/revoke")
@access(signed_in, suspended=True)
def revoke_token(token_id: int) -> ResponseReturnValue:
    """Make a token useless."""
    services.revoke_token(current_viewer().id, token_id)
    flash(_("Revoked. Programs that used it are shut out from now on."))
    return redirect("/account/tokens")


def _tokens(form: TokenForm, made: str = "") -> str:
    viewer = current_viewer()
    mine = queries.tokens_of(viewer.id)
    return render_template(
        "members/tokens.html", form=form, tokens=mine, made=made, is_admin=viewer.has_role(Role.ADMIN)
    )


@bp.get("/members")
@access(signed_in)
def members() -> ResponseReturnValue:
    """List the members, the newest first."""
    return _list_members("members/members.html")


def _list_members(template: str) -> str:
    kind = request.args.get("kind")
    kind = kind if kind in set(Kind) else None
    return render_template(
        template,
        kind=kind,
        kinds=queries.count_by_kind(),
        members=queries.newest_members(request.args.get("cursor"), kind=kind),
        paged="cursor" in request.args,
    )
