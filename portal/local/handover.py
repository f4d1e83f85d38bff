"""Websockets on the pages' own port, served by another process.

Each open socket holds a thread, so sockets must not live in the processes that serve pages; yet a browser
must see one origin. A page process that meets a websocket's first request passes the connection itself (its
file descriptor, over a Unix socket) to the live process and forgets it. Pages pay one comparison a request;
nothing is relayed. See docs/decisions for what else was tried.
"""

import contextlib
import errno
import io
import json
import os
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
PREFIX = "/socket.io/"
PATIENCE = 2.0
MOST_SOCKETS = 2000
STACK = 512 * 1024
LENGTH = struct.Struct("!I")
LONGEST = 256 * 1024


class HandOver:
    """WSGI: pages are answered here, websockets are handed over."""

    def __init__(self, pages: Wsgi, live_socket: Path) -> None:
        self.pages, self.live_socket = pages, str(live_socket)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        if not environ.get("PATH_INFO", "").startswith(PREFIX):
            return self.pages(environ, start_response)
        if environ.get("HTTP_UPGRADE", "").lower() != "websocket":
            return _refuse(start_response, "400 Bad Request", "Only websockets are spoken here.")
        connection = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        try:
            if not isinstance(connection, socket.socket) or isinstance(connection, ssl.SSLSocket):
                raise ConnectionRefusedError
            self._hand_over(environ, connection)
        except OSError:
            return _refuse(start_response, "503 Service Unavailable", "Live updates are away.")
        _let_go(connection)
        raise BrokenPipeError(errno.EPIPE, "handed over")  # the server's way to forget a connection

    def _hand_over(self, environ: Environ, connection: socket.socket) -> None:
        head = json.dumps({k: v for k, v in environ.items() if type(v) is str}).encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(PATIENCE)
            link.connect(self.live_socket)
            socket.send_fds(link, [LENGTH.pack(len(head))], [connection.fileno()])
            link.sendall(head)
            if link.recv(1) != b"+":
                raise ConnectionRefusedError


def _let_go(connection: socket.socket) -> None:
    """Put a closed stand-in in the connection's place: the server's goodbye must not reach the browser."""
    stand_in, other = socket.socketpair()
    with stand_in, other:
        os.dup2(stand_in.fileno(), connection.fileno(), inheritable=False)


def _refuse(start_response: Callable[..., Any], status: str, why: str) -> Iterable[bytes]:
    body = json.dumps({"status": int(status[:3]), "title": why}).encode()
    headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
    start_response(status, [*headers, ("Retry-After", "5")])
    return [body]


class Receiver:
    """The live process's side: takes connections over and serves each in a thread of its own."""

    def __init__(self, live_socket: Path, answer: Wsgi, *, most: int = MOST_SOCKETS) -> None:
        self.path, self.answer, self.most = live_socket, answer, most
        self._free = threading.BoundedSemaphore(most)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def serve(self) -> None:
        """Take connections over until `close` is called."""
        threading.stack_size(STACK)
        part = self.path.with_suffix(".new")
        part.unlink(missing_ok=True)
        self._listener.bind(str(part))
        part.chmod(0o600)
        self._listener.listen(256)
        part.replace(self.path)
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                threading.Thread(target=self._take, args=(link,), daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _take(self, link: socket.socket) -> None:
        with link:
            link.settimeout(PATIENCE)
            taken = _read(link)
            if taken is None:
                return
            environ, connection = taken
            if not self._free.acquire(blocking=False):
                connection.close()
                return
            with contextlib.suppress(OSError):
                link.sendall(b"+")
        try:
            self._answer(environ, connection)
        finally:
            connection.close()
            self._free.release()

    def _answer(self, environ: Environ, connection: socket.socket) -> None:
        connection.setblocking(True)
        said: list[tuple[str, list[tuple[str, str]]]] = []
        environ |= {
            "gunicorn.socket": connection,
            "wsgi.version": (1, 0),
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        with contextlib.suppress(StopIteration, OSError):
            body = b"".join(self.answer(environ, lambda status, headers, _=None: said.append((status, headers))))
            for status, headers in said[-1:]:
                lines = [f"HTTP/1.1 {status}", *(f"{k}: {v}" for k, v in headers), "Connection: close", "", ""]
                connection.sendall("\r\n".join(lines).encode("latin-1") + body)


def answers(live_socket: Path) -> bool:
    """Tell whether a live process takes connections over."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(1)
        try:
            link.connect(str(live_socket))
        except OSError:
            return False
    return True


def _read(link: socket.socket) -> tuple[Environ, socket.socket] | None:
    """Return what a page process handed over: the request's head and the connection."""
    data, handles, _flags, _address = socket.recv_fds(link, LENGTH.size, 1)
    if not handles:
        return None
    connection = socket.socket(fileno=handles[0])
    try:
        (length,) = LENGTH.unpack(data)
        head = bytearray()
        while len(head) < length <= LONGEST:
            piece = link.recv(min(65536, length - len(head)))
            if not piece:
                break
            head += piece
        return json.loads(head), connection
    except (OSError, ValueError, struct.error):
        connection.close()
        return None
