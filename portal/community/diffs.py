"""What has changed between two texts, word by word. Pure, and bounded whatever the texts are."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
MOST = 250_000
"""Pairs of pieces that are compared; beyond that a passage counts as replaced as a whole."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words in a row: ``same``, ``ins`` or ``del``."""

    change: str
    text: str


def diff(before: str, after: str) -> list[Piece]:
    """Return the pieces from which both texts can be put together: lines first, words inside lines that changed."""
    pieces: list[Piece] = []
    for one in _by_lines(before, after):
        if pieces and pieces[-1].change == one.change:
            pieces[-1] = Piece(one.change, pieces[-1].text + one.text)
        elif one.text:
            pieces.append(one)
    return pieces


def _by_lines(before: str, after: str) -> Iterator[Piece]:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for same, gone, come in _blocks(old, new):
        if same:
            yield Piece("same", gone)
        else:
            yield from _by_words(gone, come)


def _by_words(before: str, after: str) -> Iterator[Piece]:
    for same, gone, come in _blocks(_WORDS.findall(before), _WORDS.findall(after)):
        if same:
            yield Piece("same", gone)
        else:
            yield Piece("del", gone)
            yield Piece("ins", come)


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, str, str]]:
    """Yield passages in order: whether they are the same, and the words of both sides."""
    if len(old) * len(new) > MOST:
        yield old == new, "".join(old), "".join(new)
        return
    for tag, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        yield tag == "equal", "".join(old[a:b]), "".join(new[c:d])


def counts(pieces: Sequence[Piece]) -> tuple[int, int]:
    """Return how many words came and how many went."""
    return tuple(  # type: ignore[return-value]
        sum(len(re.findall(r"\w+", one.text)) for one in pieces if one.change == change) for change in ("ins", "del")
    )
