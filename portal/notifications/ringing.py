"""Ringing: the open pages of members hear that something is new to them, or that less is."""

from collections.abc import Collection

from flask import current_app

from portal.notifications import post, rules
from portal.notifications.services.telling import Told


def ring(told: Told, less: Collection[int] = ()) -> None:
    """Let the open pages of those who were told something, or have less that is new, ask again."""
    sending = post.sending(current_app)
    hints = [rules.notice(who, notification_id) for who, notification_id in told]
    hints += [rules.notice(who, None) for who in sorted(set(less) - {who for who, _id in told})]
    for hint in hints:
        for room in hint.rooms:
            sending.emit("changed", hint.message(), namespace="/", room=room)
