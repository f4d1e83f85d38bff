"""How features above tell community what their things are, without community knowing them.

A feature registers a describer for its kind when it is wired; whoever shows mixed things (follows, notifications,
search, evidence behind a figure) asks `describe`, and gets only what the viewer may see.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.members.policy import Viewer

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from portal.community.queries import BoardCard


@dataclass(frozen=True, slots=True)
class Card:
    """One thing in a line: what it is, where it is, whose it is."""

    kind: str
    id: int
    title: str
    url: str
    board_id: int | None = None
    author_id: int | None = None
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class TopicLabel:
    """A topic of a contribution: id, label, and how much of the text it is (0 to 1)."""

    id: int
    label: str
    weight: float


BoardPage = Callable[["BoardCard"], "ResponseReturnValue"]
Redrawer = Callable[[int, str, str], None]
Describer = Callable[[Viewer, Sequence[int]], Mapping[int, Card]]
Finder = Callable[[str, Sequence[int], int], Sequence[int]]
TopicFinder = Callable[[str, int, Sequence[int], int], Sequence[int]]
TopicReader = Callable[[str, Sequence[int]], Mapping[int, Sequence[TopicLabel]]]
_describers: dict[str, Describer] = {}
_topic_readers: list[TopicReader] = []
_finders: dict[str, Finder] = {}
_topic_finders: list[TopicFinder] = []
_board_pages: dict[str, BoardPage] = {}
_redrawers: dict[str, Redrawer] = {}


def redraws(kind: str) -> Callable[[Redrawer], Redrawer]:
    """Declare the function that gives a text another HTML, as a member has another name: id, body and HTML in.

    Nobody is told, and it is no new version.
    """

    def register(redrawer: Redrawer) -> Redrawer:
        _redrawers[kind] = redrawer
        return redrawer

    return register


def redraw(kind: str, target_id: int, body: str, html: str) -> None:
    """Give a text another HTML."""
    if kind in _redrawers:
        _redrawers[kind](target_id, body, html)


def describes(kind: str) -> Callable[[Describer], Describer]:
    """Declare the function that describes things of a kind to a viewer, leaving out what that viewer may not see."""

    def register(describer: Describer) -> Describer:
        _describers[kind] = describer
        return describer

    return register


def shows_boards(kind: str) -> Callable[[BoardPage], BoardPage]:
    """Declare the view of a type of boards: what ``/boards/<key>`` answers with, once the viewer may see the board."""

    def register(page: BoardPage) -> BoardPage:
        _board_pages[kind] = page
        return page

    return register


def board_page(kind: str) -> BoardPage | None:
    """Return the view of a type of boards, or None while its feature is not wired."""
    return _board_pages.get(kind)


def reads_topics(reader: TopicReader) -> TopicReader:
    """Declare the function that knows the topics of contributions. Analytics does, when it is wired."""
    _topic_readers[:] = [reader]
    return reader


def finds_by_topic(finder: TopicFinder) -> TopicFinder:
    """Declare the function that finds contributions about a topic: kind, topic, boards and a limit in, ids out."""
    _topic_finders[:] = [finder]
    return finder


def about_topic(kind: str, topic_id: int, boards: Sequence[int], limit: int) -> Sequence[int]:
    """Return the latest contributions of one kind about a topic; none while analytics knows no topics."""
    return _topic_finders[0](kind, topic_id, boards, limit) if _topic_finders else ()


def finds(kind: str) -> Callable[[Finder], Finder]:
    """Declare the function that finds things of a kind: words, boards and a limit in, ids out, the best first."""

    def register(finder: Finder) -> Finder:
        _finders[kind] = finder
        return finder

    return register


def finder_of(kind: str) -> Finder | None:
    """Return the function that finds things of a kind, or None while search is not wired."""
    return _finders.get(kind)


def describe(viewer: Viewer, things: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Card]:
    """Return cards of mixed things, by kind and id; one query a kind. What the viewer may not see is not there."""
    by_kind: dict[str, list[int]] = {}
    for kind, thing_id in things:
        by_kind.setdefault(kind, []).append(thing_id)
    cards: dict[tuple[str, int], Card] = {}
    for kind, ids in by_kind.items():
        if describer := _describers.get(kind):
            cards |= {(kind, thing_id): card for thing_id, card in describer(viewer, ids).items()}
    return cards


def topics_of(kind: str, ids: Sequence[int]) -> Mapping[int, Sequence[TopicLabel]]:
    """Return the topics of contributions of one kind; empty until analytics knows some."""
    return _topic_readers[0](kind, ids) if _topic_readers and ids else {}
