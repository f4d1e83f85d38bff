"""Whether guests are welcome, and the doors beside the pages for members.

``PORTAL_GUESTS`` is 1 (on every public board), 0 (nowhere) or the keys of boards with commas between them.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app

from portal.members import mail

V = TypeVar("V", bound=Callable[..., Any])


def are_welcome(board: str | None = None) -> bool:
    """Return whether guests may act on a board, or anywhere."""
    said = str(current_app.config.get("PORTAL_GUESTS") or "1").strip()
    if said == "0" or not mail.is_possible():
        return False
    return said == "1" or board is None or board in {key.strip() for key in said.split(",")}


def has_guest_door(path: str) -> Callable[[V], V]:
    """Declare the page on which guests do what this view is for, beside signing in."""

    def declare(view: V) -> V:
        view.guest_door = path  # type: ignore[attr-defined]
        return view

    return declare


def guest_door_of(view: Callable[..., Any]) -> str | None:
    """Return the page for guests beside a view, if it has one and guests are welcome."""
    door: str | None = getattr(view, "guest_door", None)
    return door if door is not None and are_welcome() else None
