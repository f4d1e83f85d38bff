"""The mail of an invitation, in the language of whoever is asked in."""

from flask import current_app, render_template
from flask_babel import force_locale
from flask_babel import gettext as _
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour

from portal.kernel.errors import Refused, TooMany
from portal.members import mail
from portal.members.inviting import services
from portal.members.inviting.queries import InvitationCard
from portal.members.jobs import deliver
from portal.members.signing.throttle import throttle

TO_ADDRESS = (RateLimitItemPerHour(5, namespace="invite-to"), RateLimitItemPerDay(10, namespace="invite-to-day"))
"""Mails to one address in an hour and in a day, whoever asks it in."""
BY_MEMBER = RateLimitItemPerHour(100, namespace="invite-by")
"""Invitations that one member sends in an hour."""


def url_of(secret: str) -> str:
    """Return the address of an invitation's page."""
    return f"{current_app.config['PORTAL_URL']}/invitations/{secret}"


def _count(card: InvitationCard) -> None:
    counts = throttle()
    asked: list[tuple[RateLimitItem, str]] = [(limit, f"account:{card.email.casefold()}") for limit in TO_ADDRESS]
    if card.by_id is not None:
        asked.append((BY_MEMBER, f"member:{card.by_id}"))
    if not all(counts.is_open(limit, [key]) for limit, key in asked):
        raise TooMany(_("Those were many invitations in a short time. Go on in an hour."), retry_after=3600)
    for limit, key in asked:
        counts.count(limit, [key])


def send(card: InvitationCard, secret: str, *, lang: str) -> None:
    """Mail the link of an invitation.

    :raise Refused: when no mail can be sent.
    :raise TooMany: when this address, or whoever asks, has had enough of them for now.
    """
    _count(card)
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
