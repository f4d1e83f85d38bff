"""Pieces of pages that are drawn once and remembered: rows of lists, comments in threads.

A piece is remembered under everything that it shows, so that it can never be stale: what has changed has another key.
The one thing in it that belongs to a person, the token of her forms, is taken out before and put in after.
"""

from collections.abc import Callable, Hashable

from flask import g
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from portal.kernel.formats import language

REMEMBERED = 4000
_PLACE = "\N{SYMBOL FOR SUBSTITUTE}token\N{SYMBOL FOR SUBSTITUTE}"
_pieces: dict[Hashable, str] = {}


def remembered(key: Hashable, draw: Callable[[], str]) -> Markup:
    """Return the piece of this key in the reader's language; it is drawn when this process has not done so lately.

    :param key: everything that the piece depends on, the language and the form's token aside.
    """
    place = (language(), key)
    token = vars(g._get_current_object()).get("csrf_token") or generate_csrf()  # noqa: SLF001 - asked once a row
    piece = _pieces.get(place)
    if piece is None:
        if len(_pieces) >= REMEMBERED:
            _pieces.clear()
        piece = _pieces[place] = str(draw()).replace(token, _PLACE)
    return Markup(piece.replace(_PLACE, token))  # noqa: S704 - drawn by a template


def forget() -> None:
    """Draw everything anew."""
    _pieces.clear()
