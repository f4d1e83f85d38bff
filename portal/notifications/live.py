"""The live process: holds the open sockets and lets each page into the rooms of what it shows.

Websockets only, a thread each. A page says what it looks at (``look``, a list of rooms); it is let into those
that its reader may see, by the same policy as pages; it is told ``changed`` with a kind, a subject and perhaps an
id, and asks for the rest through the pages' own doors. Hints come over Redis from the projection in `projections`.

A session that is closed (by its member, by a new password, by staff) ends its sockets within seconds: their keys are
looked up together, whether the broker is there or not.
"""

from collections.abc import Callable, Iterable
from typing import Any

import structlog
from flask import Flask, request
from flask_socketio import SocketIO, join_room
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import SQLAlchemyError

from portal.members.session import current_session_key, current_viewer
from portal.members.signing.queries import open_sessions
from portal.notifications import post, rules
from portal.notifications.policy import rooms_open_to

log = structlog.get_logger(__name__)
LARGEST_MESSAGE = 4096
PING_SECONDS, PATIENCE_SECONDS = 25, 20
LOOK_AFTER_SECONDS = 10
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
open_sockets = Gauge("portal_live_sockets", "Pages that are told what changes", multiprocess_mode="livesum")
_keys: dict[str, str] = {}
"""The key of the session that each socket of this process came with."""
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
    sockets.start_background_task(_look_after, app, sockets)
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


def end_closed(sockets: SocketIO) -> int:
    """Hang up on whoever's session is closed; return on how many."""
    held = dict(_keys)
    still_open = open_sessions(set(held.values())) if held else set()
    gone = [socket for socket, key in held.items() if key not in still_open]
    for socket in gone:
        sockets.server.disconnect(socket)
    return len(gone)


def _look_after(app: Flask, sockets: SocketIO) -> None:
    """Look after the open sockets for as long as the process lives."""
    while True:
        sockets.sleep(LOOK_AFTER_SECONDS)
        try:
            with app.app_context():
                end_closed(sockets)
        except SQLAlchemyError as error:
            log.warning("sockets were not looked after", error=str(error))


def _connect(_auth: object = None) -> None:
    open_sockets.inc()
    if key := current_session_key():
        _keys[_socket()] = key


def _disconnect(_reason: object = None) -> None:
    open_sockets.dec()
    _keys.pop(_socket(), None)


def _socket() -> str:
    return str(request.sid)  # type: ignore[attr-defined]


def _failed(error: Exception) -> None:
    log.warning("a socket's message failed", exc_info=error)
