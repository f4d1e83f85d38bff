"""Pages of signing in, and of what a member keeps her account safe with."""

from flask import Flask

from portal.members import mail
from portal.members.signing import accounts
from portal.members.signing.views import address as address
from portal.members.signing.views import kept_mail
from portal.members.signing.views import passkeys as passkeys
from portal.members.signing.views import providers as providers
from portal.members.signing.views import second as second
from portal.members.signing.views import security as security
from portal.members.signing.views.doors import bp


def init_app(app: Flask) -> None:
    """Let Flask-Security meet the application, and add the pages."""
    accounts.init_app(app)
    app.register_blueprint(bp)
    with app.app_context():
        if mail.is_kept():
            app.register_blueprint(kept_mail.bp)
