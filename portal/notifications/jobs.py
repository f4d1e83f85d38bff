"""Slow work of notifications: what leaves the portal leaves from here, never from inside a request.

Every message has a row that says how far it has come, so that any of these can run twice or at once.
"""

import structlog
from flask_babel import lazy_gettext as _l

from portal.kernel.jobs import job
from portal.kernel.periodic import periodic
from portal.kernel.retention import keep
from portal.notifications import digests, pushing, queries, ringing, sending, services
from portal.notifications.rules.kinds import Way
from portal.notifications.services import delivering, preferences

log = structlog.get_logger(__name__)


@job(queue="quick")
def send_mails() -> None:
    """Send the mails that are due; what a repeat finds is what is left."""
    if sending.send_mails():
        send_mails.once("mails")


@job(queue="quick")
def send_pushes() -> None:
    """Send the pushes that are due; what a repeat finds is what is left."""
    if pushing.send_pushes():
        send_pushes.once("pushes")


@job(queue="quick")
def ring_bell(member_id: int) -> None:
    """Let the bell of a member's other open pages ask again: she has read something. A repeat asks once more."""
    ringing.ring([], {member_id})


def send_now() -> None:
    """Have sent what is due already: pushes, and what does not wait."""
    if any(queries.is_something_due(way) for way in (Way.MAIL, Way.DIGEST)):
        send_mails.once("mails")
    if queries.is_something_due(Way.PUSH):
        send_pushes.once("pushes")


@periodic(seconds=20)
def send_due() -> None:
    """Have sent what has become due, and settle what was in the hands of a worker that died."""
    for delivery_id in delivering.doubt():
        log.warning("may have been sent; not sent again", delivery=delivery_id)
    send_now()


@periodic(seconds=600)
def plan_digests() -> None:
    """Put down the digests whose hour has come: each slot once, also after runs were missed."""
    digests.plan()


@periodic(seconds=600)
def forget_signed_out() -> None:
    """Forget browsers that were signed out; nothing goes there from that very moment on."""
    preferences.forget_signed_out()


keep("notices", days=services.KEPT_DAYS, what=_l("What you were told and have read, and when it was sent"),
     forget=services.forget_old)  # fmt: skip
