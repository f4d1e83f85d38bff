"""Parts of addresses."""

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

BIGGEST = 2**63 - 1


class RowId(IntegerConverter):
    """``<int:…>``: what can be the key of a row; a longer number is an unknown address."""

    def __init__(self, map: Map, *args: Any, **kwargs: Any) -> None:  # noqa: A002 - Werkzeug's own name
        super().__init__(map, *args, **{"max": BIGGEST, **kwargs})


def init_app(app: Flask) -> None:
    """Take it before the first route is added."""
    app.url_map.converters["int"] = RowId
