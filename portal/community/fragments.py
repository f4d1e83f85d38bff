"""Pieces of pages that are drawn once and remembered: rows of lists, threads, what stands between head and foot.

A piece is remembered under everything that it shows, so that it can never be stale: what has changed has another key.
The one thing in it that belongs to a person, the token of her forms, is taken out before and put in after. For those
who have signed in only: pages for readers are remembered whole, and must not begin a session.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from portal.kernel.formats import language

MOST = 4_000_000
"""Characters that a process remembers."""
_PLACE = "\N{SYMBOL FOR SUBSTITUTE}token\N{SYMBOL FOR SUBSTITUTE}"
_pieces: dict[Hashable, str] = {}
_size = [0]


def remembered(key: Hashable, draw: Callable[[], str]) -> Markup:
    """Return the piece of this key in the reader's language; it is drawn when this process has not done so lately.

    :param key: everything that the piece depends on, the language and the form's token aside.
    """
    return remembered_all([(key, draw)])


def remembered_all(wanted: Iterable[tuple[Hashable, Callable[[], str]]]) -> Markup:
    """Return pieces, one after the other, as `remembered` does."""
    speech, token = language(), generate_csrf()
    found = []
    for key, draw in wanted:
        piece = _pieces.get((speech, key))
        if piece is None:
            piece = str(draw()).replace(token, _PLACE)
            _keep((speech, key), piece)
        found.append(piece)
    return Markup("".join(found).replace(_PLACE, token))  # noqa: S704 - drawn by templates


def _keep(key: Hashable, piece: str) -> None:
    if _size[0] + len(piece) > MOST:
        forget()
    _pieces[key] = piece
    _size[0] += len(piece)


def forget() -> None:
    """Draw everything anew."""
    _pieces.clear()
    _size[0] = 0


def fingerprint(*things: Any) -> bytes:
    """Return a digest of values, dataclasses and sequences of them: short, to be a key of what they look like."""
    return blake2b(repr([_plain(thing) for thing in things]).encode(), digest_size=16).digest()


def _plain(thing: Any) -> Any:
    if isinstance(thing, list | tuple):
        return [_plain(one) for one in thing]
    if is_dataclass(thing) and not isinstance(thing, type):
        return [_plain(value) if is_dataclass(value) else value for value in _values(type(thing))(thing)]
    return thing


@lru_cache(maxsize=256)
def _values(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*(one.name for one in fields(kind)))
