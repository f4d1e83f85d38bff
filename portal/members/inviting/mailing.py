"""The mail of an invitation, in the language of whoever is asked in."""

from flask import current_app, render_template
from flask_babel import force_locale
from flask_babel import gettext as _

from portal.kernel.errors import Refused
from portal.members import mail
from portal.members.inviting import services
from portal.members.inviting.queries import InvitationCard
from portal.members.jobs import deliver


def url_of(secret: str) -> str:
    """Return the address of an invitation's page."""
    return f"{current_app.config['PORTAL_URL']}/invitations/{secret}"


def send(card: InvitationCard, secret: str, *, lang: str) -> None:
    """Mail the link of an invitation.

    :raise Refused: when no mail can be sent.
    """
    if not mail.is_possible():
        raise Refused(_("No mail can be sent at the moment, so nobody can be asked in."))
    with force_locale(lang):
        words = render_template(
            "members/mail/invitation.txt",
            card=card,
            days=services.DAYS,
            url=url_of(secret),
            portal=current_app.config["PORTAL_NAME"],
        )
        subject = _("%(portal)s: you are asked in", portal=current_app.config["PORTAL_NAME"])
    deliver.later(card.email, subject, words)
