"""A telling sample of what ``make axe`` looks at: one page of each kind, on a phone in Italian and on a desk in English."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from portal.demo.loader import PASSWORD
from tests.journeys import axe
from tests.journeys.conftest import Town

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.timeout(600)]
EVERYBODY = ("/", "/ideas", "/questions", "/sign-in", "/sign-up", "/privacy")
MEMBERS = (
    "/account",
    "/account/privacy",
    "/account/reputation",
    "/account/notifications",
    "/notifications",
    "/ideas/new",
)
STAFF = ("/staff/moderation", "/staff/members", "/staff/benefits", "/staff/audit")
WAYS_IN = {"": EVERYBODY, "marta@it.example": MEMBERS, "sara@lanaviva.example.org": STAFF}


@pytest.fixture
def page(browser: Browser, town: Town) -> Iterator[Page]:
    context = browser.new_context(base_url=town.url, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


def in_language(page: Page, lang: str) -> None:
    page.goto(f"/language/{lang}")


def sign_in(page: Page, address: str) -> None:
    page.goto("/sign-in")
    page.locator("input[name=email]").fill(address)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url(re.compile(r"/(?!sign-in)[^/]*$"))


@pytest.mark.parametrize("address", list(WAYS_IN))
def test_pages_are_for_everybody(page: Page, address: str) -> None:
    if address:
        sign_in(page, address)
    paths = [*WAYS_IN[address], *(["/ideas", first(page, "/ideas"), first(page, "/questions")] if not address else [])]
    found = []
    for lang, width in (("it", 320), ("en", 1280)):
        in_language(page, lang)
        for path in paths:
            found += [
                f"{one.path} {one.look}: {one.rule} {one.where}"
                for one in axe.looks(page, path, address, lang, widths=(width,))
                if one is not None
            ]
    assert found == []


def first(page: Page, listing: str) -> str:
    page.goto(listing)
    return page.locator(".row-title a").first.get_attribute("href") or listing


def test_the_look_sees_what_is_wrong(page: Page) -> None:
    """A picture without words and grey on grey are found, so that nothing found means something."""
    page.goto("/")
    page.evaluate("document.querySelector('main').innerHTML = '<img src=\"/static/icons.svg\"><p id=\"grey\">pale</p>'")
    page.evaluate("document.getElementById('grey').style.color = '#ddd'")
    rules = {one["id"] for one in axe.Axe().run(page, options=axe.OPTIONS).response["violations"]}
    assert {"image-alt", "color-contrast"} <= rules
