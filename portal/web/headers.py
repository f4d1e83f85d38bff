"""Headers that keep a page safe, and a name for each request."""

import re
import secrets
import time
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from flask import Flask, Response, current_app, g, request

SAFE_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
YEAR = 31_536_000
NOTHING_ELSE = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "magnetometer", "microphone", "midi", "payment", "usb", "xr-spatial-tracking",
)  # fmt: skip
"""What no page of ours asks of a browser."""
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in NOTHING_ELSE),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STRICT = "Strict-Transport-Security"
CSP = "Content-Security-Policy"
NONCE = "{nonce}"
"""Where the one-time word stands in the policy that is kept ready."""
NONCE_BYTES = 16


def init_app(app: Flask) -> None:
    """Name each request and dress each answer."""
    app.extensions["safe_headers"] = _of(app)
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)  # refusals, too, have a name
    app.after_request(_dress)
    app.jinja_env.globals["nonce"] = nonce


def safe_headers(app: Flask, word: str = NONCE) -> dict[str, str]:
    """Return what every answer carries: pages, files, errors and the API alike.

    :param word: the one-time word of the answer, which the scripts of a page must carry, too.
    """
    found: dict[str, str] = app.extensions["safe_headers"]
    return {**found, CSP: found[CSP].replace(NONCE, word)}


def new_nonce() -> str:
    """Return a one-time word that nobody can guess."""
    return secrets.token_urlsafe(NONCE_BYTES)


def nonce() -> str:
    """Return the one-time word of the answer that is being made."""
    if "nonce" not in g:
        g.nonce = new_nonce()
    word: str = g.nonce
    return word


def is_served_by_https(app: Flask) -> bool:
    """Return whether readers come by https, as the portal's own address says."""
    return str(app.config.get("PORTAL_URL", "")).startswith("https://")


def _of(app: Flask) -> dict[str, str]:
    https = is_served_by_https(app)
    strict = {STRICT: f"max-age={YEAR}; includeSubDomains"} if https else {}
    return {CSP: policy(_host_of_uploads(app), https=https), **SAFE, **strict}


def policy(pictures: str = "", *, https: bool = False) -> str:
    """Return what a page may load and do: nothing but ours, nothing inline, and only scripts with the one-time word.

    ``'self'`` would let a script run that somebody managed to name, as long as it lies here. What a script of ours
    imports carries its word; nothing that is put into a page later does.

    :param pictures: another host that pictures may come from.
    """
    rules = [
        "default-src 'self'",
        f"script-src 'nonce-{NONCE}'",
        "worker-src 'self'",
        "style-src 'self'",
        f"img-src 'self' data:{pictures}",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
    return "; ".join([*rules, "upgrade-insecure-requests"] if https else rules)


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
    for name, value in safe_headers(current_app, nonce()).items():
        response.headers.setdefault(name, value)
    if "request_id" in g:
        response.headers["X-Request-ID"] = g.request_id
    if request.endpoint == "static" and "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    elif "Cache-Control" not in response.headers and response.mimetype == "text/html":
        response.headers["Cache-Control"] = "private, no-cache"
        response.vary.update(("Cookie", "Accept-Language", "HX-Request"))
    return response
