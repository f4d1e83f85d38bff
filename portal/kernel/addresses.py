"""Parts of addresses."""

from flask import Flask
from werkzeug.routing import IntegerConverter


class RowId(IntegerConverter):
    """``<int:…>``: what can be the key of a row (below 2⁶³); a longer number is an unknown address."""

    regex = r"\d{1,18}"


def init_app(app: Flask) -> None:
    """Take it before the first route is added."""
    app.url_map.converters["int"] = RowId
