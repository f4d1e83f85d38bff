"""Text that people write: checked, normalised, rendered safely, shortened, folded."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import takewhile
from typing import Any

import nh3
from flask_babel import lazy_gettext as _l
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from slugify import slugify

from portal.kernel.errors import Invalid

TITLE_MAX = 200
BODY_MAX = 50_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BLANKS = re.compile(r"\s+")
_UNSEEN = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0]"
)
"""Signs that show nothing, and those that turn the writing round: in a line they only serve to deceive. What joins
letters and emoji stays."""
_MARK = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_PILED = re.compile(f"({_MARK}{{3}}){_MARK}+")
"""More marks on one letter than any language has: they run over the lines above and below."""
_NOTHING = re.compile(r"[\s\u200c-\u200f\ufe00-\ufe0f]*")
LINKS_MOST = 200_000
"""Characters of all addresses in a text as it is drawn: one that is named once can be used ten thousand times."""
_TAGS = {"p", "br", "strong", "em", "del", "a", "ul", "ol", "li", "blockquote", "code", "pre", "h3",
         "h4", "hr", "table", "thead", "tbody", "tr", "th", "td", "img"}  # fmt: skip
MENTIONED = re.compile(r"/members/([1-9][0-9]{0,17})(?:/[\w-]*)?")
"""Where a mention leads."""
UPLOADED = re.compile(r"/uploads/([0-9a-f]{32})")
"""Where a picture or a file of ours lies."""
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable(
    ["table", "strikethrough"]
)


def clean_line(value: str, *, field: str, most: int = TITLE_MAX, least: int = 1) -> str:
    """Return one line of text in NFC, white space folded, without signs that nobody sees or that turn it round.

    :raise Invalid: on control characters, and when it is shorter or longer than allowed.
    """
    line = _PILED.sub(r"\1", _UNSEEN.sub("", _normal(value, field)))
    return _bounded(_BLANKS.sub(" ", line).strip(), field, least, most)


def clean_text(value: str, *, field: str, most: int = BODY_MAX, least: int = 1) -> str:
    r"""Return lines of text in NFC with ``\n`` as the only line end.

    :raise Invalid: on control characters, and when it is shorter or longer than allowed.
    """
    lines = _PILED.sub(r"\1", _normal(value.replace("\r\n", "\n").replace("\r", "\n"), field))
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
    if len(value) < least or (least and _NOTHING.fullmatch(_UNSEEN.sub("", value))):
        sentence = (
            _l("Write something here.") if least == 1 else _l("Write at least %(least)d characters.", least=least)
        )
        raise Invalid(fields={field: sentence})
    if len(value) > most:
        sentence = _l("Keep it under %(most)d characters; this has %(size)d.", most=most, size=len(value))
        raise Invalid(fields={field: sentence})
    return value


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was sent to us: its size and the widths of the smaller ones, in pixels."""

    width: int
    height: int
    widths: tuple[int, ...] = ()


def markdown_to_html(
    source: str, *, people: Mapping[int, str] | None = None, pictures: Mapping[str, Picture] | None = None
) -> str:
    """Render Markdown to HTML that is safe to store and to show: no raw HTML, no scripts, nothing from elsewhere.

    Headings begin at level 3, because the page owns the first two.

    :param people: names of the members who may be mentioned; a mention of anybody else is plain words.
    :param pictures: the uploads that may be shown, by key; other pictures become links or words.
    :raise Invalid: when the same long addresses are used so often that the text would become many times itself.
    """
    html = _markdown.render(source, {"people": people or {}, "pictures": pictures or {}})
    html = re.sub(r"(</?)h[12]>", r"\1h3>", html)
    html = re.sub(r"(</?)h[56]>", r"\1h4>", html)
    return _cleaner.clean(html)


def _bound_links(state: StateCore) -> None:
    """Refuse a text in which a few addresses, each named once, are drawn again and again."""
    inside = (one for block in state.tokens for one in block.children or ())
    if sum(len(str(value)) for one in inside for value in one.attrs.values()) > LINKS_MOST:
        raise Invalid(fields={"body": _l("The links in this text are too long, or too many.")})


def _name_people(state: StateCore) -> None:
    """Put today's names on mentions, and take the link from those that lead to nobody."""
    for block in state.tokens:
        if block.children and any(one.type == "link_open" for one in block.children):
            block.children = list(_named(block.children, state.env.get("people", {})))


def _named(tokens: Sequence[Token], people: Mapping[int, str]) -> Iterator[Token]:
    """Yield the tokens of a line; a mention is a link to a member whose words begin with an at sign."""
    rest = iter(tokens)
    for token in rest:
        target = MENTIONED.fullmatch(str(token.attrGet("href"))) if token.type == "link_open" else None
        if target is None:
            yield token
            continue
        inside = list(takewhile(lambda one: one.type != "link_close", rest))
        words = "".join(one.content for one in inside)
        name = people.get(int(target[1]))
        if not words.startswith("@"):
            yield from (token, *inside, Token("link_close", "a", -1))
        elif name is None:
            yield Token("text", "", 0, content=words)
        else:
            token.attrSet("class", "mention")
            yield from (token, Token("text", "", 0, content=f"@{name}"), Token("link_close", "a", -1))


def _draw_picture(drawer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    """Draw a picture of ours in the sizes there are; of another's address make a link, of anything else words."""
    token = tokens[at]
    source = str(token.attrGet("src") or "")
    words = escape(drawer.renderInlineAsText(token.children or [], options, env).strip())
    own = UPLOADED.fullmatch(source)
    picture = env.get("pictures", {}).get(own[1]) if own else None
    if picture is not None:
        sizes = ", ".join(f"{source}/{width} {width}w" for width in picture.widths)
        several = (
            f' srcset="{sizes}, {source} {picture.width}w" sizes="(min-width: 60rem) 38rem, 94vw"' if sizes else ""
        )
        size = f'width="{picture.width}" height="{picture.height}"'
        return f'<img src="{source}" alt="{words}" {size}{several} loading="lazy">'
    if own is None and source.startswith(("https://", "http://")):
        return f'<a href="{escape(source)}">{words or escape(source)}</a>'
    return words


def _fitting(tag: str, name: str, value: str) -> str | None:
    """Let through of an attribute only what we write ourselves."""
    if tag == "img" and name == "src":
        return value if UPLOADED.fullmatch(value) else None
    if tag == "a" and name == "class":
        return value if value == "mention" else None
    return value


_markdown.core.ruler.push("bound_links", _bound_links)
_markdown.core.ruler.push("name_people", _name_people)
_markdown.add_render_rule("image", _draw_picture)
_cleaner = nh3.Cleaner(
    tags=_TAGS,
    attributes={
        "a": {"href", "title", "class"},
        "code": {"class"},
        "ol": {"start"},
        "img": {"src", "alt", "width", "height", "srcset", "sizes", "loading"},
    },
    attribute_filter=_fitting,
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


def excerpt(source: str, length: int = 180) -> str:
    """Return the beginning of a text, cut at a word and marked when something was left out."""
    flat = _BLANKS.sub(" ", re.sub(r"!\[|\]\([^)]*\)|[#>*_`~\[\]]+", " ", source[: length * 3])).strip()
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
