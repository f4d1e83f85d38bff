"""A port to listen on: the wanted one, or the next that is free."""

import contextlib
import errno
import socket

from portal.local.errors import LocalError

MOST_TRIES = 100


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the wanted port, or on the next free one after it.

    :raise LocalError: when the address is not of this machine, or no port near is free.
    """
    for candidate in range(port, min(port + MOST_TRIES, 65536)):
        try:
            return _bind(host, candidate)
        except OSError as error:
            if error.errno in {errno.EADDRNOTAVAIL, socket.EAI_NONAME}:
                msg = f"{host} is not an address of this machine."
                raise LocalError(msg, "Set PORTAL_HOST to one that is, such as 127.0.0.1.") from error
            if error.errno == errno.EACCES and candidate == port:
                msg = f"Port {port} may only be used by root."
                raise LocalError(msg, "Set PORTAL_PORT to one above 1023.") from error
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
    msg = f"No port from {port} on is free."
    raise LocalError(msg, "Set PORTAL_PORT to another one.")


def _bind(host: str, port: int) -> socket.socket:
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


def is_free(host: str, port: int) -> bool:
    """Tell whether one could listen there now."""
    with contextlib.suppress(OSError):
        _bind(host, port).close()
        return True
    return False


def address_for_people(host: str, port: int) -> str:
    """Return the address that a browser on this machine opens."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://{f'[{shown}]' if ':' in shown and not shown.startswith('[') else shown}:{port}"
