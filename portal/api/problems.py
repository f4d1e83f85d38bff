"""Errors as RFC 9457 problem documents, in the reader's language."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from portal.kernel.errors import Invalid, PortalError

log = structlog.get_logger(__name__)
PREFIX = "/api/"
TYPE = "application/problem+json"
KINDS = {
    400: "bad-request",
    401: "not-signed-in",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    409: "refused",
    410: "gone",
    413: "too-large",
    414: "address-too-long",
    415: "unsupported-media-type",
    422: "invalid",
    429: "too-many",
    503: "unavailable",
}
TITLES = {
    400: _l("This cannot be read"),
    401: _l("A valid token is needed"),
    403: _l("Not open to you"),
    404: _l("Nothing at this address"),
    405: _l("This address does not take that method"),
    406: _l("Only JSON is spoken here"),
    409: _l("Not now"),
    410: _l("Not here any more"),
    413: _l("Too large"),
    414: _l("This address is too long"),
    415: _l("Send JSON"),
    422: _l("Something needs mending"),
    429: _l("Too often"),
    503: _l("Away for a moment"),
}
RETRY_SECONDS = 5
SERVER_ERROR, UNAVAILABLE, INVALID, UNAUTHORIZED, FORBIDDEN = 500, 503, 422, 401, 403
SENTENCES = {
    "missing": _l("This is missing."),
    "string_type": _l("A text is wanted here."),
    "string_too_long": _l("Keep it under %(max_length)s characters."),
    "string_too_short": _l("Write at least %(min_length)s characters."),
    "string_unicode": _l("This text is not valid Unicode."),
    "int_type": _l("A whole number is wanted here."),
    "int_parsing": _l("A whole number is wanted here."),
    "int_from_float": _l("A whole number is wanted here."),
    "float_type": _l("A number is wanted here."),
    "float_parsing": _l("A number is wanted here."),
    "bool_type": _l("Write true or false."),
    "bool_parsing": _l("Write true or false."),
    "list_type": _l("A list is wanted here."),
    "too_long": _l("At most %(max_length)s are taken."),
    "too_short": _l("At least %(min_length)s are needed."),
    "greater_than_equal": _l("Use %(ge)s or more."),
    "less_than_equal": _l("Use %(le)s or less."),
    "literal_error": _l("Choose one of: %(expected)s."),
    "enum": _l("Choose one of: %(expected)s."),
    "model_type": _l("An object with fields is wanted here."),
    "model_attributes_type": _l("An object with fields is wanted here."),
}


class Unreadable(PortalError):
    """What came is not JSON."""


class WrongType(PortalError):
    """What came does not say that it is JSON."""

    status = 415
    kind = "unsupported-media-type"


def init_app(app: Flask) -> None:
    """Answer every error under ``/api/`` with a problem document."""
    app.extensions.setdefault("error_shells", {})[PREFIX] = problem


def problem(error: Exception) -> Response:
    """Return an error as a problem document."""
    status = status_of(error)
    document: dict[str, Any] = {
        "type": f"urn:portal:problem:{kind_of(error, status)}",
        "title": str(TITLES.get(status, _("A mistake of ours") if status >= SERVER_ERROR else _("This did not work"))),
        "status": status,
        "detail": detail_of(error, status),
        "instance": request.path,
    }
    if isinstance(error, Invalid) and error.fields:
        document["errors"] = [
            {"field": name, "pointer": "#/" + name.replace(".", "/"), "detail": str(sentence)}
            for name, sentence in error.fields.items()
        ]
    if request_id := g.get("request_id"):
        document["request_id"] = request_id
    response = Response(json.dumps(document, ensure_ascii=False), status, content_type=TYPE)
    response.headers.extend(_headers(error, status))
    if locale := get_locale():
        response.headers["Content-Language"] = locale.language
    return response


def status_of(error: Exception) -> int:
    """Return the HTTP status that fits an error."""
    if isinstance(error, PortalError):
        return error.status
    if isinstance(error, HTTPException):
        return error.code or SERVER_ERROR
    away = isinstance(error, PoolTimeout | InterfaceError | OperationalError)
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return UNAVAILABLE if away or lost else SERVER_ERROR


def kind_of(error: Exception, status: int) -> str:
    """Return the short name of the kind of problem."""
    if isinstance(error, PortalError):
        return error.kind
    return KINDS.get(status, "internal" if status >= SERVER_ERROR else "http")


def detail_of(error: Exception, status: int) -> str:
    """Return what happened in a sentence."""
    if isinstance(error, PortalError) and str(error):
        return str(error)
    sentences = {
        400: _("The request cannot be understood."),
        401: _("Send a personal token: Authorization: Bearer …"),
        403: _("You may not do this."),
        404: _("There is nothing here, or it is not open to you."),
        405: _("The header Allow says which methods there are."),
        413: _("Send less at once."),
        414: _("Shorten what you send in the address."),
        415: _("Say Content-Type: application/json, and send it."),
        503: _("Something we depend on is away. Try again in a moment."),
    }
    mistake = _("It has been noted under the request's id. Nothing was kept half-done.")
    return str(sentences.get(status, mistake if status >= SERVER_ERROR else _("This did not work.")))


def _headers(error: Exception, status: int) -> Iterable[tuple[str, str]]:
    if status == UNAUTHORIZED:
        reason = ', error="invalid_token"' if g.get("bad_token") else ""
        yield "WWW-Authenticate", f'Bearer realm="portal"{reason}'
    if isinstance(error, HTTPException):
        yield from ((name, value) for name, value in error.get_headers() if name in {"Allow", "Retry-After"})
    pause = error.retry_after if isinstance(error, PortalError) else None
    if pause is not None or status == UNAVAILABLE:
        yield "Retry-After", str(pause or RETRY_SECONDS)


def invalid(error: ValidationError) -> Invalid | Unreadable:
    """Return what is wrong with a request, field by field, or that it cannot be read at all."""
    found = error.errors(include_url=False, include_input=False)
    if any(one["type"] == "json_invalid" for one in found):
        return Unreadable(_("This is not JSON."))
    return Invalid(
        _("Some fields need mending."),
        fields={".".join(map(str, one["loc"])) or "body": _sentence(one["type"], one.get("ctx", {})) for one in found},
    )


def _sentence(kind: str, context: Mapping[str, Any]) -> str:
    known = SENTENCES.get(kind)
    if known is None:
        return str(_("This value does not fit."))
    values = {**context, "expected": str(context.get("expected", "")).replace("'", "").replace(" or ", ", ")}
    return str(known) % values if context else str(known)
