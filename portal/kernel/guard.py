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

GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: an older address, as networks without any write it."""


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
        if not _is_public(ipaddress.ip_address(text.partition("%")[0])):
            raise NotPublic(f"{host} is at {text}, which is not a public address")
    return sorted(found)


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Return whether an address is one of the open net's; what wraps an older one is as public as that one.

    Of the newer ones only those that are given out count: relays (6to4, translators) lead wherever their owner likes.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    if address.ipv4_mapped is not None:
        return _is_public(address.ipv4_mapped)
    if address in TRANSLATED:
        return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address in GIVEN_OUT and address.is_global and address.sixtofour is None


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
