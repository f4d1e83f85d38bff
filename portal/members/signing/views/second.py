"""The second step of signing in, and the page that asks again who it is before something that matters."""

from flask import current_app, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue, ResponseValue
from flask_babel import gettext as _
from flask_security import verify_password

from portal.kernel.errors import Invalid, NotFound, Refused, TooMany
from portal.members import mail, queries, services
from portal.members.jobs import deliver
from portal.members.policy import access, anyone, signed_in
from portal.members.rules import own_path
from portal.members.session import current_session_key, current_viewer
from portal.members.signing import attempts, halfway, oidc
from portal.members.signing.entering import enter
from portal.members.signing.forms import TOO_MANY, AgainForm, CodeForm, PasskeyForm
from portal.members.signing.party import passkey_party as party
from portal.members.signing.queries import passkeys_of, password_of
from portal.members.signing.services import passkeys, providers, second_step, tickets
from portal.members.signing.views.doors import SECURITY, bp, must_have_party

AGAIN = "again"
LINK_MINUTES = 15


@bp.get("/sign-in/second")
@access(anyone)
def second() -> ResponseReturnValue:
    """Ask for the second step."""
    return _second(CodeForm(formdata=None))


@bp.post("/sign-in/second")
@access(anyone)
def second_code() -> ResponseReturnValue:
    """Let in whoever has shown a right code after the password."""
    here = halfway.who_is_halfway()
    if here is None:
        return _second(CodeForm(formdata=None))
    form = CodeForm()
    refused = _check_code(form, here.member.id, way="code")
    if refused:
        return _second(form), refused
    return enter(here.member.id, way=here.way, second_factor=True, remember=here.remember, next_path=here.next_path)


@bp.post("/sign-in/second/passkey/options")
@access(anyone)
def second_passkey_options() -> ResponseReturnValue:
    """Say what the device is to sign."""
    here = halfway.who_is_halfway()
    if here is None:
        raise NotFound(_("Begin again: too much time has passed."))
    return passkeys.options_to_prove(must_have_party(), here.member.id)


@bp.post("/sign-in/second/passkey")
@access(anyone)
def second_passkey() -> ResponseReturnValue:
    """Let in whoever has shown a passkey after the password."""
    here = halfway.who_is_halfway()
    if here is None:
        return _second(CodeForm(formdata=None))
    form = PasskeyForm()
    try:
        passkeys.prove(
            form.answer.data or "", ticket=form.ticket.data or "", party=must_have_party(), member_id=here.member.id
        )
    except Invalid as refusal:
        return _second(CodeForm(formdata=None), str(refusal)), 422
    return enter(here.member.id, way=here.way, second_factor=True, remember=here.remember, next_path=here.next_path)


def _second(form: CodeForm, problem: str = "") -> ResponseValue:
    here = halfway.who_is_halfway()
    if here is None:
        flash(_("Begin again: too much time has passed."), "warn")
        return redirect("/sign-in")
    return render_template(
        "members/second.html",
        form=form,
        problem=problem,
        has_app=second_step.has_app(here.member.id),
        has_passkey=party() is not None and bool(passkeys_of(here.member.id)),
        passkey=PasskeyForm(formdata=None),
    )


def _check_code(form: CodeForm, member_id: int, *, way: str) -> int:
    """Return 0 when the code is right, else the status of the answer; the form says why."""
    account = f"member {member_id}"
    if not form.validate():
        return 422
    if not attempts.may_try(account, code=True):
        form.code.errors = [TOO_MANY]
        return 429
    try:
        second_step.check_code(member_id, form.code.data or "")
    except Invalid as refusal:
        attempts.failed(member_id, way=way, outcome="wrong_code")
        form.code.errors = [str(refusal)]
        return 422
    attempts.was_right(account, code=True)
    return 0


# Once more


@bp.get("/account/again")
@access(signed_in)
def again() -> ResponseReturnValue:
    """Ask a member who is in to show once more that it is she."""
    return _again()


@bp.post("/account/again")
@access(signed_in, suspended=True)
def again_password() -> ResponseReturnValue:
    """Take the password, once more."""
    viewer, form = current_viewer(), AgainForm()
    account = queries.email_of(viewer.id) or f"member {viewer.id}"
    if not form.validate():
        return _again(form), 422
    if not attempts.may_try(account):
        form.password.errors = [TOO_MANY]
        return _again(form), 429
    kept = password_of(viewer.id)
    if kept is None or not verify_password(form.password.data or "", kept):
        attempts.failed(viewer.id, way="again", outcome="wrong_password")
        form.password.errors = [_("This is not your present password.")]
        return _again(form), 422
    attempts.was_right(account)
    return _proved()


@bp.post("/account/again/code")
@access(signed_in, suspended=True)
def again_code() -> ResponseReturnValue:
    """Take a code, once more."""
    form = CodeForm()
    refused = _check_code(form, current_viewer().id, way="again")
    if refused:
        return _again(code=form), refused
    return _proved(second_factor=True)


@bp.post("/account/again/passkey/options")
@access(signed_in, suspended=True)
def again_passkey_options() -> ResponseReturnValue:
    """Say what the device is to sign."""
    return passkeys.options_to_prove(must_have_party(), current_viewer().id)


@bp.post("/account/again/passkey")
@access(signed_in, suspended=True)
def again_passkey() -> ResponseReturnValue:
    """Take a passkey, once more."""
    form, viewer = PasskeyForm(), current_viewer()
    try:
        passkeys.prove(
            form.answer.data or "", ticket=form.ticket.data or "", party=must_have_party(), member_id=viewer.id
        )
    except Invalid as refusal:
        return _again(problem=str(refusal)), 422
    return _proved(second_factor=True)


@bp.post("/account/again/mail")
@access(signed_in, suspended=True)
def again_mail() -> ResponseReturnValue:
    """Mail a link to a member who has neither password, nor passkey, nor account elsewhere."""
    viewer = current_viewer()
    address = queries.email_of(viewer.id)
    if address is None or not mail.is_possible():
        raise Refused(_("There is no address to which we could write."))
    if not attempts.may_mail(address):
        raise TooMany(TOO_MANY)
    data = {"key": current_session_key(), "next": own_path(request.form.get("next"), SECURITY)}
    secret = tickets.issue(AGAIN, member_id=viewer.id, data=data, minutes=LINK_MINUTES)
    site = {"portal_url": current_app.config["PORTAL_URL"], "portal": current_app.config["PORTAL_NAME"]}
    text = render_template("members/mail/again.txt", secret=secret, minutes=LINK_MINUTES, **site)
    deliver.later(address, _("Is it you?"), text)
    flash(_("We have sent a link to %(email)s. Open it in this browser.", email=address))
    return _again()


@bp.get("/account/again/<secret>")
@access(signed_in)
def again_link(secret: str) -> ResponseReturnValue:
    """Take a link from a mail, in the browser that asked for it."""
    ticket = tickets.redeem(AGAIN, secret)
    if ticket is None or ticket.member_id != current_viewer().id or ticket.data["key"] != current_session_key():
        flash(_("This link is not complete, or it has been used."), "error")
        return redirect("/account/again")
    services.note_proof(str(ticket.data["key"]))
    return redirect(own_path(str(ticket.data["next"]), SECURITY))


def _proved(*, second_factor: bool = False) -> ResponseReturnValue:
    services.note_proof(current_session_key() or "", second_factor=second_factor)
    return redirect(own_path(request.form.get("next"), SECURITY))


def _again(form: AgainForm | None = None, code: CodeForm | None = None, problem: str = "") -> str:
    viewer = current_viewer()
    linked = {link.issuer for link in providers.links_of(viewer.id)}
    has_password = password_of(viewer.id) is not None
    has_passkey = party() is not None and bool(passkeys_of(viewer.id))
    known = [one for one in oidc.providers() if one.issuer in linked]
    has_app = second_step.has_app(viewer.id)
    return render_template(
        "members/again.html",
        form=form or AgainForm(formdata=None),
        code=code or CodeForm(formdata=None),
        problem=problem,
        next_path=own_path(request.values.get("next"), SECURITY),
        has_password=has_password,
        has_app=has_app,
        has_passkey=has_passkey,
        passkey=PasskeyForm(formdata=None),
        providers=known,
        may_mail=mail.is_possible() and not (has_password or has_passkey or known or has_app),
    )
