"""The page on which a member looks after how she signs in, and its parts: app, codes, second step, sessions."""

from flask import current_app, flash, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.errors import Invalid
from portal.members import mail, queries, services
from portal.members.agents import device_of
from portal.members.policy import access, signed_in
from portal.members.session import current_session_key, current_viewer, fresh
from portal.members.signing import oidc
from portal.members.signing.drawing import qr_code
from portal.members.signing.forms import AppCodeForm, PasskeyForm
from portal.members.signing.party import passkey_party as party
from portal.members.signing.queries import passkeys_of, password_of, sign_ins_of
from portal.members.signing.services import providers, second_step
from portal.members.signing.views.doors import SECURITY, bp


@bp.get("/account/security")
@access(signed_in)
def security() -> ResponseReturnValue:
    """Show how a member signs in, where she is in, and who tried."""
    return render_template("members/security.html", **overview())


def overview() -> dict[str, object]:
    """Return what the page of security shows."""
    viewer = current_viewer()
    links = providers.links_of(viewer.id)
    linked = {link.issuer for link in links}
    labels = {one.issuer: one.label for one in oidc.providers()}
    has_app = second_step.has_app(viewer.id)
    return {
        "email": queries.email_of(viewer.id),
        "can_mail": mail.is_possible(),
        "has_password": password_of(viewer.id) is not None,
        "has_app": has_app,
        "required": second_step.is_required(viewer.id),
        "codes_left": second_step.recovery_codes_left(viewer.id),
        "passkeys": passkeys_of(viewer.id),
        "passkey": PasskeyForm(formdata=None),
        "party": party(),
        "links": [(link, labels.get(link.issuer, link.issuer)) for link in links],
        "unlinked": [one for one in oidc.providers() if one.issuer not in linked],
        "sessions": [(one, device_of(one.agent)) for one in queries.sessions_of(viewer.id, current_session_key())],
        "sign_ins": [(one, device_of(one.agent)) for one in sign_ins_of(viewer.id)],
        "way_word": way_word,
    }


def way_word(way: str) -> str:
    """Return in words by what somebody came in."""
    if way.startswith("oidc:"):
        one = oidc.provider(way.removeprefix("oidc:"))
        return one.label if one else way.removeprefix("oidc:")
    words = {
        "password": _("password"),
        "passkey": _("passkey"),
        "code": _("code"),
        "register": _("new profile"),
        "change": _("new password"),
        "confirm": _("link in a mail"),
        "link": _("link in a mail"),
        "reset": _("link in a mail"),
        "invitation": _("invitation"),
        "again": _("asked again"),
    }
    return str(words.get(way, way))


@bp.get("/account/security/app")
@access(signed_in)
@fresh
def app() -> ResponseReturnValue:
    """Show the picture that an app reads."""
    return _app(AppCodeForm(formdata=None))


@bp.post("/account/security/app")
@access(signed_in, suspended=True)
@fresh
def confirm_app() -> ResponseReturnValue:
    """Take the app into use with the first code that it shows, and give recovery codes."""
    form, viewer = AppCodeForm(), current_viewer()
    if not form.validate():
        return _app(form), 422
    was_required = second_step.is_required(viewer.id)
    try:
        second_step.confirm_app(viewer.id, form.code.data or "")
    except Invalid as refusal:
        form.code.errors = [str(refusal)]
        return _app(form), 422
    key = current_session_key()
    services.note_proof(key or "", second_factor=True)
    second_step.close_weaker_sessions(viewer.id, key)
    if was_required and second_step.recovery_codes_left(viewer.id):
        flash(_("The app is in use."))
        return redirect(SECURITY)
    return _codes(second_step.make_recovery_codes(viewer.id))


def _app(form: AppCodeForm) -> str:
    viewer = current_viewer()
    site = str(current_app.config["PORTAL_NAME"])
    account = queries.email_of(viewer.id) or viewer.name
    address = second_step.app_address(viewer.id, account=account, site=site)
    key = second_step.spaced(second_step.begin_app(viewer.id))
    picture = qr_code(address, _("A picture for the app’s camera; the key below says the same."))
    return render_template("members/app.html", form=form, picture=picture, key=key, address=address)


@bp.post("/account/security/app/remove")
@access(signed_in, suspended=True)
@fresh
def remove_app() -> ResponseReturnValue:
    """Forget a member's app."""
    second_step.remove_app(current_viewer().id)
    flash(_("The app is removed."))
    return redirect(SECURITY)


@bp.post("/account/security/codes")
@access(signed_in, suspended=True)
@fresh
def codes() -> ResponseReturnValue:
    """Make new recovery codes and show them, this once."""
    viewer = current_viewer()
    if not second_step.is_required(viewer.id):
        flash(_("Recovery codes come with a second step: set one up first."), "warn")
        return redirect(SECURITY)
    return _codes(second_step.make_recovery_codes(viewer.id))


def _codes(made: list[str]) -> str:
    return render_template("members/codes.html", codes=made, left=len(made))


@bp.post("/account/security/second-step")
@access(signed_in, suspended=True)
@fresh
def ask_second_step() -> ResponseReturnValue:
    """Ask for a passkey after the password, too."""
    viewer, key = current_viewer(), current_session_key()
    second_step.require(viewer.id)
    second_step.close_weaker_sessions(viewer.id, key)
    return _codes(second_step.make_recovery_codes(viewer.id))


@bp.post("/account/security/second-step/end")
@access(signed_in, suspended=True)
@fresh
def end_second_step() -> ResponseReturnValue:
    """Ask for the password alone again."""
    second_step.stop_requiring(current_viewer().id)
    flash(_("From now on the password alone is asked."))
    return redirect(SECURITY)
