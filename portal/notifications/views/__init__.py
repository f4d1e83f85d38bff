"""Pages of notices, of how one wants to be told, and the way out of mails."""

from flask import Flask

from portal.notifications.views import pushing, reading, stopping, wishing


def init_app(app: Flask) -> None:
    """Add the pages. Links of mails prove by their signature whose they are, also where no one has signed in."""
    for module in (reading, wishing, stopping, pushing):
        app.register_blueprint(module.bp)
    app.extensions["csrf"].exempt(stopping.stop)
