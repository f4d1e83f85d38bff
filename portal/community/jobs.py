"""What community does by the clock."""

from portal.community import impressions
from portal.kernel.periodic import periodic


@periodic(cron="41 0 * * *")
def forget_old_impressions() -> None:
    """Throw away yesterday's salt and impressions of more than 90 days."""
    impressions.forget_old()
