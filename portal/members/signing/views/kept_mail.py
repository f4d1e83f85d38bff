"""Mails that were kept because there is no mail server: for admins, while one develops. Elsewhere there are none."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.errors import NotFound
from portal.members import mail
from portal.members.policy import access, role
from portal.members.rules import Role
from portal.members.signing.views.doors import keep_nowhere

bp = Blueprint("kept_mail", __name__)
bp.after_request(keep_nowhere)


@bp.get("/staff/mail")
@access(role(Role.ADMIN))
def kept_mails() -> ResponseReturnValue:
    """List the mails that were kept, the latest first."""
    return render_template("members/kept_mails.html", mails=mail.kept())


@bp.get("/staff/mail/<name>")
@access(role(Role.ADMIN))
def kept_mail(name: str) -> ResponseReturnValue:
    """Show one mail, with links that work."""
    found = mail.kept_mail(name)
    if found is None:
        raise NotFound(_("There is no such mail."))
    return render_template("members/kept_mail.html", mail=found)
