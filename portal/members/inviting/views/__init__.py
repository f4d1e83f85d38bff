"""Pages of organisations, and of the link by which somebody joins."""

from flask import Flask

from portal.members.inviting.views import invitations, organisations


def init_app(app: Flask) -> None:
    """Add the pages."""
    for room in (invitations, organisations):
        app.register_blueprint(room.bp)
