"""Keep one data folder's servers for as long as anybody uses them.

``python -m portal.local.keeper DATA_DIR [--fast] [--watch-only]``

Whoever uses the servers holds a shared lock on a file; the kernel drops it when that process ends, however
it ends. The keeper starts (or adopts) the servers, restarts what dies, and when it can have the lock for
itself nobody is left: it ends them, and whatever processes the last supervisor left, and goes.
"""

import argparse
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol, TextIO

from portal.local import children
from portal.local.errors import LocalError
from portal.local.places import Places, places
from portal.local.postgres import PostgresServer
from portal.local.valkey import ValkeyServer

PATIENCE = 60.0
PULSE = 0.1


class Server(Protocol):
    """A database or a broker that can be kept."""

    name: str
    log: Path
    end_signal: signal.Signals

    @property
    def unprivileged(self) -> str:
        """Return how root is given up, if it must be."""

    def prepare(self) -> bool:
        """Make its folder when new."""

    def command(self) -> list[str]:
        """Return its command line."""

    def running_pid(self) -> int | None:
        """Return the process that serves the folder already."""

    def is_ready(self) -> bool:
        """Tell whether it answers."""


class Kept:
    """A server, and the process that is it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.process: subprocess.Popen[bytes] | None = None
        self.pid = 0
        self.backoff = children.Backoff()
        self.due = 0.0

    def begin(self) -> str:
        """Start or adopt the server and wait until it answers; return what was done.

        :raise LocalError: when it does not come up.
        """
        if adopted := self.server.running_pid():
            self.pid, verb = adopted, "adopted, left running by another"
        else:
            made = self.server.prepare()
            self.launch()
            verb = "made and started" if made else "started"
        until = time.monotonic() + PATIENCE
        while not self.server.is_ready():
            if not self.is_alive() or time.monotonic() > until:
                msg = f"{self.server.name} does not come up. It says:\n{children.tail(self.server.log)}"
                raise LocalError(msg)
            time.sleep(0.03)
        return verb

    def launch(self) -> None:
        """Start the process."""
        self.process = children.start(
            self.server.command(),
            log=self.server.log,
            cwd=Path("/"),
            end_signal=self.server.end_signal,
            unprivileged=self.server.unprivileged,
        )
        self.pid = self.process.pid

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self.process.poll() is None if self.process else children.is_alive(self.pid)

    def mend(self, now: float) -> str:
        """Start the server again when it died; return a line to show, or nothing."""
        if self.is_alive():
            return ""
        if not self.due:
            pause = self.backoff.next_pause(now)
            self.due = now + pause
            return f"{self.server.name} died; starting it again" + (f" in {pause:.1f} s" if pause else "")
        if now >= self.due:
            self.due = 0.0
            with contextlib.suppress(LocalError, OSError):
                self.server.prepare()
            self.launch()
        return ""

    def end(self) -> None:
        """Stop the server cleanly."""
        if self.is_alive():
            children.end(self.pid, first=self.server.end_signal, patience=20.0)


class Keeper:
    """What the keeper's process does."""

    def __init__(self, place: Places, users: TextIO, *, fast: bool, watch_only: bool) -> None:
        self.place, self.users = place, users
        servers: list[Server] = []
        if not watch_only:
            servers = [PostgresServer(place, fast=fast), ValkeyServer(place, fast=fast)]
        self.kept = [Kept(server) for server in servers]
        self.asked_to_end = False

    def run(self) -> int:
        """Serve until nobody is left."""
        try:
            for one in self.kept:
                began = time.monotonic()
                verb = one.begin()
                tell("step", f"{one.server.name} {verb}", time.monotonic() - began)
            tell("ready", "")
            while not self.nobody_left():
                for one in self.kept:
                    if line := one.mend(time.monotonic()):
                        tell("step", line)
                time.sleep(PULSE)
        except LocalError as error:
            tell("error", error.what, cure=error.cure)
            return 1
        finally:
            end_listed(self.place)
            for one in reversed(self.kept):
                one.end()
        return 0

    def nobody_left(self) -> bool:
        """Tell whether the last user has gone; if so, nobody can come before we are done."""
        if self.asked_to_end:
            return True
        with contextlib.suppress(OSError):
            fcntl.flock(self.users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False


def tell(kind: str, text: str, seconds: float = 0.0, *, cure: str = "") -> None:
    """Say something to whoever started us, if still there."""
    line = json.dumps({"kind": kind, "text": text, "seconds": round(seconds, 2), "cure": cure})
    with contextlib.suppress(OSError):
        os.write(1, line.encode() + b"\n")


def list_children(place: Places, pids: list[int]) -> None:
    """Write down the processes to end should their supervisor be killed."""
    part = place.run / "children.part"
    part.write_text(json.dumps([[pid, children.started_at(pid)] for pid in pids]))
    part.replace(place.run / "children.json")


def end_listed(place: Places) -> None:
    """End the process groups that a killed supervisor left."""
    listed = place.run / "children.json"
    with contextlib.suppress(OSError, ValueError):
        left = [pid for pid, since in json.loads(listed.read_text()) if children.started_at(pid) == since]
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM)
        for pid in left:
            children.end(pid, patience=5.0)
    listed.unlink(missing_ok=True)


def main() -> int:
    """Be the one keeper of a data folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data_dir")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--watch-only", action="store_true")
    asked = parser.parse_args()
    place = places(asked.data_dir)
    with (place.run / "keeper.lock").open("a+") as mine, (place.run / "users.lock").open("a+") as users:
        try:
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            tell("error", "There is a keeper already.")
            return 1
        mine.truncate(0)
        mine.write(str(os.getpid()))
        mine.flush()
        try:
            keeper = Keeper(place, users, fast=asked.fast, watch_only=asked.watch_only)
        except LocalError as error:
            tell("error", error.what, cure=error.cure)
            return 1
        signal.signal(signal.SIGTERM, lambda *_: setattr(keeper, "asked_to_end", True))
        for ignored in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        return keeper.run()


if __name__ == "__main__":
    sys.exit(main())
