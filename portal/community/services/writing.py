"""From what was typed to what is kept: names become mentions, uploads find their text, Markdown becomes HTML."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from portal.community import queries, rules
from portal.community.queries import mentions as people
from portal.community.services import mentions, revisions, uploads
from portal.kernel.clock import now
from portal.kernel.text import markdown_to_html
from portal.members.policy import Viewer

Change = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Written:
    """A text as it is kept. ``mentioned`` are members, ``uploads`` keys."""

    body: str
    html: str
    mentioned: tuple[int, ...] = ()
    uploads: tuple[str, ...] = ()


def compose(body: str, *, board_id: int, author: Viewer | None = None, thing: tuple[str, int] | None = None) -> Written:
    """Make what is kept of a checked text.

    :param author: who writes, held to her limits; None for what an import or a demo brings.
    :param thing: the kind and id of what is changed; those it mentions already count no more.
    :raise Invalid: when it mentions too many, or shows too many uploads.
    """
    if "@" not in body and "/uploads/" not in body:
        return Written(body, markdown_to_html(body))
    linked, named = mentions.with_links(body, audience=_audience(board_id))
    keys = rules.uploads_in(linked)
    if author is not None:
        mentions.check(author, named, people.mentioned_in(*thing) if thing is not None else ())
        uploads.check_post(author, keys)
    html = markdown_to_html(linked, people=named, pictures=uploads.pictures(keys))
    return Written(linked, html, tuple(named), keys)


def settle(written: Written, kind: str, target_id: int, *, author_id: int, board_id: int, past: bool = False) -> None:
    """Keep who and what belongs to a text that has its id now. `mentions.announce` tells, once it can be seen."""
    if written.mentioned:
        mentions.note(kind, target_id, author_id=author_id, board_id=board_id, mentioned=written.mentioned, past=past)
    if written.uploads:
        uploads.attach(written.uploads, kind, target_id, owner_id=author_id)


def bring_uploads(body: str, kind: str, target_id: int, *, owner_id: int) -> None:
    """Let the pictures and files of a text follow it: it was made of another one, or is seen again in its place."""
    if keys := rules.uploads_in(body):
        uploads.attach(keys, kind, target_id, owner_id=owner_id, taking=True)


class Text(Protocol):
    """A row that holds a text, locked by whoever changes it."""

    id: Any
    board_id: Any
    author_id: Any
    body: Any
    html: Any
    created_at: Any
    edited_at: Any
    hidden_at: Any


def rewrite(thing: Text, kind: str, viewer: Viewer, *, body: str, title: str | None = None) -> bool:
    """Give a row other words, keep what it said before, and tell who is mentioned now; return whether it changed.

    :param title: None for what has no title.
    :raise Invalid: when it mentions too many, or shows too many uploads.
    """
    written = compose(body, board_id=thing.board_id, author=viewer, thing=(kind, thing.id))
    before = revisions.Words("" if title is None else thing.title, thing.body)  # type: ignore[attr-defined]
    after = revisions.Words(title or "", written.body)
    place = {"board_id": thing.board_id, "author_id": thing.author_id, "editor_id": viewer.id}
    if not revisions.keep(kind, thing.id, before=before, after=after, since=thing.created_at, **place):
        return False
    if title is not None:
        thing.title = title  # type: ignore[attr-defined]
    thing.body, thing.html, thing.edited_at = written.body, written.html, now()
    uploads.detach(kind, thing.id, kept=written.uploads)
    settle(written, kind, thing.id, author_id=viewer.id, board_id=thing.board_id)
    if thing.hidden_at is None and written.mentioned:
        mentions.announce(kind, thing.id, thing.body)
    return True


def preview(body: str, *, board_id: int | None) -> str:
    """Return how a text will look, mentions and uploads included; nothing is kept."""
    if board_id is None:
        keys = rules.uploads_in(body)
        return markdown_to_html(body, pictures=uploads.pictures(keys))
    return compose(body, board_id=board_id).html


def _audience(board_id: int) -> str:
    known = next((board.audience for board in queries.every_board() if board.id == board_id), None)
    return people.audience_of_board(board_id) if known is None else known
