"""Passkeys: made and removed on the page of security, used on the page of signing in."""

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.errors import Invalid, TooMany
from portal.members.agents import device_of
from portal.members.policy import access, anyone, signed_in
from portal.members.services import note_proof
from portal.members.session import current_session_key, current_viewer, fresh
from portal.members.signing import attempts
from portal.members.signing.entering import enter
from portal.members.signing.forms import TOO_MANY, PasskeyForm
from portal.members.signing.services import passkeys
from portal.members.signing.views.doors import SECURITY, bp, must_have_party
from portal.members.signing.views.security import overview


@bp.post("/sign-in/passkey/options")
@access(anyone)
def sign_in_options() -> ResponseReturnValue:
    """Say what the device of somebody who has not said who she is shall sign."""
    if not attempts.may_come_from_here():
        raise TooMany(TOO_MANY)
    return passkeys.options_to_prove(must_have_party())


@bp.post("/sign-in/passkey")
@access(anyone)
def sign_in() -> ResponseReturnValue:
    """Let in whoever holds a passkey. The device has checked who she is: that is two proofs."""
    form = PasskeyForm()
    try:
        proof = passkeys.prove(form.answer.data or "", ticket=form.ticket.data or "", party=must_have_party())
    except Invalid as refusal:
        attempts.refused_here()
        flash(str(refusal), "error")
        return redirect("/sign-in")
    remember = bool(request.form.get("remember"))
    return enter(
        proof.member_id,
        way="passkey",
        second_factor=proof.checked,
        remember=remember,
        next_path=request.form.get("next"),
    )


@bp.post("/account/security/passkeys/options")
@access(signed_in, suspended=True)
@fresh
def add_options() -> ResponseReturnValue:
    """Say what passkey the device is to make."""
    return passkeys.options_to_add(current_viewer().id, must_have_party())


@bp.post("/account/security/passkeys")
@access(signed_in, suspended=True)
@fresh
def add() -> ResponseReturnValue:
    """Keep the passkey that a device made."""
    form, viewer = PasskeyForm(), current_viewer()
    name = (form.name.data or "").strip() or device_of(request.headers.get("User-Agent", "")) or _("Passkey")
    try:
        passkeys.add(
            viewer.id, form.answer.data or "", name=name, ticket=form.ticket.data or "", party=must_have_party()
        )
    except Invalid as refusal:
        return render_template("members/security.html", problem=str(refusal), **overview()), 422
    note_proof(current_session_key() or "")
    flash(_("The passkey is added. Sign in with it from now on."))
    return redirect(SECURITY)


@bp.post("/account/security/passkeys/<int:passkey_id>/name")
@access(signed_in, suspended=True)
@fresh
def rename(passkey_id: int) -> ResponseReturnValue:
    """Call a passkey by another name."""
    passkeys.rename(current_viewer().id, passkey_id, request.form.get("name", ""))
    flash(_("Saved."))
    return redirect(SECURITY)


@bp.post("/account/security/passkeys/<int:passkey_id>/remove")
@access(signed_in, suspended=True)
@fresh
def remove(passkey_id: int) -> ResponseReturnValue:
    """Forget a passkey."""
    passkeys.remove(current_viewer().id, passkey_id)
    flash(_("The passkey is removed."))
    return redirect(SECURITY)
