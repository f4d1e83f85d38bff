"""Text that people write: checked, normalised, rendered safely, shortened, folded."""

import re
import unicodedata
from functools import lru_cache
from html import escape

import nh3
from flask_babel import lazy_gettext as _l
from markdown_it import MarkdownIt
from slugify import slugify

from portal.kernel.errors import Invalid

TITLE_MAX = 200
BODY_MAX = 50_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BLANKS = re.compile(r"\s+")
_TAGS = {"p", "br", "strong", "em", "del", "a", "ul", "ol", "li", "blockquote", "code", "pre", "h3",
         "h4", "hr", "table", "thead", "tbody", "tr", "th", "td"}  # fmt: skip
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable(
    ["table", "strikethrough"]
)


def clean_line(value: str, *, field: str, most: int = TITLE_MAX, least: int = 1) -> str:
    """Return one line of text in NFC, white space folded.

    :raise Invalid: on control characters, and when it is shorter or longer than allowed.
    """
    return _bounded(_BLANKS.sub(" ", _normal(value, field)).strip(), field, least, most)


def clean_text(value: str, *, field: str, most: int = BODY_MAX, least: int = 1) -> str:
    r"""Return lines of text in NFC with ``\n`` as the only line end.

    :raise Invalid: on control characters, and when it is shorter or longer than allowed.
    """
    lines = _normal(value.replace("\r\n", "\n").replace("\r", "\n"), field)
    return _bounded(lines.strip(), field, least, most)


def _normal(value: str, field: str) -> str:
    if _CONTROL.search(value):
        raise Invalid(fields={field: _l("This text holds control characters. Type it again without them.")})
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Invalid(fields={field: _l("This text holds characters that are not Unicode.")}) from error
    return unicodedata.normalize("NFC", value)


def _bounded(value: str, field: str, least: int, most: int) -> str:
    if len(value) < least:
        sentence = (
            _l("Write something here.") if least == 1 else _l("Write at least %(least)d characters.", least=least)
        )
        raise Invalid(fields={field: sentence})
    if len(value) > most:
        sentence = _l("Keep it under %(most)d characters; this has %(size)d.", most=most, size=len(value))
        raise Invalid(fields={field: sentence})
    return value


def markdown_to_html(source: str) -> str:
    """Render Markdown to HTML that is safe to store and to show: no raw HTML, no images, no scripts.

    Headings begin at level 3, because the page owns the first two.
    """
    html = _markdown.render(source)
    html = re.sub(r"(</?)h[12]>", r"\1h3>", html)
    html = re.sub(r"(</?)h[56]>", r"\1h4>", html)
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow ugc noopener",
    )


def plain_to_html(source: str) -> str:
    """Render plain text as it stands: paragraphs, ``- `` lists and ``> `` quotes. A twentieth of Markdown's cost."""
    blocks = (block for block in source.split("\n\n") if block.strip())
    return "".join(_block(block.strip("\n").split("\n")) for block in blocks)


def _block(lines: list[str]) -> str:
    for mark, outer, item in (("- ", "ul", "<li>{}</li>"), ("> ", "blockquote", "<p>{}</p>")):
        if all(line.startswith(mark) for line in lines):
            inner = "".join(item.format(escape(line.removeprefix(mark), quote=False)) for line in lines)
            return f"<{outer}>{inner}</{outer}>"
    return f"<p>{'<br>'.join(escape(line, quote=False) for line in lines)}</p>"


def plain(source: str) -> str:
    """Return Markdown as plain words on one line."""
    return _BLANKS.sub(" ", nh3.clean(_markdown.render(source), tags=set())).strip()


def excerpt(source: str, length: int = 180) -> str:
    """Return the beginning of a text, cut at a word and marked when something was left out."""
    flat = _BLANKS.sub(" ", re.sub(r"[#>*_`~\[\]]+|\]\([^)]*\)", " ", source[: length * 3])).strip()
    if len(flat) <= length:
        return flat
    return flat[:length].rsplit(" ", 1)[0].rstrip(",;:.") + "…"


@lru_cache(maxsize=4096)
def fold(value: str) -> str:
    """Return the text in lower case without accents: *Perché* and *perche* become the same."""
    apart = unicodedata.normalize("NFKD", value.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


def slug(value: str) -> str:
    """Return a short name for an address."""
    return str(slugify(value, max_length=60, word_boundary=True)) or "-"
