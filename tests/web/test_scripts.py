"""What the page's own script adds, in a real browser, with pages and sockets on one port."""

import re
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect
from werkzeug.serving import make_server

from portal.community import facade as community
from portal.ideas import services as ideas
from portal.kernel.database import transaction
from portal.members import services as members
from portal.members.policy import Viewer
from portal.members.queries import viewer_of
from portal.notifications.live import live_app
from tests.community import hostile
from tests.conftest import Workers

PATIENCE = 20_000
INJECTED = """() => {
  const near = document.createElement('script');
  near.src = '/static/js/moderation.js';
  near.onload = () => { window.ran = 'near'; };
  const inside = document.createElement('script');
  inside.textContent = "window.ran = 'inside'";
  document.body.append(near, inside);
}"""
"""Puts a script of our own host into a page, and one that stands in it, as somebody would who found a hole."""


@pytest.fixture(scope="module")
def address(portal: Flask) -> Iterator[str]:
    before = portal.wsgi_app
    server = make_server("127.0.0.1", 0, live_app(portal), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    portal.wsgi_app = before  # type: ignore[method-assign]


class Scene:
    """A board with one idea, and Ida who reads it."""

    def __init__(self, app: Flask, browser: Browser, address: str) -> None:
        self.app, self.browser, self.address = app, browser, address
        with transaction():
            board = community.open_board("yarns", kind="ideas", name="Yarns")
        self.author, self.ida = self.member("Renzo"), self.member("Ida")
        with transaction():
            self.idea = ideas.propose_idea(
                self.author, board=board.key, title="Skeins of ten grams", body="To try colours."
            )
        self.contexts: list[BrowserContext] = []

    def member(self, name: str) -> Viewer:
        with transaction():
            member = members.create_member(email=f"{name}@example.org", name=name, verified=True)
        return viewer_of(member.id)

    def open(self, path: str, *, who: Viewer | None = None, scripts: bool = True) -> Page:
        context = self.browser.new_context(java_script_enabled=scripts, locale="en-GB")
        self.contexts.append(context)
        if who is not None:
            with transaction():
                key = members.open_session(who.id)
            serializer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
            value = serializer.dumps({"_user_id": key, "_fresh": True})
            context.add_cookies([{"name": "session", "value": value, "url": self.address}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(self.address + path)
        return page


@pytest.fixture
def scene(committed: Flask, browser: Browser, address: str) -> Iterator[Scene]:
    scene = Scene(committed, browser, address)
    yield scene
    for context in scene.contexts:
        context.close()


def test_a_vote_is_drawn_at_once_counted_and_can_be_undone(scene: Scene) -> None:
    page = scene.open(f"/ideas/{scene.idea}", who=scene.ida)
    button = page.locator("form[data-vote] button").first
    button.click()
    expect(page.locator("form[data-vote] button").first).to_have_attribute("aria-pressed", "true")
    expect(page.locator("form[data-vote] b").first).to_have_text("1")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("form[data-vote] b").first).to_have_text("0")
    expect(page.locator("[data-state=pending]")).to_have_count(0)
    page.reload()
    expect(page.locator("form[data-vote] button").first).to_have_attribute("aria-pressed", "false")


def test_only_scripts_with_the_one_time_word_run(scene: Scene) -> None:
    page = scene.open("/", who=scene.ida)
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    for path in ("/ideas/new", "/questions/ask", f"/ideas/{scene.idea}", "/notifications/wishes", "/account/security"):
        page.goto(scene.address + path)
        page.wait_for_load_state("networkidle")
    page.goto(f"{scene.address}/ideas/new?board=yarns")
    page.wait_for_function("typeof window.htmx == 'object'")
    page.goto(f"{scene.address}/ideas/{scene.idea}")
    page.locator("textarea[name=body]").first.focus()
    expect(page.locator(".toolbar, markdown-toolbar, [role=toolbar]").first).to_be_visible()
    assert [one for one in told if "Content Security Policy" in one] == []

    page.evaluate(INJECTED)
    page.wait_for_timeout(500)
    assert page.evaluate("window.ran") is None
    assert len([one for one in told if "Content Security Policy" in one]) == 2


def test_a_vote_that_does_not_arrive_is_drawn_back_and_says_so(scene: Scene) -> None:
    page = scene.open(f"/ideas/{scene.idea}", who=scene.ida)
    page.route("**/vote*", lambda route: route.abort())
    page.locator("form[data-vote] button").first.click()
    expect(page.locator(".toast")).to_contain_text("did not arrive")
    expect(page.locator("form[data-vote] b").first).to_have_text("0")
    expect(page.locator("form[data-vote] button").first).to_have_attribute("data-state", "failed")


def test_a_vote_without_scripts_comes_back_to_the_page(scene: Scene) -> None:
    page = scene.open(f"/ideas/{scene.idea}", who=scene.ida, scripts=False)
    page.locator("form[data-vote] button").first.click()
    expect(page.locator("form[data-vote] button").first).to_have_attribute("aria-pressed", "true")
    expect(page.locator("form[data-vote] b").first).to_have_text("1")


def test_a_second_window_sees_the_count_move_without_reload(scene: Scene, workers: Workers) -> None:
    workers.run()
    with scene.browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{scene.address}/ideas/{scene.idea}")
        expect(page.locator("body[data-looking]")).to_have_count(1)
        with transaction():
            ideas.cast_vote(scene.idea, scene.ida)
        workers.run()
        expect(page.locator(".vote b").first).to_have_text("1")


def test_a_new_comment_waits_in_a_bar_for_a_click(scene: Scene, workers: Workers) -> None:
    workers.run()
    page = scene.open(f"/ideas/{scene.idea}", who=scene.ida)
    expect(page.locator("body[data-looking]")).to_have_count(1)
    with transaction():
        ideas.comment_on_idea(scene.idea, scene.author, body="And undyed ones?")
    workers.run()
    bar = page.get_by_role("button", name="1 new comment")
    expect(bar).to_be_visible()
    expect(page.get_by_text("And undyed ones?")).to_have_count(0)
    bar.click()
    expect(page.get_by_text("And undyed ones?")).to_be_visible()


def test_what_was_typed_survives_leaving_the_page_and_goes_once_it_is_sent(scene: Scene) -> None:
    page = scene.open(f"/ideas/{scene.idea}", who=scene.ida)
    box = page.locator("#comment textarea[name=body]")
    box.focus()
    expect(page.locator("#comment [data-tools]")).to_be_visible()
    box.fill("Twelve centimetres are enough.")
    expect(page.get_by_text("Draft saved at")).to_be_visible()
    page.goto(scene.address + "/ideas")
    page.goto(f"{scene.address}/ideas/{scene.idea}")
    page.locator("#comment textarea[name=body]").focus()
    expect(page.locator("#comment textarea[name=body]")).to_have_value("Twelve centimetres are enough.")
    page.locator("#comment").get_by_role("button", name="Publish").click()
    expect(page.locator("#comments")).to_contain_text("Twelve centimetres are enough.")
    page.goto(f"{scene.address}/ideas/{scene.idea}?draft=1")
    expect(page.locator("#comment textarea[name=body]")).to_have_value("")


def test_the_theme_turns_without_a_request_and_stays(scene: Scene) -> None:
    page = scene.open("/ideas")
    page.get_by_role("button", name="Switch light or dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_reading_pages_load_little_script_and_nothing_from_elsewhere(scene: Scene) -> None:
    page = scene.open("/there-is-nothing", who=scene.ida)
    weight: dict[str, int] = {}
    hosts: set[str] = set()

    def note(response: object) -> None:
        url = response.url  # type: ignore[attr-defined]
        hosts.add(url.split("/")[2])
        if response.request.resource_type == "script":  # type: ignore[attr-defined]
            weight[url] = len(response.body())  # type: ignore[attr-defined]

    page.on("response", note)
    for path in ("/", "/ideas", f"/ideas/{scene.idea}", "/questions"):
        weight.clear()
        page.goto(scene.address + path, wait_until="networkidle")
        assert sum(weight.values()) <= 15_000, (path, weight)
    assert hosts == {scene.address.split("/")[2]}


def test_a_draft_begun_on_one_device_goes_on_on_another_and_nothing_is_lost(scene: Scene) -> None:
    path = f"/ideas/{scene.idea}"
    phone, desk = (scene.open(path, who=scene.ida) for _ in range(2))
    box = "#comment textarea[name=body]"
    phone.locator(box).fill("From the phone.")
    expect(phone.get_by_text("Draft saved at")).to_be_visible()
    desk.locator(box).focus()
    expect(desk.locator(box)).to_have_value("From the phone.")
    desk.locator(box).fill("From the desk.")
    expect(desk.get_by_text("Draft saved at")).to_be_visible()
    phone.locator(box).fill("From the phone, later.")
    expect(phone.get_by_role("button", name="Keep what is here")).to_be_visible()
    phone.get_by_role("button", name="Take that one").click()
    expect(phone.locator(box)).to_have_value("From the desk.")


def test_a_member_is_mentioned_by_choosing_her_name(scene: Scene) -> None:
    page = scene.open(f"/ideas/{scene.idea}", who=scene.ida)
    box = page.locator("#comment textarea[name=body]")
    box.focus()
    expect(page.locator("#comment [data-tools]")).to_be_visible()
    box.press_sequentially("Ask @ren")
    expect(page.get_by_role("option", name="Renzo")).to_be_visible()
    box.press("Enter")
    expect(box).to_have_value(f"Ask [@Renzo](/members/{scene.author.id}) ")
    page.locator("#comment").get_by_role("button", name="Publish").click()
    expect(page.locator("#comments a.mention")).to_have_text("@Renzo")


def test_a_picture_is_sent_at_once_described_and_shown(scene: Scene) -> None:
    page = scene.open(f"/ideas/{scene.idea}", who=scene.ida)
    page.locator("#comment textarea[name=body]").focus()
    expect(page.locator("#comment [data-tools]")).to_be_visible()
    picture: FilePayload = {
        "name": "skein.jpg",
        "mimeType": "image/jpeg",
        "buffer": hostile.picture(size=(900, 600)),
    }
    page.locator("#comment input[type=file]").set_input_files(picture)
    words = page.get_by_placeholder("What does the picture show?")
    expect(words).to_be_visible()
    words.fill("A red skein")
    page.locator("#comment").get_by_role("button", name="Preview").click()
    expect(page.locator("#comment [data-shown] img")).to_have_attribute("alt", "A red skein")
    page.locator("#comment").get_by_role("button", name="Publish").click()
    shown = page.locator("#comments img[alt='A red skein']")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.naturalWidth") > 0


def test_where_one_writes_little_script_is_loaded(scene: Scene) -> None:
    page = scene.open("/there-is-nothing", who=scene.ida)
    weight: dict[str, int] = {}

    def note(response: object) -> None:
        if response.request.resource_type == "script":  # type: ignore[attr-defined]
            weight[response.url] = len(response.body())  # type: ignore[attr-defined]

    page.on("response", note)
    page.goto(scene.address + "/ideas/new", wait_until="networkidle")
    assert any("compose" in url for url in weight)
    assert sum(weight.values()) <= 60_000, weight


BOX = "#comment textarea[name=body]"


def test_words_are_on_the_server_while_one_goes_on_typing_and_no_draft_comes_back_once_they_are_sent(
    scene: Scene,
) -> None:
    path = f"/ideas/{scene.idea}"
    page, other = scene.open(path, who=scene.ida), scene.open(path, who=scene.ida)
    page.locator(BOX).press_sequentially("One word after the other", delay=120)
    kept = other.request.get(f"{scene.address}/drafts/comment-idea-{scene.idea}").json()["fields"]["body"]
    assert "One word".startswith(kept[:8])
    expect(page.get_by_text("Draft saved at")).to_be_visible()
    page.wait_for_timeout(2000)
    other.locator(BOX).focus()
    expect(other.locator(BOX)).to_have_value("One word after the other")
    other.locator(BOX).press_sequentially(" and another window.")
    expect(other.get_by_text("Draft saved at")).to_be_visible()
    other.wait_for_timeout(2000)
    page.reload()
    page.locator(BOX).focus()
    expect(page.locator(BOX)).to_have_value(re.compile("another window"))
    page.locator(BOX).press_sequentially(" Done.")
    page.locator("#comment").get_by_role("button", name="Publish").click()
    expect(page.locator("#comments .voice")).to_contain_text("another window")
    other.locator(BOX).press_sequentially(" Late")
    expect(other.get_by_text("was sent, or thrown away")).to_be_visible()
    page.goto(scene.address + path)
    page.locator(BOX).focus()
    expect(page.locator("#comment [data-tools]")).to_be_visible()
    expect(page.locator(BOX)).to_have_value("")
    page.goto(scene.address + "/account/drafts")
    expect(page.get_by_text("There are no drafts")).to_be_visible()


def test_words_outlive_a_lost_line_a_closed_page_and_a_lost_session(scene: Scene) -> None:
    page = scene.open(f"/ideas/{scene.idea}", who=scene.ida)
    page.route("**/drafts", lambda route: route.abort())
    page.locator(BOX).focus()
    expect(page.locator("#comment [data-tools]")).to_be_visible()
    page.locator(BOX).press_sequentially("Typed in the tunnel")
    expect(page.get_by_text("the server cannot be reached")).to_be_visible()
    again = page.context.new_page()
    page.close()
    again.goto(f"{scene.address}/ideas/{scene.idea}")
    again.locator(BOX).focus()
    expect(again.locator(BOX)).to_have_value("Typed in the tunnel")
    expect(again.get_by_text("Draft saved at")).to_be_visible()

    [cookie] = [one for one in again.context.cookies() if one["name"] == "session"]
    again.context.clear_cookies()
    again.locator(BOX).press_sequentially(", signed out")
    expect(again.get_by_text("You are not signed in any more")).to_be_visible()
    again.context.add_cookies([{"name": "session", "value": cookie["value"], "url": scene.address}])
    again.locator(BOX).press_sequentially(", and in again")
    expect(again.get_by_text("Draft saved at")).to_be_visible()
    again.locator("#comment").get_by_role("button", name="Publish").click()
    expect(again.locator("#comments .voice")).to_have_text("Typed in the tunnel, signed out, and in again")


def test_a_reaction_that_is_clicked_twice_at_once_is_given_once(scene: Scene) -> None:
    page = scene.open(f"/ideas/{scene.idea}", who=scene.ida)
    page.locator(f"#react-idea-{scene.idea} summary").click()
    page.get_by_role("button", name="Insightful").dblclick()
    pressed = page.locator(f"#react-idea-{scene.idea} button[name=insightful]")
    expect(pressed).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(700)  # beyond what a system takes for a double click
    pressed.click()
    expect(page.locator(f"#react-idea-{scene.idea} button[name=insightful]")).to_have_attribute("aria-pressed", "false")
    page.locator("form[data-vote] button").first.dblclick(delay=20)
    expect(page.locator("[data-state=pending]")).to_have_count(0)
    expect(page.locator("form[data-vote] b").first).to_have_text("1")


PASTE = """([area, bytes, name, type]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  area.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def paste(page: Page, content: bytes, name: str, kind: str) -> None:
    area = page.locator(BOX).element_handle()
    page.evaluate(PASTE, [area, list(content), name, kind])


def test_what_is_pasted_is_shown_or_refused_with_the_reason_and_the_preview_is_what_is_published(scene: Scene) -> None:
    with transaction():
        first = ideas.comment_on_idea(scene.idea, scene.author, body="Which wool?")
    page = scene.open(f"/ideas/{scene.idea}?parent={first}#comment", who=scene.ida)
    page.locator(BOX).focus()
    expect(page.locator("#comment [data-tools]")).to_be_visible()
    paste(page, b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "x.png", "image/png")
    expect(page.locator(".toast")).to_contain_text("Send a picture (JPEG, PNG, WebP, GIF)")
    expect(page.locator(BOX)).to_have_value("")
    page.locator(BOX).fill("**Grey** wool, @Renzo\n\n> soft\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    paste(page, hostile.picture("PNG", size=(90, 60)), "shot.png", "image/png")
    page.get_by_placeholder("What does the picture show?").fill("A grey skein")
    page.locator("#comment").get_by_role("button", name="Preview").click()
    before = page.locator("#comment [data-shown]")
    expect(before.locator("a.mention")).to_have_text("@Renzo")
    previewed = before.inner_html().strip()
    page.locator("#comment").get_by_role("button", name="Publish").click()
    reply = page.locator(f"#comment-{first} ol.thread > li .voice")
    expect(reply).to_contain_text("Grey wool")
    assert reply.inner_html().strip() == previewed
    expect(page.locator("ol.thread ol.thread ol.thread")).to_have_count(0)


def test_who_listens_to_the_page_hears_that_names_are_offered_and_which_is_chosen(scene: Scene) -> None:
    scene.member("Renata")
    page = scene.open(f"/ideas/{scene.idea}", who=scene.ida)
    page.locator(BOX).press_sequentially("Ask @ren")
    expect(page.locator("#comment .offer + [role=status]")).to_have_text("2: Members; choose with the arrows")
    page.locator(BOX).press("ArrowDown")
    chosen = page.get_by_role("option", selected=True)
    expect(chosen).to_contain_text("Renzo")
    expect(page.locator(BOX)).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
    page.locator(BOX).press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(page.locator(BOX)).to_have_value("Ask @ren")
