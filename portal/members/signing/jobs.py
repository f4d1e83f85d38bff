"""What signing in throws away, and seals anew, by the clock."""

import structlog

from portal.kernel.keys import signing_keys
from portal.kernel.periodic import periodic
from portal.members.signing import throttle
from portal.members.signing.services import second_step, tickets

log = structlog.get_logger(__name__)


@periodic(cron="41 * * * *")
def forget_old_tickets() -> None:
    """Forget links and challenges that nobody used in time, and old counts of tries; again changes nothing."""
    tickets.drop_expired()
    throttle.drop_expired()


@periodic(cron="13 2 * * *")
def seal_secrets_anew() -> None:
    """While an older key is still believed, seal the secrets of apps with the present one; again changes nothing."""
    if len(signing_keys()) > 1 and (lost := second_step.seal_all_anew()):
        log.warning("secrets of apps that none of the keys opens", count=lost)
