"""One embedded Valkey (or Redis): what it holds survives a restart, and only this user can reach it."""

import signal
from pathlib import Path

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError
from redis.retry import Retry

from portal.local.binaries import find_valkey
from portal.local.places import Places


class ValkeyServer:
    """The broker of one data folder."""

    name = "Valkey"
    end_signal = signal.SIGTERM

    def __init__(self, places: Places, *, fast: bool = False) -> None:
        self.places, self.fast = places, fast
        self.log = places.log / "valkey.log"

    @property
    def unprivileged(self) -> str:
        """Return that it may be whoever we are."""
        return ""

    def prepare(self) -> bool:
        """Make the folder of its file when it is new; tell whether it was."""
        new = not self.places.valkey.exists()
        self.places.valkey.mkdir(mode=0o700, parents=True, exist_ok=True)
        return new

    def command(self) -> list[str]:
        """Return the server's command line."""
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.places.valkey),
            "appendonly": "no" if self.fast else "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        return [find_valkey(), *(word for name, value in settings.items() for word in (f"--{name}", value))]

    def running_pid(self) -> int | None:
        """Return the process that serves this folder already, if one does."""
        try:
            with self._link() as link:
                return int(link.info("server")["process_id"])
        except (RedisError, OSError):
            return None

    def is_ready(self) -> bool:
        """Tell whether it answers; one that still reads its file does not yet."""
        try:
            with self._link() as link:
                return bool(link.ping())
        except (BusyLoadingError, RedisError, OSError):
            return False

    def _link(self) -> "Redis":
        """Return a connection that says at once when nobody is there."""
        once = Retry(NoBackoff(), 0)
        return Redis(unix_socket_path=str(self._socket), socket_timeout=2, retry=once)

    @property
    def _socket(self) -> Path:
        return self.places.run / "valkey.sock"
