"""The live process: holds the open sockets and lets each page into the rooms of what it shows.

Websockets only, a thread each. A page says what it looks at (``look``, a list of rooms); it is let into those
that its reader may see, by the same policy as pages; it is told ``changed`` with a kind, a subject and perhaps an
id, and asks for the rest through the pages' own doors. Hints come over Redis from the projection in `projections`.
"""

from collections.abc import Callable, Iterable
from typing import Any

import structlog
from flask import Flask
from flask_socketio import SocketIO, join_room
from prometheus_client import Counter, Gauge

from portal.members.session import current_viewer
from portal.notifications import post, rules
from portal.notifications.policy import rooms_open_to

log = structlog.get_logger(__name__)
LARGEST_MESSAGE = 4096
PING_SECONDS, PATIENCE_SECONDS = 25, 20
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
open_sockets = Gauge("portal_live_sockets", "Pages that are told what changes", multiprocess_mode="livesum")
joined = Counter("portal_live_rooms_total", "Rooms asked for", ("answer",))


def live_app(app: Flask) -> Wsgi:
    """Return what answers websockets, as WSGI. Its threads outlive the caller's context: it keeps the app itself."""
    app = getattr(app, "_get_current_object", lambda: app)()
    sockets = SocketIO(
        app,
        async_mode="threading",
        transports=["websocket"],
        client_manager=post.listening(app),
        manage_session=False,
        max_http_buffer_size=LARGEST_MESSAGE,
        ping_interval=PING_SECONDS,
        ping_timeout=PATIENCE_SECONDS,
        serve_client=False,
    )
    sockets.on_event("connect", _connect)
    sockets.on_event("disconnect", _disconnect)
    sockets.on_event("look", look)
    sockets.on_error_default(_failed)
    return app.wsgi_app


def look(said: object = None) -> list[str]:
    """Let a page into the rooms of what it shows; return those that are open to its reader."""
    asked = rules.rooms_asked_for(said)
    allowed = rooms_open_to(current_viewer(), asked)
    for room in allowed:
        join_room(room)
    joined.labels("open").inc(len(allowed))
    joined.labels("closed").inc(len(asked) - len(allowed))
    return allowed


def _connect(_auth: object = None) -> None:
    open_sockets.inc()


def _disconnect(_reason: object = None) -> None:
    open_sockets.dec()


def _failed(error: Exception) -> None:
    log.warning("a socket's message failed", exc_info=error)
