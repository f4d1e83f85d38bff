"""Slow work of members: mail leaves from here, never from inside a request."""

from portal.kernel.jobs import job
from portal.kernel.periodic import periodic
from portal.members import services
from portal.members.mail import send


@job(queue="quick")
def deliver(recipient: str, subject: str, body: str) -> None:
    """Send one mail. A crash between the server's yes and our commit sends it twice: better than not at all."""
    send(recipient, subject, body)


@periodic(cron="23 3 * * *")
def end_old_sessions() -> None:
    """End sessions that nobody has used for a long time, forget old sign-ins; again changes nothing."""
    services.drop_old_sessions()
    services.drop_old_entries()
