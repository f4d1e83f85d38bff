"""What templates may use everywhere: figures and times, charts, icons, addresses of assets, who reads."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Flask, current_app, request
from markupsafe import Markup

from portal.kernel import charts, formats
from portal.members.doors import are_welcome
from portal.web.language import reader
from portal.web.site import Site

THEMES = ("light", "dark")
FILTERS = {
    "number": formats.number,
    "percent": formats.percent,
    "signed": formats.signed,
    "money": formats.money,
    "compact": formats.compact,
    "day": formats.day,
    "short_day": formats.short_day,
    "month": formats.month,
    "moment": formats.moment,
    "ago": formats.ago,
    "day_tag": formats.time_of,
    "duration": formats.duration,
    "initials": formats.initials,
}


def init_app(app: Flask) -> None:
    """Give templates their globals and filters."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(
        asset=asset,
        guest_vote_url=guest_vote_url,
        chart=charts,
        icon=icon,
        lang_attr=lang_attr,
        local=local,
        sign_in_url=sign_in_url,
        signed_in=signed_in,
        similar_attrs=similar_attrs,
    )
    app.context_processor(surroundings)


def surroundings() -> dict[str, Any]:
    """Return what every page is told."""
    viewer = reader()
    return {"viewer": viewer, "site": Site(viewer), "lang": formats.language(), "theme": theme(), "here": here()}


def theme() -> str:
    """Return the theme chosen on this device, or nothing: then the system decides."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else ""


def here() -> str:
    """Return the path of this page with its query, for coming back to it."""
    return request.full_path.rstrip("?")


def signed_in() -> bool:
    """Return whether a member reads; for macros, which have no context."""
    return not reader().is_anonymous


def sign_in_url() -> str:
    """Return the way to sign in and back to this page; a fragment leads back to the page it lies in."""
    back = (
        request.headers.get("HX-Current-URL") or request.referrer or ""
        if request.headers.get("HX-Request") == "true"
        else ""
    )
    path = back.removeprefix(request.host_url.rstrip("/")) if back.startswith(request.host_url) else here()
    return "/sign-in?next=" + quote(path, safe="/")


def guest_vote_url(vote_url: str) -> str:
    """Return where somebody supports an idea who has not signed in: with an address, or by signing in."""
    return vote_url.replace("/vote", "/support", 1) if are_welcome() else sign_in_url()


def lang_attr(code: str | None) -> Markup:
    """Return `` lang="en"`` for words in another language than the page's."""
    if not code or code == formats.language():
        return Markup()
    return Markup(' lang="{}"').format(code)


def local(words: Mapping[str, str] | str | None) -> str:
    """Return a text that is kept in several languages in the reader's, or in the first there is."""
    if words is None or isinstance(words, str):
        return words or ""
    return str(words.get(formats.language()) or next((text for text in words.values() if text), ""))


def similar_attrs(url: str) -> dict[str, str]:
    """Return the attributes of a field whose text is compared while it is typed; the answer goes into ``#near``."""
    return {
        "hx-get": url,
        "hx-trigger": "input changed delay:350ms",
        "hx-include": "closest form",
        "hx-target": "#near",
        "hx-swap": "innerHTML",
        "hx-sync": "this:replace",
        "autocomplete": "off",
        "aria-controls": "near",
    }


def icon(name: str, cls: str = "") -> Markup:
    """Return one icon of the sprite; always beside a word, hidden from those who listen."""
    return _icon(name, cls, asset("icons.svg"))


@lru_cache(maxsize=512)
def _icon(name: str, cls: str, sprite: str) -> Markup:
    return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        f"icon {cls}".strip(), sprite, name
    )


def asset(path: str) -> str:
    """Return the address of a file under ``static/`` with a mark of its content, so that it can be kept for a year."""
    known: dict[str, tuple[float, str]] = current_app.extensions.setdefault("portal_assets", {})
    if path in known and not current_app.config["DEVELOPMENT"]:
        return known[path][1]
    file = Path(str(current_app.static_folder)) / path
    written = file.stat().st_mtime
    if path not in known or known[path][0] != written:
        mark = hashlib.sha256(file.read_bytes()).hexdigest()[:10]
        known[path] = (written, f"{current_app.static_url_path}/{path}?v={mark}")
    return known[path][1]
