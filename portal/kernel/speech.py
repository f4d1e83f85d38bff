"""The language of this request and its words, at the price of one look-up.

Flask-Babel asks the context several times for each sentence; a page has a hundred. What it found out is read here
from the same place, so that `refresh` and `force_locale` go on working.
"""

from gettext import NullTranslations

from babel import Locale
from flask import g
from flask_babel import get_domain, get_locale

_words: dict[str, NullTranslations] = {}


def locale() -> Locale | None:
    """Return the reader's locale; None outside a request and a job."""
    try:
        known = vars(g._get_current_object()).get("_flask_babel")  # noqa: SLF001 - what a proxy stands for
    except RuntimeError:
        return None
    found: Locale | None = getattr(known, "babel_locale", None)
    return found if found is not None else get_locale()


def words() -> NullTranslations:
    """Return the reader's catalogue, of all features together."""
    spoken = locale()
    if spoken is None:
        return NullTranslations()
    key = str(spoken.language)
    if key not in _words:
        _words[key] = get_domain().get_translations()
    return _words[key]


def gettext(sentence: str, **values: object) -> str:
    """Return a sentence in the reader's language, with its values filled in."""
    said = words().gettext(sentence)
    return said % values if values else said


def ngettext(one: str, many: str, count: int, **values: object) -> str:
    """Return a sentence about a number of things in the reader's language."""
    said = words().ngettext(one, many, count)
    return said % {"num": count, **values} if values else said


def pgettext(context: str, sentence: str) -> str:
    """Return a sentence that means different things in different places."""
    return words().pgettext(context, sentence)


def npgettext(context: str, one: str, many: str, count: int) -> str:
    """Return a sentence about a number of things that means different things in different places."""
    return words().npgettext(context, one, many, count)
