"""Payloads through every field that is rendered, in a real browser with the policy of content taken away: none runs."""

import re
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, Response
from playwright.sync_api import Browser, Page
from sqlalchemy import update
from werkzeug.serving import make_server

from portal.community import facade as community
from portal.ideas import services as ideas
from portal.kernel.clock import now
from portal.kernel.database import db, transaction
from portal.members import queries as members
from portal.members import services as member_services
from portal.members.models import Member, Organisation
from portal.members.policy import access, anyone
from portal.support import services as support
from tests.conftest import Workers
from tests.members.factories import a_member
from tests.security.payloads import payloads

LEAVES = re.compile(r"http-equiv|<base|<form|<template|<title|<textarea|<style|<math|<select")
"""Payloads that would lead the browser away from the page that is to be caught, or swallow the others."""
WATCH = "window.ran = []; window.xss = n => window.ran.push(n); window.alert = window.xss"
POKE = """() => {
  for (const one of document.querySelectorAll('*')) {
    for (const kind of ['mouseover', 'mouseenter', 'focus', 'toggle']) one.dispatchEvent(new Event(kind, {bubbles: false}));
    for (const {name, value} of one.attributes) {
      if (/^on/i.test(name)) window.ran.push(`${one.tagName} ${name}`);
      const scheme = value.replace(/[\\u0000-\\u0020]/g, '').toLowerCase();
      if (/^(href|src|action|formaction|data|xlink:href)$/i.test(name) && /^(javascript|vbscript|data:text)/.test(scheme))
        window.ran.push(`${one.tagName} ${name}=${value}`);
    }
  }
  return window.ran;
}"""
"""Touches everything, and counts what would run on a touch that no event can play."""


@access(anyone)
def raw() -> Response:
    """Give the payloads as they are: a page that must be caught."""
    return Response(
        "<!doctype html><title>raw</title>" + "\n".join(one for one in payloads() if not LEAVES.search(one)),
        mimetype="text/html",
    )


@pytest.fixture(scope="module")
def address(portal: Flask) -> Iterator[str]:
    """The portal on a port of loopback, its policy of content taken from every answer."""
    portal._got_first_request = False
    portal.add_url_rule("/tests/raw", "tests.raw", raw)

    def bare(environ: dict[str, Any], start: Any) -> Any:
        def without(status: str, headers: list[tuple[str, str]], error: Any = None) -> Any:
            return start(status, [one for one in headers if one[0] != "Content-Security-Policy"], error)

        return portal.wsgi_app(environ, without)

    before = portal.config["SERVER_NAME"]
    portal.config["SERVER_NAME"] = None
    server = make_server("127.0.0.1", 0, bare, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    portal.config["SERVER_NAME"] = before


class Stage:
    """Everything that somebody typed, everywhere it is shown."""

    def __init__(self) -> None:
        self.texts = payloads()
        self.pages: list[str] = []
        self.fields: dict[str, int] = {}
        with transaction():
            self.board = community.open_board("knits", kind="ideas", name={"en": "Knits", "it": "Maglie"}).key
            self.help = community.open_board("help", kind="support", name={"en": "Help", "it": "Aiuto"}).key
        self.mina, self.otto = a_member(name="Mina", verified=True), a_member(name="Otto", verified=True)

    def fill(self) -> None:
        """Write every payload into every field."""
        with transaction():
            self._ideas()
            self._questions()
            self._people()
            self._boards()
        self.pages += ["/", "/ideas", "/ideas?sort=newest", "/questions", "/members", "/search?q=xss", "/account",
                       "/ideas/new", "/questions/ask", "/search?kind=question&q=xss"]  # fmt: skip

    def _count(self, field: str, number: int) -> None:
        self.fields[field] = self.fields.get(field, 0) + number

    def _ideas(self) -> None:
        mina, otto = members.viewer_of(self.mina), members.viewer_of(self.otto)
        thread = ideas.propose_idea(mina, board=self.board, title="Everything in comments", at=now())
        for text in self.texts:
            ideas.comment_on_idea(thread, otto, body=text, at=now())
        self.pages.append(f"/ideas/{thread}")
        self._count("comment", len(self.texts))
        for text in self.texts[::2]:
            line = " ".join(text.split())
            idea = ideas.propose_idea(mina, board=self.board, title=line, body=text, at=now())
            self._count("idea's title and body", 2)
        self.pages += [f"/ideas/{idea}", f"/ideas/{idea}/edit"]
        body = "\n\n".join(self.texts)
        long = ideas.propose_idea(mina, board=self.board, title=self.texts[0], body=body, at=now())
        admin = members.viewer_of(a_member(kind="staff", roles=["admin"], name="Ada"))
        ideas.set_stage(long, admin, stage="review", answer=body[:4000], at=now())
        self.pages += [f"/ideas/{long}", f"/ideas/{long}/edit"]
        self._count("long body and official answer", 2 * len(self.texts))

    def _questions(self) -> None:
        mina, otto = members.viewer_of(self.mina), members.viewer_of(self.otto)
        thread = support.ask_question(mina, board=self.help, title=self.texts[13], body=self.texts[13], at=now())
        for text in self.texts:
            support.answer_question(thread, otto, body=text, at=now())
        self.pages.append(f"/questions/{thread}")
        self._count("answer", len(self.texts))
        for text in self.texts[1::2]:
            support.ask_question(mina, board=self.help, title=" ".join(text.split()), body=text, at=now())
            self._count("question's title and body", 2)

    def _people(self) -> None:
        for number, text in enumerate(self.texts):
            line = " ".join(text.split())[:78]
            who = a_member(email=f"xss{number}@example.org", name="x", verified=True)
            db.session.execute(
                update(Member).filter_by(id=who).values(name=line, bio=text, job=line, city=line, country=line)
            )
            if number % 8 == 0:
                self.pages.append(f"/members/{who}")
        self._count("name, job, city, country, about", 5 * len(self.texts))
        for text in self.texts[::4]:
            mill = Organisation(name=text, kind="supplier", country=text, region=text)
            db.session.add(mill)
            db.session.flush()
            self._count("organisation", 3)
        self.pages.append(f"/organisations/{mill.id}")
        db.session.execute(update(Member).filter_by(id=self.otto).values(organisation_id=mill.id))

    def _boards(self) -> None:
        for number, text in enumerate(self.texts[:40]):
            words = {"en": text, "it": text}
            community.open_board(f"b{number}", kind="ideas", name=words, description=words, categories=[text[:60]])
            community.define_tag(f"t{number}", name=words)
        self._count("board's name and description, category, tag", 160)
        self.pages += ["/boards/b1", "/boards/b13"]


def ran_on(page: Page, address: str) -> list[Any]:
    """Open a page, touch everything on it, and return what ran."""
    page.goto(address, wait_until="load")
    found: list[Any] = page.evaluate(POKE)
    page.wait_for_timeout(150)
    return [*found, *page.evaluate("window.ran")]


@pytest.mark.timeout(1800)
def test_no_payload_runs_in_any_field(
    committed: Flask, workers: Workers, browser: Browser, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage()
    stage.fill()
    workers.run()
    with transaction():
        key = member_services.open_session(stage.mina)
    signer = committed.session_interface.get_signing_serializer(committed)  # type: ignore[attr-defined]
    cookie = signer.dumps({"_user_id": key, "_fresh": True})
    context = browser.new_context(locale="en")
    context.add_init_script(WATCH)
    context.add_cookies([{"name": "session", "value": cookie, "url": address}])
    page = context.new_page()
    assert len(set(map(str, ran_on(page, f"{address}/tests/raw")))) > 30, "The browser does not notice what runs"
    ran = {path: found for path in stage.pages if (found := ran_on(page, address + path))}
    for number, text in enumerate(stage.texts):
        if number % 4 == 0:
            path = "/search?" + urlencode({"q": text})
            if found := ran_on(page, address + path):
                ran[path] = found
            stage.fields["words of a search"] = stage.fields.get("words of a search", 0) + 1
    context.close()
    total = sum(stage.fields.values())
    with capsys.disabled():
        print(f"\nxss: {total} payloads in {len(stage.fields)} kinds of fields on {len(stage.pages)} pages: "  # noqa: T201
              f"{sum(map(len, ran.values()))} ran")  # fmt: skip
    assert total >= 200
    assert ran == {}
