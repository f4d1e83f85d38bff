"""Hints over real websockets, a real broker and a real worker."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from flask import Flask
from simple_websocket import Client, ConnectionClosed
from werkzeug.serving import make_server

from portal.community import facade as community
from portal.ideas.events import IdeaPosted, VoteCast
from portal.kernel.database import transaction
from portal.kernel.outbox import publish
from portal.members import services as members
from portal.notifications.live import live_app
from tests.conftest import Workers

PATIENCE = 20.0


class Page:
    """A page that looks at things, as the script in it does: Engine.IO 4 with Socket.IO inside."""

    def __init__(self, port: int, cookie: str = "") -> None:
        headers = {"Cookie": cookie} if cookie else {}
        self.socket = Client(f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket", headers=headers)
        assert self.receive().startswith("0")
        self.socket.send("40")
        assert self.receive().startswith("40")

    def look(self, *rooms: str) -> list[str]:
        self.socket.send("420" + json.dumps(["look", list(rooms)]))
        (allowed,) = json.loads(self.receive().removeprefix("430"))
        return list(allowed)

    def receive(self, timeout: float = PATIENCE) -> str:
        said = self.socket.receive(timeout=timeout)
        assert said is not None, "nothing came"
        return str(said)

    def hears(self, timeout: float = PATIENCE) -> dict[str, object]:
        name, hint = json.loads(self.receive(timeout).removeprefix("42"))
        assert name == "changed"
        return dict(hint)

    def hears_nothing(self, timeout: float = 0.6) -> bool:
        return self.socket.receive(timeout=timeout) is None


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


def a_board(audience: str = "public") -> int:
    with transaction():
        return community.open_board("yarns-" + audience.replace(":", "-"), kind="ideas", name="Yarns", audience=audience).id


def a_member() -> int:
    with transaction():
        return members.create_member(email="ida@example.org", name="Ida", kind="customer").id


def test_a_new_idea_hints_to_everyone_who_looks_at_its_board(pages: list[Page], workers: Workers) -> None:
    board, member = a_board(), a_member()
    assert [page.look(f"board:{board}") for page in pages] == [[f"board:{board}"]] * 2
    with transaction():
        publish(IdeaPosted(idea_id=7, board_id=board, author_id=member, actor_id=member))
    began = time.monotonic()
    workers.run()
    assert [page.hears() for page in pages] == [{"kind": "idea", "subject": f"board:{board}", "id": 7}] * 2
    assert time.monotonic() - began < PATIENCE


def test_fifty_votes_at_once_are_one_hint(pages: list[Page], workers: Workers) -> None:
    board, member = a_board(), a_member()
    pages[0].look(f"board:{board}")
    with transaction():
        for _ in range(50):
            publish(
                VoteCast(
                    idea_id=7,
                    board_id=board,
                    author_id=member,
                    actor_id=member,
                    kind="support",
                    origin="link",
                    fresh=False,
                    verified=True,
                    tenure_days=9,
                )
            )
    workers.run()
    assert pages[0].hears() == {"kind": "vote", "subject": "idea:7", "id": None}
    assert pages[0].hears_nothing()


def test_nobody_is_let_into_the_room_of_what_they_may_not_see(pages: list[Page], workers: Workers) -> None:
    closed, member = a_board("kinds:staff"), a_member()
    assert pages[0].look(f"board:{closed}", "idea:7", "question:7", "board:999") == []
    with transaction():
        publish(IdeaPosted(idea_id=7, board_id=closed, author_id=member, actor_id=member))
    workers.run()
    assert pages[0].hears_nothing()


def test_what_is_not_a_list_of_rooms_is_answered_with_nothing(pages: list[Page]) -> None:
    pages[0].socket.send('420["look",{"room":"board:1"}]')
    assert pages[0].receive() == "430[[]]"
