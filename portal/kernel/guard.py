"""Requests to addresses that people typed: none of them may reach a private network.

The name is resolved once, every address it has is checked, and the connection is made to the address that was
checked; a name that answers differently the second time gains nothing.
"""

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx


class NotPublic(httpx.TransportError):
    """The address lies on a private network, or is none at all."""


def public_addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host if all of them are public.

    :raise NotPublic: when one is not, or the name is unknown.
    """
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise NotPublic(f"{host}: {error}") from error
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        if not (mapped or address).is_global or address.is_multicast:
            raise NotPublic(f"{host} is at {text}, which is not a public address")
    return sorted(found)


class _GuardedBackend(httpcore.NetworkBackend):
    """Connects to public addresses only."""

    def __init__(self) -> None:
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check and connect."""
        error: Exception | None = None
        for address in public_addresses(host, port):
            try:
                return self._real.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as failure:
                error = failure
        raise error or httpcore.ConnectError(host)

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        """Refuse: a socket of this machine is as private as can be.

        :raise NotPublic: always.
        """
        raise NotPublic("a socket of this machine is not public")


def guarded_client(*, allow_private: bool = False, **settings: Any) -> httpx.Client:
    """Return a client for addresses that people typed; it follows no redirects and reads no proxy settings."""
    if allow_private:
        return httpx.Client(follow_redirects=False, trust_env=False, **settings)
    transport = httpx.HTTPTransport(trust_env=False)
    transport._pool = httpcore.ConnectionPool(  # noqa: SLF001 - httpx has no argument for it
        ssl_context=httpx.create_ssl_context(), network_backend=_GuardedBackend()
    )
    return httpx.Client(transport=transport, follow_redirects=False, trust_env=False, **settings)
