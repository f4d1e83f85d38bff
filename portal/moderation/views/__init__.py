"""Pages of moderation: the queue and what is done there, flags, what concerns a member herself, the audit record."""

from flask import Flask

from portal.moderation.views import acts, audit, mine, queue


def init_app(app: Flask) -> None:
    """Open the doors."""
    for room in (queue, acts, mine, audit):
        app.register_blueprint(room.bp)
