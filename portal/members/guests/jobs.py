"""What happens to acts of guests by the clock."""

from portal.kernel.periodic import periodic
from portal.members.guests import services


@periodic(cron="53 * * * *")
def forget_unconfirmed_acts() -> None:
    """Forget what guests did and did not confirm in time; again changes nothing."""
    services.drop_expired()
