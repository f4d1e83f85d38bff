"""axe-core over every page: each kind of member, both languages, both themes, a phone's width and a desk's.

``python -m tests.journeys.axe`` loads the demo community into a database of its own, finds an address for every page in
the map of addresses, first by following links as each kind of member, then by filling in what exists, and reports every
violation. Words after it limit it to addresses that hold one of them, ``@marta`` to some people; ``quick`` takes two
looks at each page instead of eight. Exit status 1 when something was found.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import select, text
from werkzeug.exceptions import HTTPException

from portal.demo import loader
from portal.kernel.database import db, transaction
from portal.local.browser import find_browser
from portal.members import services as members
from portal.members.models import Member, MemberSession

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
OPTIONS = {"runOnly": {"type": "tag", "values": list(TAGS)}, "resultTypes": ["violations"]}
PEOPLE = ("", "marta", "nives", "otto", "loris", "bea", "anna", "sara")
"""Nobody, a customer, a supplier, a partner, and staff: agent, moderator, brand manager, admin."""
LANGUAGES, THEMES, WIDTHS = ("it", "en"), ("light", "dark"), (320, 1280)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
LINK = re.compile(r'(?:href|hx-get)="(/[^"#]*)')
ROUNDS, PAGES_EACH = 4, 600
NOT_PAGES = ("/static/", "/api/", "/livez", "/readyz", "/metrics", "/uploads/", "/language/", "/socket.io")


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that one page breaks, in one of its looks."""

    path: str
    who: str
    look: str
    rule: str
    impact: str
    where: str
    help: str


@dataclass(slots=True)
class Report:
    """What was looked at and what was found."""

    pages: int = 0
    looks: int = 0
    findings: list[Finding] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)


# Finding every page


def sign_in(app: Flask, who: str) -> str:
    """Open a session for somebody of the demo and return the value of its cookie; empty for nobody."""
    if not who:
        return ""
    client = app.test_client()
    address = next(row["email"] for row in loader.tell(loader.now())["members"] if row["key"] == who)
    with transaction():
        key = members.open_session(db.session.scalars(select(Member.id).filter_by(email=address)).one())
        db.session.flush()
        db.session.execute(
            MemberSession.__table__.update().where(MemberSession.key == key).values(second_factor=True)  # type: ignore[attr-defined]
        )
    with app.app_context(), client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = key, True
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    return cookie.value if cookie is not None else ""


def pages_of(app: Flask, who: str, cookie: str) -> dict[str, str]:
    """Return an address of each page that somebody can open, by its endpoint: by links first, then by what exists."""
    client = app.test_client()
    if cookie:
        client.set_cookie(app.config["SESSION_COOKIE_NAME"], cookie)
    found: dict[str, str] = {}
    seen: set[str] = set()
    ahead = ["/", "/ideas", "/questions", "/account", "/staff"]
    for _ in range(ROUNDS):
        further: list[str] = []
        for path in ahead:
            if path in seen or len(seen) > PAGES_EACH:
                continue
            seen.add(path)
            endpoint = endpoint_of(app, path)
            if endpoint is None or endpoint in found:
                continue
            html = opened(client, path)
            if html is None:
                continue
            found[endpoint] = path
            further += [link.replace("&amp;", "&") for link in LINK.findall(html)]
        ahead = list(dict.fromkeys(further))
    for endpoint, paths in guesses(app, who):
        if endpoint not in found:
            path = next((path for path in paths if opened(client, path) is not None), None)
            if path is not None:
                found[endpoint] = path
    return found


def endpoint_of(app: Flask, path: str) -> str | None:
    """Return the endpoint behind an address, if it is a page."""
    if path.startswith(NOT_PAGES):
        return None
    try:
        endpoint, _values = app.url_map.bind("localhost").match(urlsplit(path).path, method="GET")
    except HTTPException:
        return None
    return str(endpoint)


def opened(client: Any, path: str) -> str | None:
    """Return the page, or None when the address answers with something else."""
    with client.application.app_context():  # with a `g` of its own: nobody is remembered from the request before
        answer = client.get(path, headers={"Accept-Language": "en"})
    is_page = answer.status_code == 200 and answer.mimetype == "text/html"
    html = answer.get_data(as_text=True) if is_page else ""
    return html if "<html" in html else None


def guesses(app: Flask, who: str) -> Iterator[tuple[str, list[str]]]:
    """Yield addresses of every page with numbers that exist in its arguments."""
    del who
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.rule.startswith(NOT_PAGES):
            continue
        yield rule.endpoint, list(filled(rule.rule))


def filled(rule: str) -> Iterable[str]:
    """Return an address with some numbers of the tables that its arguments name."""
    arguments = re.findall(r"<(?:[^:>]+:)?([^>]+)>", rule)
    if not arguments:
        return [rule]
    if len(arguments) > 1 or not arguments[0].endswith("_id"):
        return []
    table = arguments[0].removesuffix("_id")
    if not db.session.scalar(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": table}):
        return []
    ids = db.session.scalars(text(f'SELECT id FROM "{table}" ORDER BY id DESC LIMIT 25')).all()
    db.session.rollback()
    return [re.sub(r"<[^>]+>", str(one), rule) for one in ids]


# Looking


def looks(
    page: Page,
    path: str,
    who: str,
    lang: str,
    *,
    themes: Iterable[str] = THEMES,
    widths: Iterable[int] = WIDTHS,
) -> Iterator[Finding | None]:
    """Open a page and look at it in the themes and widths; yield None once a look, and what it breaks."""
    page.goto(path, wait_until="load")
    for theme in themes:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            yield None
            look = f"{lang} {theme} {width}"
            if page.evaluate("document.documentElement.scrollWidth") > width:
                yield Finding(
                    path, who, look, "no-sideways-scrolling", "serious", "html", "The page is wider than the screen"
                )
            for broken in Axe().run(page, options=OPTIONS).response["violations"]:
                for node in broken["nodes"]:
                    where = f"{' '.join(map(str, node['target']))} {node['html'][:160]}"
                    yield Finding(path, who, look, broken["id"], broken["impact"], where, broken["help"])


def a_context(browser: Browser, url: str, cookie: str, lang: str, name: str = "session") -> BrowserContext:
    """Return a window in a language, signed in by a cookie."""
    context = browser.new_context(base_url=url, locale={"it": "it-IT", "en": "en-GB"}[lang])
    if cookie:
        context.add_cookies([{"name": name, "value": cookie, "url": url}])
    context.set_extra_http_headers({"Accept-Language": lang})
    return context


def over_all(app: Flask, browser: Browser, url: str, wanted: list[str]) -> Report:
    """Look at every page as each kind of member. Members' own languages give way to the one that is looked at."""
    report = Report()
    reached: set[str] = set()
    people = [word[1:] for word in wanted if word.startswith("@")] or PEOPLE
    quick = "quick" in wanted
    wanted = [word for word in wanted if not word.startswith("@") and word != "quick"]
    for who in people:
        cookie = sign_in(app, who)
        pages = pages_of(app, who, cookie)
        if wanted:
            pages = {name: path for name, path in pages.items() if any(word in path for word in wanted)}
        reached |= set(pages)
        for lang in LANGUAGES:
            _speak(who, lang)
            context = a_context(browser, url, cookie, lang, app.config["SESSION_COOKIE_NAME"])
            page = context.new_page()
            few = (
                {"themes": THEMES[:1], "widths": WIDTHS[:1]}
                if lang == "it"
                else {"themes": THEMES[1:], "widths": WIDTHS[1:]}
            )
            for path in pages.values():
                for finding in looks(page, path, who, lang, **(few if quick else {})):  # type: ignore[arg-type]
                    if finding is None:
                        report.looks += 1
                    else:
                        sys.stderr.write(f"{finding}\n")
                        report.findings.append(finding)
            context.close()
        report.pages += len(pages)
        sys.stderr.write(f"{who or 'nobody'}: {len(pages)} pages, {len(report.findings)} findings so far\n")
    report.unreached = sorted({name for name, _ in guesses(app, "")} - reached)
    return report


def _speak(who: str, lang: str) -> None:
    if who:
        address = next(row["email"] for row in loader.tell(loader.now())["members"] if row["key"] == who)
        with transaction():
            db.session.execute(
                text("UPDATE member SET lang = :lang WHERE email = :email"), {"lang": lang, "email": address}
            )


def main() -> None:
    """Look at everything and print a JSON document."""
    from bench.common import fresh_portal, server
    from tests.conftest import Workers

    os.environ["PORTAL_STAFF_SECOND_FACTOR"] = "0"
    chromium = find_browser()
    if chromium is None:
        sys.exit("no Chromium on this machine: install the package chromium")
    with fresh_portal("axe") as app:
        app.config["SERVER_NAME"] = None
        loader.load()
        Workers(app).run()
        for words in (["topics", "train"], ["experts", "rank"]):
            app.test_cli_runner().invoke(args=words, catch_exceptions=False)
        with server(None, app.config["BENCH_ENVIRON"], workers=1) as (port, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            report = over_all(app, browser, f"http://127.0.0.1:{port}", sys.argv[1:])
            browser.close()
    sys.stdout.write(json.dumps(_told(report), ensure_ascii=False, indent=1) + "\n")
    sys.exit(bool(report.findings))


def _told(report: Report) -> dict[str, Any]:
    """Put what is the same in several looks together."""
    same: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in report.findings:
        entry = same.setdefault(
            (one.rule, one.path, one.where),
            {
                "rule": one.rule,
                "impact": one.impact,
                "help": one.help,
                "path": one.path,
                "where": one.where,
                "looks": [],
            },
        )
        entry["looks"].append(f"{one.who or 'nobody'} {one.look}")
    return {
        "pages": report.pages,
        "looks": report.looks,
        "violations": len(report.findings),
        "found": list(same.values()),
        "not_reached": report.unreached,
    }


if __name__ == "__main__":
    main()
