"""Pages for readers who are not signed in, kept ready in each process.

A page is kept only when nothing about it is personal: it was asked for without a session, it set no cookie,
and it holds no form of ours (no CSRF token was made for it). It is thrown away as soon as a newer fact is in
the record, and after ten seconds at the latest. Browsers may keep it, too, and ask whether it has changed.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from threading import Lock
from typing import Any

from flask import Flask, Response, g, request, session
from prometheus_client import Counter
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from portal.community.facade import SHOWN, Shown, guest, record_again
from portal.kernel.clock import today
from portal.kernel.database import db, transaction
from portal.web.headers import CSP, new_nonce, nonce, safe_headers
from portal.web.language import CODES, COOKIE, preferred
from portal.web.templating import THEMES

MOST_PAGES, MOST_BYTES, MOST_NOTED = 512, 300_000, 100_000
MEMBERS_COOKIES = ("session=", "remember_token=")
"""What somebody carries who may have signed in, with a prefix or without."""
OLDEST, GLANCE = 10.0, 0.5
Start = Callable[..., Any]
Key = tuple[str, ...]
answered = Counter("portal_reader_pages_total", "Pages for readers from the cache", ("how",))


@dataclass(slots=True)
class Kept:
    """One page as it was sent."""

    body: bytes
    nonce: bytes
    """The one-time word in it; each reader gets another."""
    etag: str
    content_type: str
    version: int
    born: float
    shown: tuple[Shown, ...]
    """What it shows, to be noted as seen by each guest who gets it."""


@dataclass(slots=True)
class Guests:
    """Who was given a kept page, until it is written down with the impressions of the others."""

    day: date = field(default_factory=today)
    noted: set[tuple[str, str, tuple[Shown, ...]]] = field(default_factory=set)
    waiting: list[tuple[str, tuple[Shown, ...]]] = field(default_factory=list)

    def note(self, environ: dict[str, Any], shown: tuple[Shown, ...]) -> None:
        """Remember that this guest was given a page; once a day is enough."""
        address, agent = environ.get("REMOTE_ADDR", ""), environ.get("HTTP_USER_AGENT", "")
        if not shown or not agent or (address, agent, shown) in self.noted:
            return
        self.noted.add((address, agent, shown))
        self.waiting.append((guest(address, agent), shown))

    def write(self, app: Flask) -> None:
        """Write down what was noted, in one transaction; what fails is given up: it is a sample of interest."""
        waiting, self.waiting = self.waiting, []
        if len(self.noted) > MOST_NOTED or self.day != today():
            self.noted, self.day = set(), today()
        if waiting:
            with app.app_context(), suppress(SQLAlchemyError), transaction():
                for who, shown in waiting:
                    record_again(who, shown)


@dataclass(slots=True)
class Record:
    """The newest fact of the record, looked at no more than twice a second."""

    app: Flask
    engine: Engine
    guests: Guests = field(default_factory=Guests)
    newest: int = -1
    looked: float = field(default=0.0)

    def version(self) -> int:
        """Return the id of the newest fact; -1 while the database is away."""
        now = time.monotonic()
        if now - self.looked > GLANCE:
            self.looked = now
            try:
                with self.engine.connect() as connection:
                    self.newest = connection.scalar(text("SELECT max(id) FROM activity")) or 0
            except SQLAlchemyError:
                self.newest = -1
            else:
                self.guests.write(self.app)
        return self.newest


class ReaderCache:
    """Stands before the application and answers what it has ready."""

    def __init__(self, app: Flask, engine: Engine) -> None:
        self.inner = app.wsgi_app
        self.app = app
        self.pages: OrderedDict[Key, Kept] = OrderedDict()
        self.lock = Lock()
        self.record = Record(app, engine)

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer from what is kept, or let the application answer."""
        key = self.key(environ)
        if key is None:
            return self.inner(environ, start)
        version = self.record.version()
        kept = self.pages.get(key)
        if kept is not None and kept.version == version >= 0 and time.monotonic() - kept.born < OLDEST:
            return self.send(kept, environ, start)
        environ["portal.reader_key"] = (key, version)
        return self.inner(environ, start)

    def key(self, environ: dict[str, Any]) -> Key | None:
        """Return what the page depends on, or None when it must not be kept."""
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or "HTTP_AUTHORIZATION" in environ:
            return None
        path = environ["PATH_INFO"]
        if path.startswith(("/static/", "/api/", "/livez", "/readyz", "/metrics")):
            return None
        cookies = environ.get("HTTP_COOKIE", "")
        if any(name in cookies for name in MEMBERS_COOKIES):
            return None
        language, theme = _choices(cookies)
        return (
            environ.get("HTTP_HOST", ""),
            path,
            environ.get("QUERY_STRING", ""),
            language or preferred(environ.get("HTTP_ACCEPT_LANGUAGE", "")),
            theme,
            environ.get("HTTP_HX_REQUEST", ""),
            environ.get("HTTP_HX_CURRENT_URL", ""),
        )

    def send(self, kept: Kept, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Send a kept page, or only that it has not changed."""
        self.record.guests.note(environ, kept.shown)
        word = new_nonce()
        headers = [
            *safe_headers(self.app, word).items(),
            ("ETag", kept.etag),
            ("Cache-Control", "no-cache"),
            ("Vary", "Cookie, Accept-Language, HX-Request"),
        ]
        if kept.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
            answered.labels("unchanged").inc()
            start("304 NOT MODIFIED", [one for one in headers if one[0] != CSP])  # the page there keeps its own
            return ()
        answered.labels("ready").inc()
        body = kept.body.replace(kept.nonce, word.encode())
        start("200 OK", [*headers, ("Content-Type", kept.content_type), ("Content-Length", str(len(body)))])
        return () if environ["REQUEST_METHOD"] == "HEAD" else (body,)

    def keep(self, response: Response) -> Response:
        """Keep the application's answer if nothing about it is personal."""
        marked = request.environ.get("portal.reader_key")
        if marked is None or not _is_for_everybody(response) or self._has_headers_of_its_own(response):
            return response
        (key, version), body = marked, response.get_data()
        if len(body) > MOST_BYTES:
            return response
        word = nonce().encode()
        etag = f'"{blake2b(body.replace(word, b""), digest_size=12).hexdigest()}"'
        if version >= 0 and request.method == "GET":
            shown = tuple(request.environ.get(SHOWN, ()))
            page = Kept(body, word, etag, response.headers["Content-Type"], version, time.monotonic(), shown)
            with self.lock:
                self.pages[key] = page
                self.pages.move_to_end(key)
                while len(self.pages) > MOST_PAGES:
                    self.pages.popitem(last=False)
        response.headers["ETag"] = etag
        response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            response.headers.pop(CSP, None)
        return response

    def _has_headers_of_its_own(self, response: Response) -> bool:
        """Return whether a page is stricter than others: a kept one is sent with the usual headers."""
        usual = safe_headers(self.app, nonce())
        return any(response.headers.get(name, value) != value for name, value in usual.items())


def init_app(app: Flask) -> None:
    """Put the cache before the application, unless it is switched off."""
    wanted = app.config.get("PORTAL_READER_CACHE") or ("0" if app.config["PORTAL_ENV"] == "testing" else "1")
    if wanted != "1":
        return
    with app.app_context():
        cache = ReaderCache(app, db.engine)
    app.wsgi_app = cache  # type: ignore[method-assign,assignment]
    app.extensions["reader_cache"] = cache
    app.after_request_funcs.setdefault(None, []).insert(0, cache.keep)


def _is_for_everybody(response: Response) -> bool:
    return (
        response.status_code == HTTPStatus.OK
        and response.mimetype == "text/html"
        and not response.direct_passthrough
        and "csrf_token" not in g
        and not session.modified
        and "Set-Cookie" not in response.headers
    )


def _choices(header: str) -> tuple[str, str]:
    """Return the language and the theme chosen on this device."""
    if COOKIE not in header and "theme" not in header:
        return "", ""
    try:
        jar = SimpleCookie(header)
    except CookieError:
        return "", ""
    language = jar[COOKIE].value if COOKIE in jar else ""
    theme = jar["theme"].value if "theme" in jar else ""
    return language if language in CODES else "", theme if theme in THEMES else ""
