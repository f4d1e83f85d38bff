"""Texts that are written to break a page, to deceive a reader or to keep a processor busy."""

import pytest
from flask import Flask

from portal.community.services.writing import compose
from portal.ideas import queries as idea_queries
from portal.ideas import services as ideas
from portal.kernel.errors import Invalid
from portal.kernel.text import BODY_MAX, clean_line, clean_text, excerpt, markdown_to_html
from portal.members.policy import NOBODY
from tests.ideas.factories import a_board, a_viewer, an_idea
from tests.members.factories import a_member

DEEP = [
    ">" * BODY_MAX,
    "- " * (BODY_MAX // 2),
    "\n".join(" " * (2 * n) + "- x" for n in range(220)),
    "[" * BODY_MAX,
    "[@" * (BODY_MAX // 2),
    "![a](" * (BODY_MAX // 5),
    "<" * (BODY_MAX - 1) + "@",
    "**a _b " * (BODY_MAX // 7),
    "`@" * (BODY_MAX // 2),
    "😀" * 10_000,
    "x" * BODY_MAX,
]


@pytest.mark.parametrize("text", DEEP, ids=lambda text: text[:6])
def test_nothing_is_drawn_deeper_or_much_longer_than_it_was_typed(app: Flask, text: str) -> None:
    board = an_idea()
    html = compose(clean_text(text, field="body"), board_id=idea_queries.idea_page(NOBODY, board).board_id).html
    assert len(html) < 5 * BODY_MAX
    assert max(html.count(f"<{tag}>") for tag in ("blockquote", "ul")) <= 20
    assert len(excerpt(text)) <= 181


def test_an_address_that_is_named_once_is_not_drawn_ten_thousand_times() -> None:
    bomb = f"[a]: /{'x' * 20_000}\n\n{'[a] ' * 5_000}"
    with pytest.raises(Invalid, match="links"):
        markdown_to_html(bomb)
    assert markdown_to_html("[a]: https://example.org\n\n[a] [a]").count("https://example.org") == 2


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Pay\u202egnp.exe", "Paygnp.exe"),
        ("Ad\u200bmin\ufeff", "Admin"),
        ("e\u0301tude", "étude"),
        ("👩\u200d🔬 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩\u200d🔬 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("two\r\nlines", "two lines"),
    ],
)
def test_a_line_keeps_what_can_be_read_and_loses_what_deceives(typed: str, kept: str) -> None:
    assert clean_line(typed, field="title") == kept


@pytest.mark.parametrize("nothing", ["\u200b", "\u2060\ufeff", " \u00ad ", "\u200d\u200c", "\u3164"])
def test_what_shows_nothing_is_no_title_and_no_text(app: Flask, nothing: str) -> None:
    board = a_board()
    with pytest.raises(Invalid, match="Write something here"):
        ideas.propose_idea(a_viewer(), board=board, title=nothing, body="")
    with pytest.raises(Invalid, match="Write something here"):
        ideas.comment_on_idea(an_idea(), a_viewer(), body=nothing)
    with pytest.raises(Invalid):
        a_member(name=nothing)


def test_marks_that_are_piled_up_stay_in_their_line() -> None:
    assert clean_text("a" + "\u0301\u0302\u0303" * 400 + "b", field="body") == "á\u0302\u0303\u0301b"
    assert clean_line("Việt Nam ở ậ", field="name") == "Việt Nam ở ậ"


@pytest.mark.parametrize("sign", ["\0", "\x1b", "\x7f", "\x85"])
def test_control_characters_are_refused_with_a_sentence(sign: str) -> None:
    with pytest.raises(Invalid, match="control characters"):
        clean_text(f"a{sign}b", field="body")


def test_lines_end_in_one_way_and_a_lone_surrogate_is_refused() -> None:
    assert clean_text("a\r\nb\rc", field="body") == "a\nb\nc"
    with pytest.raises(Invalid, match="not Unicode"):
        clean_text("a\ud800", field="body")


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd"]
)
def test_a_link_leads_to_a_page_or_a_mailbox(link: str) -> None:
    html = markdown_to_html(f"[x]({link}) <{link}> ![y]({link})\n\n[z]: {link}\n\n[z]")
    assert "href" not in html
    assert "<img" not in html


def test_headings_of_a_text_never_stand_above_those_of_the_page() -> None:
    html = markdown_to_html("# One\n\nTwo\n===\n\n##### Five")
    assert html.replace("\n", "") == "<h3>One</h3><h3>Two</h3><h4>Five</h4>"
