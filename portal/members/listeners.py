"""What members are told by mail of what was done to their accounts."""

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _

from portal.kernel.events import listens_to
from portal.members import mail
from portal.members.events.people import MembersMerged, MembersUnmerged
from portal.members.jobs import deliver
from portal.members.queries import people


@listens_to(MembersMerged)
def tell_who_was_joined(event: MembersMerged) -> None:
    """Write to both addresses, once: one of the accounts cannot be signed in with any more, and it may be a mistake."""
    _tell_both(event, joined=True)


@listens_to(MembersUnmerged)
def tell_who_was_parted(event: MembersUnmerged) -> None:
    """Write to both addresses, once, that each account is its own again."""
    _tell_both(event, joined=False)


def _tell_both(event: MembersMerged | MembersUnmerged, *, joined: bool) -> None:
    if not mail.is_possible():
        return
    readers = people.readers_of([event.member_id, event.gone_id])
    kept = people.names_of([event.member_id])[event.member_id]
    for member_id, reader in readers.items():
        with force_locale(reader.lang):
            words = current_app.jinja_env.get_template("members/mail/joined.txt").render(
                joined=joined,
                gone=member_id == event.gone_id,
                kept=kept,
                portal=current_app.config["PORTAL_NAME"],
                portal_url=current_app.config["PORTAL_URL"],
            )
            subject = _("Your accounts were joined") if joined else _("Your accounts were parted")
        deliver.later(reader.email, subject, words)
