"""A page and handed-over websockets, for gunicorn to serve in tests."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from portal.local.handover import HandOver


def page(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"page"]


site = HandOver(page, Path(os.environ["LIVE_SOCKET"]))
