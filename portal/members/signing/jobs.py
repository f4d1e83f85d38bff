"""What signing in throws away by the clock."""

from portal.kernel.periodic import periodic
from portal.members.signing import throttle
from portal.members.signing.services import tickets


@periodic(cron="41 * * * *")
def forget_old_tickets() -> None:
    """Forget links and challenges that nobody used in time, and old counts of tries; again changes nothing."""
    tickets.drop_expired()
    throttle.drop_expired()
