"""Live hints: 200 pages look at one idea while members vote; how many are connected, and how soon each is told."""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from simple_websocket import Client, ConnectionClosed
from simple_websocket import ConnectionError as Refused

from bench.common import ROOT, cpu_seconds, fresh_portal, memory_mb, server
from portal.community import facade as community
from portal.ideas import services as ideas
from portal.kernel.database import transaction
from portal.members import services as members
from portal.members.queries import viewer_of

PAGES, VOTES, PAUSE, PATIENCE = 200, 40, 0.25, 30.0


class Socket(Client):
    """simple-websocket's client, which else leaves unread what came together with the handshake."""

    def handshake(self) -> None:
        """Read on."""
        super().handshake()
        self._handle_events()


class Page:
    """One open page: connects as the portal's script does, and notes when it is told."""

    def __init__(self, port: int, room: str) -> None:
        self.told: list[float] = []
        self.ready = threading.Event()
        self.failed = False
        threading.Thread(target=self._look, args=(port, room), daemon=True).start()

    def is_out(self) -> bool:
        """Wait until it looks; return whether it does not."""
        return not self.ready.wait(PATIENCE) or self.failed

    def _look(self, port: int, room: str) -> None:
        try:
            socket = Socket(f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket")
            socket.receive(PATIENCE)
            socket.send("40")
            socket.receive(PATIENCE)
            socket.send("420" + json.dumps(["look", [room]]))
            while not (said := str(socket.receive(PATIENCE))).startswith("430"):
                pass  # a hint may come before the answer
            self.failed = json.loads(said.removeprefix("430")) != [[room]]
            self.ready.set()
            while True:
                said = str(socket.receive())
                if said == "2":
                    socket.send("3")
                elif said.startswith("42"):
                    self.told.append(time.perf_counter())
        except (ConnectionClosed, Refused, OSError, ValueError):
            self.failed = self.failed or not self.ready.is_set()
            self.ready.set()


@contextmanager
def process(environ: dict[str, str], *words: str) -> Iterator[int]:
    """Run one command of the portal for the while."""
    command = [sys.executable, "-c", "from portal.cli import main; main()", *words]
    running = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ})
    try:
        yield running.pid
    finally:
        running.terminate()
        with suppress(subprocess.TimeoutExpired):
            running.wait(10)


def measure() -> list[list[object]]:
    """Return the figures."""
    with fresh_portal("sockets") as app:
        with transaction():
            board = community.open_board("sockets", kind="ideas", name="Sockets")
            people = [members.create_member(email=f"voter{n}@example.org", name=f"Voter {n}").id for n in range(VOTES)]
        voters = [viewer_of(member_id) for member_id in people]
        with transaction():
            idea = ideas.propose_idea(voters[0], board=board.key, title="An idea that many look at")
        environ = app.config["BENCH_ENVIRON"]
        with (
            server("portal.app:create_app()", environ) as (port, _),
            process(environ, "live") as live,
            process(environ, "work", "quick"),
        ):
            for _ in range(120):
                if not (first := Page(port, f"idea:{idea}")).is_out():
                    break
                time.sleep(0.5)
            pages = [first, *(Page(port, f"idea:{idea}") for _ in range(PAGES - 1))]
            connected = [page for page in pages if not page.is_out()]
            time.sleep(2)
            for page in pages:
                page.told.clear()
            before, voted = cpu_seconds([live]), []
            for voter in voters:
                with transaction():
                    ideas.cast_vote(idea, voter)
                voted.append(time.perf_counter())
                time.sleep(PAUSE)
            time.sleep(3)
            cpu, memory = cpu_seconds([live]) - before, memory_mb([live])
            delays = sorted(1000 * delay for page in connected for delay in delays_of(voted, page.told))
        told = sum(len(page.told) for page in connected) or 1
        return [
            ["pages connected", len(connected), f"of {PAGES}", f"{PAGES}"],
            ["vote to hint, p50", round(statistics.median(delays)), "ms", ""],
            ["vote to hint, p95", round(delays[int(len(delays) * 0.95)]), "ms", "≤ 1,000"],
            ["votes that every page was told of", round(100 * len(delays) / (len(connected) * VOTES), 1), "%", "100"],
            ["live process, a hint to a page", round(1000 * cpu / told, 3), "CPU ms", ""],
            ["live process, all pages open", round(memory), "MB", ""],
        ]


def delays_of(voted: list[float], told: list[float]) -> list[float]:
    """Return for each vote how long it took until the page was told of a change that holds it."""
    return [min(later) - moment for moment in voted if (later := [t for t in told if t >= moment])]


def main() -> None:
    """Print the figures as JSON."""
    print(json.dumps({"name": "sockets", "figures": measure()}))


if __name__ == "__main__":
    main()
