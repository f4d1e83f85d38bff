"""Addresses: how long one may be, and parts of them."""

from flask import Flask, request
from werkzeug.exceptions import RequestURITooLarge
from werkzeug.routing import IntegerConverter

LONGEST = 8190
"""Bytes of an address with its query: as much as gunicorn takes, and most proxies in front of it."""


class RowId(IntegerConverter):
    """``<int:…>``: what can be the key of a row (below 2⁶³); a longer number is an unknown address."""

    regex = r"\d{1,18}"


def init_app(app: Flask) -> None:
    """Take them before the first route is added."""
    app.url_map.converters["int"] = RowId
    app.before_request(_refuse_longer)


def _refuse_longer() -> None:
    """Whatever serves the portal, an address has one limit; behind gunicorn it hears of none that is longer."""
    if len(request.environ.get("RAW_URI") or request.full_path) > LONGEST:
        raise RequestURITooLarge
