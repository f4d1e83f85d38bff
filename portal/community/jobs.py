"""What community does by the clock."""

from portal.community import impressions
from portal.community.services import drafts, uploads
from portal.kernel.periodic import periodic


@periodic(cron="41 0 * * *")
def forget_old_impressions() -> None:
    """Throw away yesterday's salt and impressions of more than 90 days."""
    impressions.forget_old()


@periodic(cron="23 2 * * *")
def forget_old_drafts() -> None:
    """Throw away drafts that nobody has touched for 90 days."""
    drafts.forget_old()


@periodic(cron="37 * * * *")
def forget_orphaned_uploads() -> None:
    """Throw away pictures and files that no text shows."""
    uploads.forget_orphans()
