"""Who may be told that something changed: whoever may see it."""

from collections.abc import Iterable

from portal.community import queries, registry
from portal.members.policy import Viewer


def rooms_open_to(viewer: Viewer, rooms: Iterable[str]) -> list[str]:
    """Return those of the rooms whose board, idea or question this viewer may see."""
    things = [(kind, int(number)) for kind, number in (room.split(":") for room in rooms)]
    boards = set(queries.visible_board_ids(viewer)) if any(kind == "board" for kind, _ in things) else set()
    cards = registry.describe(viewer, [thing for thing in things if thing[0] != "board"])
    return [f"{kind}:{i}" for kind, i in things if (i in boards if kind == "board" else (kind, i) in cards)]
