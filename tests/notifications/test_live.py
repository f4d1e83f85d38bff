"""Hints over real websockets, a real broker and a real worker."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from flask import Flask
from simple_websocket import Client, ConnectionClosed
from werkzeug.serving import make_server

from portal.community import facade as community
from portal.community.facade import BoardCard
from portal.ideas import services as ideas
from portal.kernel.database import transaction
from portal.members import services as members
from portal.members.policy import Viewer
from portal.notifications.live import end_closed, live_app
from tests.conftest import Workers

PATIENCE = 20.0


class Socket(Client):
    """simple-websocket's client, which else leaves unread what came together with the handshake."""

    def handshake(self) -> None:
        super().handshake()
        self._handle_events()


class Page:
    """A page that looks at things, as the script in it does: Engine.IO 4 with Socket.IO inside."""

    def __init__(self, port: int, cookie: str = "") -> None:
        headers = {"Cookie": cookie} if cookie else {}
        self.socket = Socket(f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket", headers=headers)
        assert self.receive().startswith("0")
        self.socket.send("40")
        assert self.receive().startswith("40")

    def look(self, *rooms: str) -> list[str]:
        self.socket.send("420" + json.dumps(["look", list(rooms)]))
        (allowed,) = json.loads(self.receive().removeprefix("430"))
        return list(allowed)

    def receive(self, timeout: float = PATIENCE) -> str:
        said = self._next(timeout)
        assert said is not None, "nothing came"
        return said

    def _next(self, timeout: float) -> str | None:
        """Return what comes next, answering the server's pings as a page does."""
        while (said := self.socket.receive(timeout=timeout)) == "2":
            self.socket.send("3")
        return None if said is None else str(said)

    def hears(self, timeout: float = PATIENCE) -> dict[str, object]:
        name, hint = json.loads(self.receive(timeout).removeprefix("42"))
        assert name == "changed"
        return dict(hint)

    def hears_nothing(self, timeout: float = 0.6) -> bool:
        return self._next(timeout) is None


@pytest.fixture(scope="module")
def port(portal: Flask) -> Iterator[int]:
    """The live process, in a thread, on a port of its own."""
    before = portal.wsgi_app
    server = make_server("127.0.0.1", 0, live_app(portal), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    portal.wsgi_app = before  # type: ignore[method-assign]


@pytest.fixture
def pages(committed: Flask, port: int) -> Iterator[list[Page]]:
    """Two pages that are open at once."""
    opened = [Page(port), Page(port)]
    yield opened
    for page in opened:
        with suppress(ConnectionClosed):
            page.socket.close()


def a_board(audience: str = "public") -> BoardCard:
    with transaction():
        key = "yarns-" + audience.replace(":", "-")
        board = community.open_board(key, kind="ideas", name="Yarns", audience=audience)
    return next(card for card in community.every_board() if card.id == board.id)


def a_member(name: str) -> Viewer:
    with transaction():
        member = members.create_member(email=f"{name}@example.org", name=name, kind="staff", verified=True)
    return Viewer(member_id=member.id, name=name, kind="staff", lang="en", verified=True, joined_days=9)


def an_idea(board: BoardCard, author: Viewer) -> int:
    with transaction():
        return ideas.propose_idea(author, board=board.key, title="Skeins of ten grams", body="To try colours.")


def test_a_new_idea_hints_to_everyone_who_looks_at_its_board(pages: list[Page], workers: Workers) -> None:
    board = a_board()
    room = f"board:{board.id}"
    assert [page.look(room) for page in pages] == [[room]] * 2
    idea = an_idea(board, a_member("Ida"))
    workers.run()
    assert [page.hears() for page in pages] == [{"kind": "idea", "subject": room, "id": idea}] * 2


def test_the_votes_of_a_moment_are_one_hint_a_room(pages: list[Page], workers: Workers) -> None:
    idea = an_idea(a_board(), a_member("Ida"))
    workers.run()
    assert pages[0].look(f"idea:{idea}") == [f"idea:{idea}"]
    voters = [a_member(f"Voter{n}") for n in range(5)]
    with transaction():
        for voter in voters:
            ideas.cast_vote(idea, voter)
    workers.run()
    assert pages[0].hears() == {"kind": "vote", "subject": f"idea:{idea}", "id": None}
    assert pages[0].hears_nothing()


def test_nobody_is_let_into_the_room_of_what_they_may_not_see(pages: list[Page], workers: Workers) -> None:
    closed, author = a_board("kinds:staff"), a_member("Ida")
    idea = an_idea(closed, author)
    rooms = [f"board:{closed.id}", f"idea:{idea}", "question:7", "board:999"]
    assert pages[0].look(*rooms) == []
    an_idea(closed, author)
    workers.run()
    assert pages[0].hears_nothing()


def test_a_member_is_let_into_what_her_page_may_show(committed: Flask, port: int, workers: Workers) -> None:
    closed, author = a_board("kinds:staff"), a_member("Ida")
    with transaction():
        key = members.open_session(author.id)
    with committed.test_request_context():
        serializer = committed.session_interface.get_signing_serializer(committed)  # type: ignore[attr-defined]
        cookie = serializer.dumps({"_user_id": key, "_fresh": True})
    page = Page(port, f"session={cookie}")
    assert page.look(f"board:{closed.id}") == [f"board:{closed.id}"]
    idea = an_idea(closed, author)
    workers.run()
    assert page.hears() == {"kind": "idea", "subject": f"board:{closed.id}", "id": idea}
    page.socket.close()


def test_what_is_not_a_list_of_rooms_is_answered_with_nothing(pages: list[Page]) -> None:
    pages[0].socket.send('420["look",{"room":"board:1"}]')
    assert pages[0].receive() == "430[[]]"


def cookie_of(app: Flask, member_id: int) -> str:
    """Return what a signed-in browser carries."""
    with transaction():
        key = members.open_session(member_id)
    with app.test_request_context():
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        return "session=" + serializer.dumps({"_user_id": key, "_fresh": True})


def test_a_notice_hints_to_its_member_alone(committed: Flask, port: int, workers: Workers) -> None:
    ida, gus = a_member("Ida"), a_member("Gus")
    idea = an_idea(a_board(), ida)
    workers.run()
    hers, his = Page(port, cookie_of(committed, ida.id)), Page(port, cookie_of(committed, gus.id))
    room = f"member:{ida.id}"
    assert hers.look(room) == [room]
    assert his.look(room) == []
    with transaction():
        comment = ideas.comment_on_idea(idea, gus, body="Yes, please.")
    workers.run()
    hint = hers.hears()
    assert (hint["kind"], hint["subject"]) == ("notice", room)
    assert isinstance(hint["id"], int)
    assert his.hears_nothing()
    with transaction():
        community.hide_comment(comment, actor_id=None)
    workers.run()
    assert hers.hears() == {"kind": "notice", "subject": room, "id": None}
    for page in (hers, his):
        page.socket.close()


def test_who_is_signed_out_is_hung_up_on_and_others_stay(committed: Flask, port: int, pages: list[Page]) -> None:
    ida, gus = a_member("Ida"), a_member("Gus")
    hers, his = Page(port, cookie_of(committed, ida.id)), Page(port, cookie_of(committed, gus.id))
    assert [hers.look(f"member:{ida.id}"), his.look(f"member:{gus.id}")] == [[f"member:{ida.id}"], [f"member:{gus.id}"]]
    sockets = committed.extensions["socketio"]
    assert end_closed(sockets) == 0
    with transaction():
        members.set_password_hash(ida.id, None)
    assert end_closed(sockets) == 1
    assert hers.receive() == "41", "she is told that it is over"
    assert end_closed(sockets) == 0
    assert his.look(f"member:{gus.id}") == [f"member:{gus.id}"]
    assert pages[0].look() == []
    for page in (hers, his):
        page.socket.close()
