"""Lists page by key, never by offset: an opaque cursor holds the sort keys of the last row."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Invalid

T = TypeVar("T")
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows and the cursor of those that follow, or None at the end."""

    items: Sequence[T]
    next: str | None


def encode_cursor(*key: str | float | datetime | None) -> str:
    """Return the opaque text of a sort key."""
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    raw = json.dumps(plain, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, *kinds: Callable[[object], object]) -> Key | None:
    """Return the sort key of a cursor, each part through its kind (`int`, `float`, `str`, …), or None without one.

    :raise Invalid: when the cursor was not made by `encode_cursor` for as many parts.
    """
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        parts = json.loads(raw)
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise ValueError(cursor)
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, TypeError, binascii.Error, UnicodeError) as error:
        raise Invalid(fields={"cursor": _l("This cursor is not one of ours.")}) from error


def page_of(rows: Sequence[T], *, size: int, key: Callable[[T], tuple[object, ...]]) -> Page[T]:
    """Cut ``size`` rows out of up to ``size + 1`` and point at the next ones when there is one more."""
    kept = rows[:size]
    more = len(rows) > size
    return Page(kept, encode_cursor(*key(kept[-1])) if more and kept else None)  # type: ignore[arg-type]
