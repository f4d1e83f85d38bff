"""What is posted at once, and what waits for somebody's eyes: asked before anything is shown.

Features above register what makes a post wait (`screens`): moderation holds newcomers' first posts, people hold what an
unconfirmed guest wrote. Ideas, support and community ask `screen` and write the post out of sight under the
reason it returns; nobody hears of it until it is released.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.community.events import ContributionHeld
from portal.kernel.outbox import publish
from portal.members.policy import Viewer


class Why(StrEnum):
    """Why a contribution is out of sight: the value of ``hidden_why``, null while it can be seen."""

    PROVISIONAL = "provisional"
    HELD = "held"
    HIDDEN = "hidden"
    SPAM = "spam"
    AUTHOR = "author"
    MERGED = "merged"
    MOVED = "moved"
    ERASED = "erased"


WAITING = frozenset({Why.PROVISIONAL.value, Why.HELD.value})
"""A post under these may still be released; its author sees it with a note."""
AUTHORS_OWN = frozenset({*WAITING, Why.HIDDEN.value, Why.SPAM.value})
"""Under these its author still meets a post where it stands, and nobody else in the thread does."""


@dataclass(frozen=True, slots=True)
class Post:
    """What is about to be shown: who writes, where, and what. ``thing_id`` is known when it is an edit."""

    viewer: Viewer
    kind: str
    board_id: int
    text: str
    html: str
    thing_id: int | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A contribution as moderators see it, hidden or not. ``title`` is of what it stands under when it has none."""

    kind: str
    id: int
    board_id: int
    author_id: int
    title: str
    body: str
    html: str
    lang: str | None
    url: str
    created_at: datetime
    why: str | None
    under: tuple[str, int] | None = None
    """What it is an answer to or a comment on."""
    merged_into: int | None = None
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Keeper:
    """What moderators can do with the things of one kind, whichever feature they belong to."""

    kind: str
    read: Callable[[Sequence[int]], Mapping[int, Posted]]
    hide: Callable[[int, Viewer, str], None]
    """Id, who does it, and why: what was hidden already changes its reason."""
    release: Callable[[int, Viewer], None]
    rewrite: Callable[[int, Viewer, str, str], None]
    """Id, who does it, title (of ideas and questions) and text."""
    of_author: Callable[[int, int], Sequence[int]]
    """The latest things of a member that are there, hidden ones too: member and limit in, ids out."""
    count_seen: Callable[[int, int], int]
    """How many things of a member can be seen, counted up to a limit."""


Screen = Callable[[Post], str | None]
TwinFinder = Callable[[str, int, Sequence[int]], Sequence[tuple[int, float]]]
Recount = Callable[[int], None]
Waiting = Callable[[str, int, int, int, str], None]
TakenBack = Callable[[str, int], object]
_screens: list[Screen] = []
_recounts: dict[str, Recount] = {}
_waiting: list[Waiting] = []
_taken_back: list[TakenBack] = []
_keepers: dict[str, Keeper] = {}
_twin_finders: list[TwinFinder] = []


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


def when_waiting(hear: Waiting) -> Waiting:
    """Run the function, in the same transaction, when something begins to wait: kind, id, board, author and why."""
    if hear not in _waiting:
        _waiting.append(hear)
    return hear


def keep_waiting(kind: str, thing_id: int, *, board_id: int, author_id: int, why: str) -> None:
    """Say that something was written, or taken out of sight by a screen, and waits."""
    publish(
        ContributionHeld(
            actor_id=author_id, target_kind=kind, target_id=thing_id, board_id=board_id, author_id=author_id, why=why
        )
    )
    for hear in _waiting:
        hear(kind, thing_id, board_id, author_id, why)


def when_taken_back(hear: TakenBack) -> TakenBack:
    """Run the function, in the same transaction, when its author takes back what waits: kind and id."""
    if hear not in _taken_back:
        _taken_back.append(hear)
    return hear


def stop_waiting(kind: str, thing_id: int) -> None:
    """Say that what waited was taken back: nobody has to look at it any more."""
    for hear in _taken_back:
        hear(kind, thing_id)


def keeps(keeper: Keeper) -> Keeper:
    """Declare what can be done with things of a kind."""
    _keepers[keeper.kind] = keeper
    return keeper


def keeper_of(kind: str) -> Keeper | None:
    """Return what can be done with things of a kind."""
    return _keepers.get(kind)


def keepers() -> Mapping[str, Keeper]:
    """Return all kinds of contributions and what can be done with them."""
    return _keepers


def finds_twins(find: TwinFinder) -> TwinFinder:
    """Declare the function that finds what says the same: kind, id and boards in; ids and probabilities out."""
    _twin_finders[:] = [find]
    return find


def twins_of(kind: str, thing_id: int, boards: Sequence[int]) -> Sequence[tuple[int, float]]:
    """Return what may say the same on these boards, the likeliest first; nothing where no search is wired."""
    return _twin_finders[0](kind, thing_id, boards) if _twin_finders else ()
