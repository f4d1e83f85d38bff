"""The mail of an invitation, in the language of whoever is asked in."""

from flask import current_app, render_template
from flask_babel import force_locale
from flask_babel import gettext as _

from portal.kernel.errors import Refused, TooMany
from portal.members import mail
from portal.members.inviting import services
from portal.members.inviting.queries import InvitationCard
from portal.members.jobs import deliver
from portal.members.signing.throttle import Limit, take

TO_ADDRESS = (Limit("invite-to", 5, minutes=60), Limit("invite-to-day", 10, minutes=24 * 60))
"""Mails to one address in an hour and in a day, whoever asks it in."""
BY_MEMBER = Limit("invite-by", 100, minutes=60)
"""Invitations that one member sends in an hour."""


def url_of(secret: str) -> str:
    """Return the address of an invitation's page."""
    return f"{current_app.config['PORTAL_URL']}/invitations/{secret}"


def _count(card: InvitationCard) -> None:
    asked = [(limit, f"account:{card.email.casefold()}") for limit in TO_ADDRESS]
    if card.by_id is not None:
        asked.append((BY_MEMBER, f"member:{card.by_id}"))
    if not take(*asked):
        raise TooMany(_("Those were many invitations in a short time. Go on in an hour."), retry_after=3600)


def send(card: InvitationCard, secret: str, *, lang: str) -> None:
    """Mail the link of an invitation.

    :raise Refused: when no mail can be sent.
    :raise TooMany: when this address, or whoever asks, has had enough of them for now.
    """
    if not mail.is_possible():
        raise Refused(_("No mail can be sent at the moment, so nobody can be asked in."))
    _count(card)
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
