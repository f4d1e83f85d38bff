"""A member's address: another one, confirmed by the link that is mailed to it."""

from flask import current_app, flash, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from portal.kernel.errors import Invalid, Refused
from portal.members import mail, queries
from portal.members.jobs import deliver
from portal.members.policy import access, anyone, signed_in
from portal.members.session import current_viewer, forget_viewer, fresh
from portal.members.signing import attempts
from portal.members.signing.forms import TOO_MANY, AddressForm
from portal.members.signing.services import addresses, tickets
from portal.members.signing.views.doors import SECURITY, bp


@bp.get("/account/address")
@access(signed_in)
@fresh
def address() -> ResponseReturnValue:
    """Ask for another address."""
    return _address(AddressForm(formdata=None))


@bp.post("/account/address")
@access(signed_in, suspended=True)
@fresh
def ask() -> ResponseReturnValue:
    """Mail a link to the new address. The answer is the same when somebody else has it."""
    form, viewer = AddressForm(), current_viewer()
    if not form.validate():
        return _address(form), 422
    if not mail.is_possible():
        raise Refused(_("No mail can be sent at the moment, so the address cannot be changed."))
    if not attempts.may_mail(f"member {viewer.id}"):
        form.email.errors = [TOO_MANY]
        return _address(form), 429
    try:
        wanted, secret = addresses.ask_for_address(viewer.id, form.email.data or "")
    except Invalid as refusal:
        form.email.errors = [str(sentence) for sentence in refusal.fields.values()]
        return _address(form), 422
    if secret is None:
        _write(wanted, _("Your address"), "known_address")
    else:
        _write(wanted, _("Confirm your new address"), "new_address", secret=secret, hours=addresses.HOURS)
    old = queries.email_of(viewer.id)
    if old is not None:
        _write(old, _("Another address for your account"), "address_asked")
    flash(_("We have sent a link to %(email)s. The address changes once you open it.", email=wanted))
    return redirect(SECURITY)


@bp.get("/account/address/<secret>")
@access(anyone)
def confirm_page(secret: str) -> ResponseReturnValue:
    """Ask whoever opens the link to press a button: programs that look through mails press none."""
    ticket = tickets.look_at(addresses.PURPOSE, secret)
    if ticket is None:
        raise Refused(_("This link is not complete, or it has been used."))
    return render_template("members/new_address.html", secret=secret, email=ticket.data["email"])


@bp.post("/account/address/<secret>")
@access(anyone)
def confirm(secret: str) -> ResponseReturnValue:
    """Give the account its new address, and tell the old one."""
    member_id, old, new = addresses.change_address(secret)
    if old is not None:
        with force_locale(queries.viewer_of(member_id).lang or "en"):
            _write(old, _("Your address was changed"), "address_changed")
    forget_viewer()
    flash(_("Your address is %(email)s now.", email=new))
    return redirect("/sign-in" if current_viewer().is_anonymous else SECURITY)


def _address(form: AddressForm) -> str:
    return render_template("members/address.html", form=form, email=queries.email_of(current_viewer().id))


def _write(to: str, subject: str, template: str, **values: object) -> None:
    site = {"portal_url": current_app.config["PORTAL_URL"], "portal": current_app.config["PORTAL_NAME"]}
    deliver.later(to, subject, render_template(f"members/mail/{template}.txt", **values, **site))
