"""How a member is known outside: her own page, the link that shows an address, and the queue of doubts for staff."""

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, Length

from portal.kernel.errors import Invalid, Refused
from portal.members import mail, queries
from portal.members.inviting.forms import EMAIL_MAX, mark
from portal.members.jobs import deliver
from portal.members.policy import access, role, signed_in
from portal.members.queries import people
from portal.members.rules import Role
from portal.members.services import identities
from portal.members.session import current_viewer, fresh
from portal.members.signing import attempts
from portal.members.signing.forms import TOO_MANY

bp = Blueprint("identities", __name__)
STAFF = role(Role.MODERATOR, Role.SUPPORT_AGENT, Role.BRAND_MANAGER)
PAGE = "/account/identities"
HANDLE_WORDS = {
    "mastodon": "Mastodon",
    "reddit": "Reddit",
    "forum": _l("Another forum"),
    "website": _l("Website"),
}


class FurtherAddressForm(FlaskForm):  # type: ignore[misc]
    """A further address."""

    email = EmailField(
        _l("E-mail address"),
        validators=[DataRequired(_l("Write the address.")), Length(max=EMAIL_MAX)],
        render_kw={"autocomplete": "email", "autocapitalize": "none", "maxlength": EMAIL_MAX},
    )


class HandleForm(FlaskForm):  # type: ignore[misc]
    """How one is called elsewhere."""

    kind = SelectField(_l("Where"), choices=[SelectChoice(key, word) for key, word in HANDLE_WORDS.items()])
    value = StringField(
        _l("How you are called there"),
        validators=[DataRequired(_l("Write something here.")), Length(max=200)],
        render_kw={"autocomplete": "off", "maxlength": 200},
    )


@bp.after_request
def keep_nowhere(response: Response) -> Response:
    """Let nobody keep these pages."""
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.get(PAGE)
@access(signed_in)
def mine() -> ResponseReturnValue:
    """Show the ways in which a member is known outside, and what shows each."""
    return _mine(FurtherAddressForm(formdata=None), HandleForm(formdata=None))


def _mine(address: FurtherAddressForm, handle: HandleForm) -> str:
    return render_template(
        "members/identities.html",
        identities=people.identities_of(current_viewer().id),
        address=address,
        handle=handle,
        words=HANDLE_WORDS,
        can_mail=mail.is_possible(),
    )


@bp.post(f"{PAGE}/address")
@access(signed_in)
@fresh
def add_address() -> ResponseReturnValue:
    """Mail a link to a further address. The answer is the same when somebody else has it."""
    form, viewer = FurtherAddressForm(), current_viewer()
    if not form.validate():
        return _mine(form, HandleForm(formdata=None)), 422
    if not mail.is_possible():
        raise Refused(_("No mail can be sent at the moment, so no address can be confirmed."))
    if not attempts.may_mail(f"member {viewer.id}"):
        form.email.errors = [TOO_MANY]
        return _mine(form, HandleForm(formdata=None)), 429
    try:
        address, secret = identities.ask_for_address(viewer.id, form.email.data or "")
    except Invalid as refusal:
        mark(form, refusal)
        return _mine(form, HandleForm(formdata=None)), 422
    words = render_template(
        "members/mail/further_address.txt",
        secret=secret,
        hours=identities.HOURS,
        portal_url=current_app.config["PORTAL_URL"],
        portal=current_app.config["PORTAL_NAME"],
    )
    deliver.later(address, _("Confirm a further address"), words)
    flash(_("We have sent a link to %(email)s. Open it and press the button there.", email=address))
    return redirect(PAGE, 303)


@bp.get(f"{PAGE}/confirm/<secret>")
@access(signed_in)
def look(secret: str) -> ResponseReturnValue:
    """Ask whoever opens the link to press a button: programs that look through mails press none."""
    member_id, email = identities.address_in(secret)
    if member_id != current_viewer().id:
        raise Refused(_("This link belongs to another account than the one you have signed in with."))
    return render_template("members/further_address.html", secret=secret, email=email)


@bp.post(f"{PAGE}/confirm/<secret>")
@access(signed_in)
def prove(secret: str) -> ResponseReturnValue:
    """Note that the address is hers."""
    if identities.prove_address(secret, current_viewer().id):
        flash(_("Confirmed. This address is yours."))
    else:
        flash(_("Another account has this address. Staff looks whether both are yours, and joins them if so."), "warn")
    return redirect(PAGE, 303)


@bp.post(f"{PAGE}/handle")
@access(signed_in)
def add_handle() -> ResponseReturnValue:
    """Note how a member is called elsewhere."""
    form = HandleForm()
    if not form.validate():
        return _mine(FurtherAddressForm(formdata=None), form), 422
    try:
        identities.claim_handle(current_viewer().id, form.kind.data, form.value.data or "")
    except Invalid as refusal:
        mark(form, refusal)
        return _mine(FurtherAddressForm(formdata=None), form), 422
    flash(_("Noted, as something you say of yourself."))
    return redirect(PAGE, 303)


@bp.post(f"{PAGE}/<int:identity_id>/remove")
@access(signed_in)
def remove(identity_id: int) -> ResponseReturnValue:
    """Take a way of being known away."""
    identities.remove_identity(current_viewer().id, identity_id)
    flash(_("Removed."))
    return redirect(PAGE, 303)


@bp.post("/members/<int:member_id>/claim")
@access(signed_in)
def claim(member_id: int) -> ResponseReturnValue:
    """Say that the stand-in for an imported author is oneself; staff decides."""
    try:
        identities.claim_account(current_viewer().id, member_id, words=request.form.get("words", ""))
    except Invalid as refusal:
        flash(str(refusal), "error")
    else:
        flash(_("Thank you. Staff looks at it, and joins the two if it is so."))
    return redirect(queries.member_card(member_id).url, 303)


# For staff


@bp.get("/staff/identities")
@access(STAFF)
def queue() -> ResponseReturnValue:
    """List the pairs that a person must look at, and what was decided lately."""
    decided = identities.doubts(open_only=False, size=30)
    names = people.names_of({one.decided_by for one in decided if one.decided_by is not None})
    return render_template("members/staff_identities.html", doubts=identities.doubts(), decided=decided, names=names)


@bp.post("/staff/identities/<int:doubt_id>/decide")
@access(role(Role.MODERATOR, Role.SUPPORT_AGENT))
def decide(doubt_id: int) -> ResponseReturnValue:
    """Say that a pair is one person, is not, or is for later."""
    decision = request.form.get("decision", "")
    identities.decide(doubt_id, decision, actor_id=current_viewer().id)
    flash(_("It comes back at the end of the queue.") if decision == "later" else _("Decided. It can be undone below."))
    return redirect("/staff/identities", 303)


@bp.post("/staff/identities/<int:doubt_id>/undo")
@access(role(Role.MODERATOR, Role.SUPPORT_AGENT))
def undo(doubt_id: int) -> ResponseReturnValue:
    """Take a decision back."""
    identities.undo(doubt_id, actor_id=current_viewer().id)
    flash(_("Undone. The question is open again."))
    return redirect("/staff/identities", 303)
