"""Boards, questions and answers for tests, made through the portal's own services."""

from itertools import count
from typing import Any

from portal.community import facade as community
from portal.kernel.database import db
from portal.members.models import Member
from portal.members.policy import NOBODY, Viewer
from portal.support import services
from tests.members.factories import a_member

_number = count(1)


def a_viewer(member_id: int | None = None, **wishes: Any) -> Viewer:
    """Return somebody who asks; a new member described by the wishes when none is given."""
    member = db.session.get_one(Member, member_id or a_member(**wishes))
    return Viewer(
        member_id=member.id,
        name=member.name,
        kind=member.kind,
        roles=frozenset(member.roles),
        segments=frozenset(member.segments),
        organisation_id=member.organisation_id,
        lang=member.lang,
        verified=True,
    )


def a_board(key: str | None = None, **wishes: Any) -> str:
    """Open a board for questions; return its key."""
    given = {"kind": "support", "name": {"en": "Help", "it": "Aiuto"}, **wishes}
    return _kept(community.open_board(key or f"help-{next(_number)}", **given).key)


def a_question(viewer: Viewer | None = None, board: str | None = None, **wishes: Any) -> int:
    """Ask something; return its id."""
    given = {"title": "How do I wash a felted scarf?", "body": "It came out small.", **wishes}
    return _kept(services.ask_question(viewer or a_viewer(), board=board or a_board(), **given))


def an_answer(question_id: int, viewer: Viewer | None = None, **wishes: Any) -> int:
    """Answer something; return the answer's id."""
    given = {"body": "Cool water and patience.", **wishes}
    return _kept(services.answer_question(question_id, viewer or a_viewer(), **given))


def _kept(made: Any) -> Any:
    """Keep what was made, should a request of the test be refused and roll back."""
    db.session.commit()
    return made


__all__ = ["NOBODY", "a_board", "a_question", "a_viewer", "an_answer"]
