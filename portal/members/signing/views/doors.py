"""Doors of signing in: what they share."""

from flask import Blueprint, Response
from flask_babel import gettext as _

from portal.kernel.errors import Invalid
from portal.members.signing.party import passkey_party as party
from portal.members.signing.services.passkeys import Party

bp = Blueprint("signing", __name__)
SECURITY = "/account/security"


@bp.after_request
def keep_nowhere(response: Response) -> Response:
    """Let nobody keep these pages."""
    response.headers["Cache-Control"] = "private, no-store"
    return response


def must_have_party() -> Party:
    """Return for whom passkeys are made.

    :raise Invalid: where there can be none.
    """
    found = party()
    if found is None:
        raise Invalid(_("Passkeys need a name in the address, such as localhost, not a number."))
    return found
