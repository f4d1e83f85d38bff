"""Errors as pages: a sentence in the reader's language, a fitting status, and what was typed given back.

For scripts of our own pages (``HX-Request``) the answer is a small note. Another shell (`api`) may take the
errors of its own paths: ``app.extensions["error_shells"]["/api/"] = function(error) -> response``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from flask import Flask, Response, current_app, make_response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from portal.kernel.database import rollback
from portal.kernel.errors import Invalid, NotSignedIn, PortalError
from portal.web.language import reader
from portal.web.templating import here

log = structlog.get_logger(__name__)
Shell = Callable[[Exception], Response]
SECRET_FIELDS = {"csrf_token", "password", "password_confirm", "new_password", "code", "token"}
LONG, KEPT_MOST = 80, 60_000
RETRY_SECONDS = 5
SERVER_ERROR = 500
AGAIN = {400, 401, 409, 429, 500, 503}


@dataclass(frozen=True, slots=True)
class Kept:
    """One field of the form that did not arrive."""

    name: str
    value: str
    is_long: bool


def init_app(app: Flask) -> None:
    """Take care of everything that can go wrong."""
    app.extensions.setdefault("error_shells", {})
    app.register_error_handler(PortalError, _answer)
    app.register_error_handler(HTTPException, _answer)
    app.register_error_handler(OperationalError, _answer)
    app.register_error_handler(InterfaceError, _answer)
    app.register_error_handler(PoolTimeout, _answer)
    app.register_error_handler(Exception, _unexpected)
    app.extensions["show_error"] = show


def _unexpected(error: Exception) -> Response:
    log.error("request failed", path=request.path, exc_info=error)
    return _answer(error)


def _answer(error: Exception) -> Response:
    """Return the page, the note or another shell's answer for an error."""
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:  # noqa: PLR2004
        return make_response(error.get_response())
    if status_of(error) >= SERVER_ERROR:
        _give_up()
    shells: dict[str, Shell] = current_app.extensions["error_shells"]
    for prefix, shell in shells.items():
        if request.path.startswith(prefix):
            return shell(error)
    return show(error)


def show(error: Exception) -> Response:
    """Return the error as a page, or as a note for a script of ours."""
    status, sentence = status_of(error), sentence_of(error)
    fragment = request.headers.get("HX-Request") == "true"
    kept = [] if fragment else list(_kept())
    page = "web/_error.html" if fragment else "web/error.html"
    fields = error.fields if isinstance(error, Invalid) else {}
    response = make_response(
        render_template(
            page,
            status=status,
            title=title_of(status),
            sentence=sentence,
            fields=fields,
            kept=kept,
            again=bool(kept) and status in AGAIN,
            sign_in=isinstance(error, NotSignedIn) or (status == 401 and reader().is_anonymous),  # noqa: PLR2004
            back=here() if request.method == "GET" else "/",
        ),
        status,
    )
    if (pause := _pause(error, status)) is not None:
        response.headers["Retry-After"] = str(pause)
    if isinstance(error, HTTPException):
        response.headers.extend(
            (k, v) for k, v in error.get_headers() if k.lower() in {"allow", "www-authenticate", "retry-after"}
        )
    return response


def status_of(error: Exception) -> int:
    """Return the HTTP status that fits an error."""
    if isinstance(error, PortalError):
        return error.status
    if isinstance(error, HTTPException):
        return error.code or SERVER_ERROR
    if isinstance(error, PoolTimeout | InterfaceError) or (
        isinstance(error, OperationalError | DBAPIError) and _is_away(error)
    ):
        return 503
    return SERVER_ERROR


def _is_away(error: DBAPIError) -> bool:
    return isinstance(error, OperationalError) or error.connection_invalidated


def sentence_of(error: Exception) -> str:
    """Return what a person is told."""
    if isinstance(error, PortalError) and str(error):
        return str(error)
    if isinstance(error, CSRFError):
        return str(_("This form has waited too long, or cookies are switched off. Nothing is lost: send it again."))
    status = status_of(error)
    words = {
        400: _("We could not read what was sent."),
        401: _("Sign in to go on."),
        403: _("This is not open to you."),
        404: _("There is nothing at this address. It may have moved, or it is not open to you."),
        405: _("This address does not take that."),
        409: _("This cannot be done now."),
        413: _("That is more than we take at once. Make it smaller and send it again."),
        414: _("This address is longer than we read. Shorten it, or start from a page here."),
        415: _("This kind of file or data is not taken here."),
        422: _("Something needs mending."),
        429: _("That was a lot in a short time. Wait a little and try again."),
        503: _("Something we depend on is away. We try again by ourselves; so can you, in a moment."),
    }
    if status in words:
        return str(words[status])
    ours = _("A mistake of ours. It has been noted, and nothing you wrote has been kept half-done.")
    return str(ours if status >= SERVER_ERROR else _("This did not work."))


def title_of(status: int) -> str:
    """Return the heading of an error's page."""
    words = {
        400: _("That did not arrive well"),
        401: _("Please sign in"),
        403: _("Not open to you"),
        404: _("Nothing here"),
        405: _("Not this way"),
        409: _("Not now"),
        413: _("Too large"),
        414: _("Too long"),
        422: _("Please mend this"),
        429: _("One moment"),
        503: _("Back in a moment"),
    }
    return str(words.get(status) or (_("Our mistake") if status >= SERVER_ERROR else _("That did not work")))


def _kept() -> Iterable[Kept]:
    """Yield what was typed, without what is secret."""
    try:
        pairs = list(request.form.items(multi=True))
    except (HTTPException, OSError, ValueError):
        return
    for name, value in pairs:
        if name not in SECRET_FIELDS and "password" not in name:
            yield Kept(name, value[:KEPT_MOST], len(value) > LONG or "\n" in value)


def _pause(error: Exception, status: int) -> int | None:
    if isinstance(error, PortalError) and error.retry_after is not None:
        return error.retry_after
    return RETRY_SECONDS if status == 503 else None  # noqa: PLR2004


def _give_up() -> None:
    """Leave no broken transaction behind, so that the page itself can be drawn."""
    try:
        rollback()
    except DBAPIError:
        log.warning("rollback failed; the connection is gone")
