"""Errors a person can cause, each with the HTTP status it deserves.

The message is a sentence fit to show, already translated or lazily so. The shells (`web`, `api`) turn
an error into a page or an RFC 9457 problem document; services only raise.
"""

from collections.abc import Mapping


class PortalError(Exception):
    """A refusal with a message fit to show."""

    status = 400
    kind = "bad-request"

    def __init__(self, message: object = "", *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Return the sentence in the reader's language."""
        return str(self.message)


class NotSignedIn(PortalError):
    """The act needs a member, and nobody has signed in."""

    status = 401
    kind = "not-signed-in"


class Forbidden(PortalError):
    """This person may see the thing but not do this to it."""

    status = 403
    kind = "forbidden"


class Suspended(Forbidden):
    """Moderators have taken the pen away for now; reading stays."""

    kind = "suspended"


class NotFound(PortalError):
    """There is no such thing, or it is hidden from this person: the two look alike on purpose."""

    status = 404
    kind = "not-found"


class Refused(PortalError):
    """The rules do not allow this now."""

    status = 409
    kind = "refused"


class TooLarge(PortalError):
    """More was sent than is accepted."""

    status = 413
    kind = "too-large"


class Invalid(PortalError):
    """What was typed needs mending; ``fields`` maps a field's name to its sentence."""

    status = 422
    kind = "invalid"

    def __init__(self, message: object = "", *, fields: Mapping[str, object] | None = None) -> None:
        super().__init__(message or next(iter((fields or {}).values()), ""))
        self.fields = dict(fields or {})


class TooMany(PortalError):
    """Too often in too short a time."""

    status = 429
    kind = "too-many"


class Unavailable(PortalError):
    """Something we depend on is away; trying again later helps."""

    status = 503
    kind = "unavailable"
