"""Headers that keep a page safe, and a name for each request."""

import re
import time
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

SAFE_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
YEAR = 31_536_000
POLICY = (
    "default-src 'self'; img-src 'self' data:{pictures}; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY.format(pictures=""),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def init_app(app: Flask) -> None:
    """Name each request and dress each answer."""
    HEADERS["Content-Security-Policy"] = POLICY.format(pictures=_host_of_uploads(app))
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)  # refusals, too, have a name
    app.after_request(_dress)


def _host_of_uploads(app: Flask) -> str:
    """Return the host that gives pictures, if it is not ours."""
    there = urlsplit(str(app.config.get("PORTAL_UPLOADS_URL", "")))
    return f" {there.scheme}://{there.netloc}" if there.netloc else ""


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if SAFE_ID.fullmatch(given) else uuid4().hex
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _dress(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")
    if "request_id" in g:
        response.headers["X-Request-ID"] = g.request_id
    if request.endpoint == "static" and "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    elif "Cache-Control" not in response.headers and response.mimetype == "text/html":
        response.headers["Cache-Control"] = "private, no-cache"
        response.vary.update(("Cookie", "Accept-Language", "HX-Request"))
    return response
