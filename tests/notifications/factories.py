"""What the tests of notifications begin with: committed boards, people and posts."""

import re
from itertools import count
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from portal.community import facade as community
from portal.community.facade import BoardCard
from portal.ideas import services as ideas
from portal.kernel.database import db, transaction
from portal.members import services as members
from portal.members.policy import Viewer
from portal.members.queries import viewer_of
from portal.notifications import queries
from portal.notifications.queries import NoticeRow
from portal.support import facade as support

_number = count(1)


def a_board(kind: str = "ideas", audience: str = "public") -> BoardCard:
    with transaction():
        board = community.open_board(f"place-{next(_number)}", kind=kind, name="Yarns", audience=audience)
    return next(card for card in community.every_board() if card.id == board.id)


def a_member(name: str, **wishes: Any) -> Viewer:
    given = {"email": f"{name.lower().replace(' ', '.')}{next(_number)}@example.org", "verified": True, **wishes}
    with transaction():
        member = members.create_member(name=name, **given)
    return viewer_of(member.id)


def an_idea(board: BoardCard, author: Viewer, title: str = "Skeins of ten grams") -> int:
    with transaction():
        return ideas.propose_idea(author, board=board.key, title=title, body="To try colours.")


def a_comment(idea: int, author: Viewer, body: str = "Yes, please.", parent: int | None = None) -> int:
    with transaction():
        return ideas.comment_on_idea(idea, author, body=body, parent_id=parent)


def a_question(board: BoardCard, author: Viewer, title: str = "How do I block a shawl?") -> int:
    with transaction():
        return support.ask_question(author, board=board.key, title=title, body="It is round.")


def an_answer(question: int, author: Viewer, body: str = "Wet it, then pin it.") -> int:
    with transaction():
        return support.answer_question(question, author, body=body)


def notices(who: Viewer) -> list[NoticeRow]:
    """Return what a member was told, the freshest first."""
    db.session.rollback()
    return list(queries.notices_of(who.id).items)


def kinds(who: Viewer) -> list[str]:
    return [row.kind for row in notices(who)]


def everything_is_due() -> None:
    """Let the time pass that mails and pushes wait for."""
    with transaction():
        db.session.execute(text("UPDATE notification_delivery SET due_at = now() WHERE state = 'waiting'"))


def post(browser: FlaskClient, path: str, data: dict[str, Any] | None = None) -> TestResponse:
    """Send a form as a page of the member's does."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/account/notifications").text)
    assert token is not None
    return browser.post(path, data={"csrf_token": token[1], **(data or {})})
