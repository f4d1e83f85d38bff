"""Who may be told that something changed: whoever may see it; what concerns one member, she alone."""

from collections.abc import Iterable

from portal.community import queries, registry
from portal.members.policy import Viewer
from portal.notifications.rules import OWN_ROOM


def rooms_open_to(viewer: Viewer, rooms: Iterable[str]) -> list[str]:
    """Return those of the rooms whose board, idea or question this viewer may see, and her own."""
    things = [(kind, int(number)) for kind, number in (room.split(":") for room in rooms)]
    things = [(kind, i) for kind, i in things if kind != OWN_ROOM or i == viewer.member_id]
    boards = set(queries.visible_board_ids(viewer)) if any(kind == "board" for kind, _ in things) else set()
    cards = registry.describe(viewer, [thing for thing in things if thing[0] not in {"board", OWN_ROOM}])
    return [
        f"{kind}:{i}"
        for kind, i in things
        if kind == OWN_ROOM or (i in boards if kind == "board" else (kind, i) in cards)
    ]
