"""Listen, interact, improve: what people do in the browser arrives in the company's CRM."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Town

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.timeout(600)]
PASSWORD = "tre gomitoli e un gatto"


@pytest.fixture
def window(browser: Browser, town: Town) -> Iterator[Callable[[], Page]]:
    """Open a window of a person of her own, in English."""
    contexts = []

    def open_one() -> Page:
        context = browser.new_context(base_url=town.url, locale="en-GB")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        return page

    yield open_one
    for context in contexts:
        context.close()


def sign_up(page: Page, name: str) -> str:
    address = f"{name.lower()}@example.org"
    page.goto("/sign-up")
    page.get_by_label("Name").fill(name)
    page.get_by_label(re.compile("mail", re.IGNORECASE)).fill(address)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the profile").click()
    expect(page.locator(".face").first).to_be_visible()
    return address


def votes(page: Page) -> int:
    return int(page.locator(".vote-wide b").first.inner_text().replace(",", ""))


def test_from_a_proposal_to_the_crm(window: Callable[[], Page], town: Town) -> None:
    ada, bo = window(), window()
    address = sign_up(ada, "Ada")
    sign_up(bo, "Bo")

    # She proposes; what is like it is offered before she has finished typing.
    ada.goto("/ideas/new?board=filati")
    ada.get_by_label("What would you like?").press_sequentially(
        "Small skeins of ten grams to try the colours", delay=15
    )
    expect(ada.locator("#near li").first).to_be_visible()
    ada.get_by_label("Tell us about it").fill(
        "I buy a whole ball just to see whether two dyes get on. Ten grams would be enough."
    )
    ada.get_by_role("button", name="Publish the idea").click()
    ada.wait_for_url(re.compile(r"/ideas/\d+"))
    idea = ada.url
    before = votes(ada)

    # Somebody else votes; her window moves without a reload.
    ada.evaluate("window.stillHere = true")
    bo.goto(idea)
    bo.locator(".vote-wide").first.click()
    expect(bo.locator(".vote-wide").first).to_have_attribute("aria-pressed", "true")
    expect(ada.locator(".vote-wide b").first).to_have_text(str(before + 1))
    assert ada.evaluate("window.stillHere") is True

    # She asks, he answers, she accepts.
    ada.goto("/questions/ask?board=aiuto")
    ada.get_by_label("What is the problem?").fill("How do I wash a jumper of grey Maiella wool?")
    ada.get_by_label("What have you tried?").fill("It smells of campfire.")
    ada.get_by_role("button", name="Ask", exact=True).click()
    ada.wait_for_url(re.compile(r"/questions/\d+"))
    bo.goto(ada.url)
    bo.get_by_label("Your answer").fill("Cold water, no wringing, and dry it flat on a towel.")
    bo.get_by_role("button", name="Publish the answer").click()
    expect(bo.get_by_text("dry it flat on a towel").first).to_be_visible()
    ada.reload()
    ada.get_by_role("button", name="This solved it").first.click()
    expect(ada.get_by_text(re.compile("Accepted")).first).to_be_visible()

    # The company's CRM knows.
    both = ("portal_ideas_submitted", "portal_questions")
    figures = contact(town, address, until=lambda found: all(found.get(name) for name in both))
    assert [figures[name] for name in both] == [1, 1]


def test_votes_survive_a_broker_that_dies(window: Callable[[], Page], town: Town) -> None:
    people = [window() for _ in range(3)]
    for number, page in enumerate(people):
        sign_up(page, f"Voter{number}")
    people[0].goto("/boards/filati?sort=newest")
    people[0].locator(".idea a").first.click()
    people[0].wait_for_url(re.compile(r"/ideas/\d+"))
    idea, before = people[0].url, votes(people[0])
    for number, page in enumerate(people):
        page.goto(idea)
        if number == 1:
            assert town.kill("valkey-server") or town.kill("redis-server")
        press(page)
        expect(page.locator(".vote-wide").first).to_have_attribute("aria-pressed", "true")
    people[0].reload()
    assert votes(people[0]) == before + 3
    press(people[1])
    expect(people[1].locator(".vote-wide").first).to_have_attribute("aria-pressed", "false")
    people[0].reload()
    assert votes(people[0]) == before + 2


def press(page: Page) -> None:
    """Press the button of the vote and wait for the answer: the button itself does not."""
    with page.expect_response(lambda answer: "/vote?" in answer.url) as told:
        page.locator(".vote-wide").first.click()
    assert told.value.ok


def contact(town: Town, address: str, *, until: Callable[[dict[str, object]], bool]) -> dict[str, object]:
    """Ask the Tryton server itself for a contact, until it knows or two minutes have passed."""
    from tests.journeys.tryton import contact_of

    found: dict[str, object] = {}
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = contact_of(town.data, address)
        if until(found):
            break
        time.sleep(1)
    return found
