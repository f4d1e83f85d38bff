"""Websockets on the pages' port: gunicorn gives them away, and pages go on."""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import simple_websocket

from portal.local import ports
from portal.local.handover import Receiver

ROOT = Path(__file__).resolve().parents[2]


def echo(environ: dict[str, Any], _start_response: Callable[..., Any]) -> Iterable[bytes]:
    talk = simple_websocket.Server(environ)
    try:
        while True:
            talk.send(f"{environ['REMOTE_ADDR']} {environ['QUERY_STRING']} {talk.receive()}")
    except simple_websocket.ConnectionClosed:
        pass
    raise StopIteration


def refuse(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("403 Forbidden", [("Content-Length", "2")])
    return [b"no"]


@pytest.fixture
def live_socket(tmp_path: Path) -> Path:
    return tmp_path / "live.sock"


@pytest.fixture
def port(live_socket: Path) -> Iterator[int]:
    """Pages served by a real gunicorn with the settings that the portal uses."""
    with ports.listen("127.0.0.1", 18700) as listener:
        number = listener.getsockname()[1]
        environ = os.environ | {"LIVE_SOCKET": str(live_socket), "PORTAL_BIND": f"fd://{listener.fileno()}"}
        words = ["--config", "python:portal.local.pages", "--log-level", "debug", "tests.local.small_site:site"]
        gunicorn = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *words],
            cwd=ROOT,
            env=environ,
            pass_fds=[listener.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )
        yield number
        gunicorn.terminate()
        _, said = gunicorn.communicate(timeout=20)
        assert "Traceback" not in said


def serve(receiver: Receiver) -> Receiver:
    threading.Thread(target=receiver.serve, daemon=True).start()
    until = time.monotonic() + 5
    while not receiver.path.exists() and time.monotonic() < until:
        time.sleep(0.01)
    return receiver


@pytest.fixture
def receiver(live_socket: Path) -> Iterator[Receiver]:
    found = serve(Receiver(live_socket, echo))
    yield found
    found.close()


def get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.usefixtures("receiver")
def test_a_websocket_is_served_elsewhere_and_pages_go_on(port: int) -> None:
    talks = [simple_websocket.Client(f"ws://127.0.0.1:{port}/socket.io/?n={n}") for n in range(40)]
    for n, talk in enumerate(talks):
        talk.send("ciao")
        assert talk.receive(timeout=10) == f"127.0.0.1 n={n} ciao"
    assert get(port, "/") == (200, b"page")
    talks[0].send("again, after the pages forgot the connection")
    assert str(talks[0].receive(timeout=10)).endswith("forgot the connection")
    for talk in talks:
        talk.close()
    assert get(port, "/") == (200, b"page")


def test_pages_do_not_need_the_live_process(port: int) -> None:
    assert get(port, "/") == (200, b"page")
    with pytest.raises(simple_websocket.ConnectionError) as refused:
        simple_websocket.Client(f"ws://127.0.0.1:{port}/socket.io/")
    assert refused.value.status_code == 503


@pytest.mark.usefixtures("receiver")
def test_only_websockets_are_spoken_there(port: int) -> None:
    status, body = get(port, "/socket.io/?transport=polling")
    assert status == 400
    assert b"websockets" in body


def test_the_live_process_may_refuse(port: int, live_socket: Path) -> None:
    receiver = serve(Receiver(live_socket, refuse))
    with pytest.raises(simple_websocket.ConnectionError) as refused:
        simple_websocket.Client(f"ws://127.0.0.1:{port}/socket.io/")
    assert refused.value.status_code == 403
    receiver.close()


def test_more_sockets_than_there_is_room_for_are_sent_away(port: int, live_socket: Path) -> None:
    receiver = serve(Receiver(live_socket, echo, most=1))
    first = simple_websocket.Client(f"ws://127.0.0.1:{port}/socket.io/")
    with pytest.raises(simple_websocket.ConnectionError) as refused:
        simple_websocket.Client(f"ws://127.0.0.1:{port}/socket.io/")
    assert refused.value.status_code == 503
    first.close()
    receiver.close()


def test_garbage_on_the_hand_over_does_not_stop_it(port: int, receiver: Receiver) -> None:
    for rubbish in (b"", b"\xff\xff\xff\xff", b"\0\0\0\5hello"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.connect(str(receiver.path))
            link.sendall(rubbish)
    talk = simple_websocket.Client(f"ws://127.0.0.1:{port}/socket.io/?n=1")
    talk.send("still here")
    assert str(talk.receive(timeout=10)).endswith("still here")
    talk.close()
