"""What signing in throws away by the clock."""

from portal.kernel.periodic import periodic
from portal.members.signing.services.tickets import drop_expired


@periodic(cron="41 * * * *")
def forget_old_tickets() -> None:
    """Forget links and challenges that nobody used in time; again changes nothing."""
    drop_expired()
