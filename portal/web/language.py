"""Which language a page speaks, and where its words are."""

from functools import lru_cache
from pathlib import Path

from flask import Flask, has_request_context, request
from flask_babel import Babel, refresh
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from portal.kernel import speech
from portal.members.policy import NOBODY, Viewer
from portal.members.session import current_viewer

CODES = ("it", "en")
DEFAULT = "en"
COOKIE = "lang"
KNOWN = "portal.language"


def init_app(app: Flask) -> None:
    """Gather every feature's catalogue into one set of words."""
    folder = Path(app.root_path) / "translations"
    folders = sorted(str(path) for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", ";".join(folders) or "translations")
    app.config.setdefault("BABEL_DEFAULT_LOCALE", DEFAULT)
    app.config.setdefault("BABEL_DEFAULT_TIMEZONE", "UTC")
    Babel(app, locale_selector=chosen)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        speech.gettext, speech.ngettext, newstyle=True, pgettext=speech.pgettext, npgettext=speech.npgettext
    )
    app.before_request(refresh)


def chosen() -> str:
    """Return the reader's language: chosen on this device, else her own, else her browser's."""
    if not has_request_context():
        return DEFAULT
    known: str | None = request.environ.get(KNOWN)
    if known is None:
        cookie = request.cookies.get(COOKIE)
        known = cookie if cookie in CODES else _without_a_choice()
        request.environ[KNOWN] = known
    return known


def _without_a_choice() -> str:
    return reader().lang or preferred(request.headers.get("Accept-Language", ""))


@lru_cache(maxsize=512)
def preferred(header: str) -> str:
    """Return the best of our languages for an ``Accept-Language`` header."""
    return parse_accept_header(header, LanguageAccept).best_match(CODES, DEFAULT)


def reader() -> Viewer:
    """Return who reads; nobody when the database, which knows members, is away."""
    try:
        return current_viewer()
    except SQLAlchemyError:
        return NOBODY
