"""What is posted at once, and what waits for somebody's eyes: asked before anything is shown.

Features above register what makes a post wait (`screens`): moderation holds newcomers' first posts, people hold what an
unconfirmed guest wrote. Ideas, support and community ask `screen` and write the post out of sight under the
reason it returns; nobody hears of it until it is released.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from portal.members.policy import Viewer


class Why(StrEnum):
    """Why a contribution is out of sight: the value of ``hidden_why``, null while it can be seen."""

    PROVISIONAL = "provisional"
    HELD = "held"
    HIDDEN = "hidden"
    SPAM = "spam"
    AUTHOR = "author"
    MERGED = "merged"
    ERASED = "erased"


WAITING = frozenset({Why.PROVISIONAL.value, Why.HELD.value})
"""A post under these may still be released; its author sees it with a note."""


@dataclass(frozen=True, slots=True)
class Post:
    """What is about to be shown: who writes, where, and what. ``thing_id`` is known when it is an edit."""

    viewer: Viewer
    kind: str
    board_id: int
    text: str
    html: str
    thing_id: int | None = None


Screen = Callable[[Post], str | None]
Recount = Callable[[int], None]
_screens: list[Screen] = []
_recounts: dict[str, Recount] = {}


def screens(reader: Screen) -> Screen:
    """Declare a function that returns the reason for which a post waits, or None; the first that has one decides."""
    if reader not in _screens:
        _screens.append(reader)
    return reader


def screen(
    viewer: Viewer, *, kind: str, board_id: int, text: str, html: str, thing_id: int | None = None
) -> str | None:
    """Return why a post waits (its ``hidden_why``), or None when it may be seen at once."""
    post = Post(viewer, kind, board_id, text, html, thing_id)
    return next((why for reader in _screens if (why := reader(post)) is not None), None)


def counts_comments(kind: str) -> Callable[[Recount], Recount]:
    """Declare the function that counts the comments on a thing of a kind anew, once one of them is released."""

    def register(recount: Recount) -> Recount:
        _recounts[kind] = recount
        return recount

    return register


def recount_comments(kind: str, target_id: int) -> None:
    """Let the feature whose thing it is count its comments anew."""
    if kind in _recounts:
        _recounts[kind](target_id)
