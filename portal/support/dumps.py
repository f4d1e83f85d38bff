"""Reading the folder of a Stack Exchange dump: ``Posts.xml`` with ``Users.xml`` beside it, a row at a time."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

import nh3
from flask_babel import gettext as _

from portal.community.importing import Line
from portal.kernel.errors import Invalid

CHUNK = 1 << 16
QUESTION, ANSWER = "1", "2"
_TAGS = re.compile(r"[<|]([^<>|]+)")
_BREAKS = re.compile(r"</(?:p|li|blockquote|pre|h\d)>|<br ?/?>")
_KEPT = {"p", "br", "strong", "em", "b", "i", "del", "a", "ul", "ol", "li", "blockquote", "code", "pre", "h3", "hr"}


def is_dump(path: Path) -> bool:
    """Return whether a path is the folder of a dump."""
    return path.is_dir() and (path / "Posts.xml").is_file()


def read_dump(folder: Path) -> Iterator[tuple[Line, int]]:
    """Yield the questions and answers of a dump as records, each with the bytes read so far.

    :raise Invalid: when the file is not the XML of a dump, or declares entities.
    """
    names = {row.get("Id", ""): row.get("DisplayName", "") for _n, row, _r in _rows(folder / "Users.xml")}
    for number, row, read in _rows(folder / "Posts.xml"):
        if row.get("PostTypeId") in {QUESTION, ANSWER}:
            yield Line(number, _record(row, names)), read


def _rows(path: Path) -> Iterator[tuple[int, Element, int]]:
    """Yield the rows of a file with their line, counted as the dumps write them: one a row, after two of heading."""
    if not path.is_file():
        return
    parser: XMLPullParser[Any] = XMLPullParser(["start", "end"])
    read, number, root = 0, 2, None
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            read += len(chunk)
            if b"<!DOCTYPE" in chunk or b"<!ENTITY" in chunk:
                raise Invalid(fields={"file": _("%(name)s declares entities, which are refused.", name=path.name)})
            try:
                parser.feed(chunk)
                events: Any = parser.read_events()
                for what, element in events:
                    if what == "start" and root is None:
                        root = element
                    elif what == "end" and element.tag == "row":
                        number += 1
                        yield number, element, read
                if root is not None:
                    del root[:-1]  # the last row may not have ended yet
            except ParseError as error:
                raise Invalid(fields={"file": _("%(name)s is not XML: %(why)s", name=path.name, why=error)}) from error


def _record(row: Element, names: dict[str, str]) -> dict[str, Any]:
    html = row.get("Body", "")
    user = row.get("OwnerUserId") or ""
    return {
        "id": row.get("Id"),
        "type": "question" if row.get("PostTypeId") == QUESTION else "answer",
        "parent": row.get("ParentId"),
        "author": names.get(user) or row.get("OwnerDisplayName") or user,
        "created_at": _moment(row.get("CreationDate", "")),
        "score": row.get("Score"),
        "title": row.get("Title"),
        "tags": _TAGS.findall(row.get("Tags", "")),
        "accepted": row.get("AcceptedAnswerId"),
        "body": _words(html),
        "html": clean_html(html),
    }


def _moment(value: str) -> str:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC).isoformat()
    except ValueError:
        return value


def clean_html(html: str) -> str:
    """Return what may be shown of a source's HTML: words and their order, links without favour, nothing that runs."""
    return nh3.clean(html, tags=_KEPT, attributes={"a": {"href"}}, link_rel="nofollow ugc noopener")


def _words(html: str) -> str:
    plain = nh3.clean(_BREAKS.sub("\n\n", html), tags=set())
    return re.sub(r"\n{3,}", "\n\n", unescape(plain)).strip()
