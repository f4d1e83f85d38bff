"""What Flask-Security says, in our words and in the reader's language: its own catalogue is not used."""

from typing import Any

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from flask_security.babel import FsDomain

SUBJECTS = {
    "REGISTER": _l("Welcome: confirm your address"),
    "CONFIRM": _l("Confirm your address"),
    "PASSWORD_RESET": _l("A new password"),
    "PASSWORD_NOTICE": _l("Your password was changed"),
    "PASSWORD_CHANGE_NOTICE": _l("Your password was changed"),
}
MESSAGES = {
    "DISABLED_ACCOUNT": (_l("This account is closed. Write to us if that is a mistake."), "error"),
    "EMAIL_ALREADY_ASSOCIATED": (_l("Somebody already has an account with this address."), "error"),
    "EMAIL_NOT_PROVIDED": (_l("Write your e-mail address."), "error"),
    "INVALID_EMAIL_ADDRESS": (_l("Write an address such as name@example.org."), "error"),
    "INVALID_PASSWORD": (_l("This is not your present password."), "error"),
    "PASSWORD_NOT_PROVIDED": (_l("Write your password."), "error"),
    "PASSWORD_IS_THE_SAME": (_l("Choose a password that is not the present one."), "error"),
    "PASSWORD_CHANGE": (_l("Your password is changed. Other devices have been signed out."), "success"),
    "PASSWORD_RESET": (_l("Your password is changed, and you are signed in."), "success"),
    "PASSWORD_RESET_NO_LOGIN": (_l("Your password is changed. Sign in with the new one."), "success"),
    "PASSWORD_RESET_REQUEST": (_l("We have sent a link to %(email)s."), "info"),
    "PASSWORD_RESET_EXPIRED": (_l("This link is older than %(within)s. Ask for another."), "error"),
    "INVALID_RESET_PASSWORD_TOKEN": (_l("This link is not complete, or it has been used."), "error"),
    "CONFIRM_REGISTRATION": (
        _l("Welcome. We have sent a link to %(email)s: open it to confirm the address."),
        "success",
    ),
    "CONFIRMATION_REQUIRED": (_l("Confirm your address first: the link is in our mail."), "error"),
    "CONFIRMATION_REQUEST": (_l("We have sent another link to %(email)s."), "info"),
    "CONFIRMATION_EXPIRED": (_l("This link is older than %(within)s. Ask for another."), "error"),
    "EMAIL_CONFIRMED": (_l("Your address is confirmed. Thank you."), "success"),
    "ALREADY_CONFIRMED": (_l("Your address was confirmed before."), "info"),
    "INVALID_CONFIRMATION_TOKEN": (_l("This link is not complete, or it has been used."), "error"),
    "UNAUTHENTICATED": (_l("Sign in to do this."), "error"),
    "FORGOT_PASSWORD": (_l("Forgotten it?"), "info"),
}


class Words(FsDomain):
    """Looks Flask-Security's sentences up in the portal's catalogues."""

    def gettext(self, string: Any, **values: Any) -> str:
        """Return a sentence with its values."""
        if isinstance(string, LazyString):
            said = str(string)
            return said % values if values else said
        return str(gettext(string, **values))

    def ngettext(self, singular: str, plural: str, num: int, **values: Any) -> str:
        """Return a sentence that depends on a number."""
        return str(ngettext(singular, plural, num, **values))
