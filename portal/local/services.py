"""Have the embedded servers of a data folder at hand, started when nobody has them running yet."""

import atexit
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, TextIO

from portal.local.children import is_alive
from portal.local.errors import LocalError
from portal.local.places import Places, places

Tell = Callable[[str, float], None]
PATIENCE = 90.0


def _say_nothing(_text: str, _seconds: float) -> None:
    """Take a step without showing it."""


class Services:
    """One user's hold on the servers of a data folder; they run while anybody has one."""

    def __init__(self, place: Places, *, fast: bool = False, watch_only: bool = False) -> None:
        self.place, self.fast, self.watch_only = place, fast, watch_only
        self._users: TextIO | None = None
        self._words: IO[bytes] | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    def take(self, tell: Tell = _say_nothing) -> None:
        """Start the servers, or join those who have them; return when they answer.

        :raise LocalError: when they do not come up.
        """
        self.place.make()
        self._users = (self.place.run / "users.lock").open("a+")
        fcntl.flock(self._users, fcntl.LOCK_SH)
        try:
            with (self.place.run / "start.lock").open("a+") as turn:
                fcntl.flock(turn, fcntl.LOCK_EX)
                if self.keeper_pid() is None:
                    self._start(tell)
        except BaseException:
            self.release()
            raise

    def keeper_pid(self) -> int | None:
        """Return the keeper's process while it runs."""
        with contextlib.suppress(OSError, ValueError), (self.place.run / "keeper.lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                return int(lock.read())
        return None

    def _start(self, tell: Tell) -> None:
        command = [sys.executable, "-m", "portal.local.keeper", str(self.place.data)]
        command += ["--fast"] * self.fast + ["--watch-only"] * self.watch_only
        with (self.place.log / "keeper.log").open("ab") as errors:
            keeper = self._keeper = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self._words = keeper.stdout
        for line in iter(keeper.stdout.readline, b"") if keeper.stdout else ():
            said = json.loads(line)
            if said["kind"] == "ready":
                return
            if said["kind"] == "error":
                keeper.wait()
                raise LocalError(said["text"], said["cure"])
            tell(said["text"], said["seconds"])
        code = keeper.wait()
        msg = f"The keeper of the embedded servers ended at once ({code})."
        raise LocalError(msg, f"See {self.place.log / 'keeper.log'}.")

    def _wait_for_end_of(self, keeper: int) -> None:
        until = time.monotonic() + PATIENCE
        while is_alive(keeper) and time.monotonic() < until:
            if self._keeper is not None:
                self._keeper.poll()  # buries it when it is our child
            time.sleep(0.02)

    def environ(self, names: Sequence[str] = ("DATABASE_URL", "REDIS_URL")) -> dict[str, str]:
        """Return the settings that lead to the servers."""
        urls = {"DATABASE_URL": self.place.database_url, "REDIS_URL": self.place.redis_url}
        return {name: urls[name] for name in names}

    def news(self) -> list[str]:
        """Return what the keeper said since the last call, when it was we who started it."""
        if self._words is None:
            return []
        os.set_blocking(self._words.fileno(), False)
        lines = iter(self._words.readline, b"")
        with contextlib.suppress(OSError, TypeError):
            return [json.loads(line)["text"] for line in lines if line.endswith(b"\n")]
        return []

    def release(self) -> bool:
        """Let go; when nobody else holds on, return True after the servers have ended."""
        users, self._users = self._users, None
        if users is None:
            return False
        with users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
            if keeper := self.keeper_pid():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(keeper, signal.SIGTERM)
                self._wait_for_end_of(keeper)
        return True


def settings_for_commands() -> dict[str, str]:
    """Return the environment for one command, with embedded servers where it names none.

    They are started when nobody has them running, and end with the command.

    :raise LocalError: when they do not come up, or production names no servers.
    """
    place = places(os.environ.get("PORTAL_DATA_DIR") or "var")
    environ = {**settings_of_running(place), **os.environ}
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not given(environ, name)]
    if not missing:
        return environ
    if asks_only_for_help():
        return {**environ, **Services(place).environ(missing)}
    if environ.get("PORTAL_ENV") == "production":
        msg = f"{' and '.join(missing)} must be set in production."
        raise LocalError(msg, "Embedded servers are for development.")
    services = Services(place)
    services.take()
    atexit.register(services.release)
    return {**environ, **services.environ(missing)}


def asks_only_for_help() -> bool:
    """Tell whether the command line wants to be told about commands, which needs no servers."""
    return "--help" in sys.argv or len(sys.argv) == 1


def settings_of_running(place: Places) -> dict[str, str]:
    """Return the settings that `portal up` found out for this data folder, while it runs: its port, its CRM."""
    with contextlib.suppress(OSError, ValueError), (place.run / "up.lock").open() as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            found: dict[str, str] = json.loads((place.run / "settings.json").read_text())
            return found
    return {}


def keep_settings(place: Places, settings: Mapping[str, str]) -> None:
    """Let commands in other terminals know what `portal up` found out."""
    part = place.run / "settings.part"
    part.touch(mode=0o600)
    part.write_text(json.dumps({name: settings[name] for name in settings if name.startswith("PORTAL_")}))
    part.replace(place.run / "settings.json")


def given(environ: Mapping[str, str], name: str) -> bool:
    """Tell whether a setting is in the environment, itself or as a file."""
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


@contextlib.contextmanager
def at_hand(data_dir: str, tell: Tell = _say_nothing) -> Iterator[Services]:
    """Have the servers of a data folder for as long as the block runs."""
    services = Services(places(data_dir))
    services.take(tell)
    try:
        yield services
    finally:
        services.release()
