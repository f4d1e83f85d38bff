"""Boards and ideas for tests, made through the portal's own services."""

from itertools import count
from typing import Any

from portal.community import facade as community
from portal.ideas import services
from portal.kernel.database import db
from portal.members.policy import Viewer
from tests.members.factories import a_viewer

_number = count(1)


def a_board(key: str | None = None, **wishes: Any) -> str:
    """Open a board for ideas; return its key."""
    given = {"kind": "ideas", "name": {"en": "Yarns", "it": "Filati"}, **wishes}
    key = community.open_board(key or f"yarns-{next(_number)}", **given).key
    db.session.commit()
    return key


def an_idea(viewer: Viewer | None = None, board: str | None = None, **wishes: Any) -> int:
    """Propose something; return its id."""
    given = {
        "title": "Ten gram skeins to try colours",
        "body": "Buying a whole ball for that is a **waste**.",
        **wishes,
    }
    idea_id = services.propose_idea(viewer or a_viewer(), board=board or a_board(), **given)
    db.session.commit()
    return idea_id


__all__ = ["a_board", "a_viewer", "an_idea"]
