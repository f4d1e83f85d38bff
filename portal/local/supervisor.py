"""`portal up`: the whole portal on this machine, from its servers to its pages, until told to stop."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import TextIO

from portal.local import children, keeper, ports
from portal.local.crew import MENDED
from portal.local.errors import LocalError
from portal.local.guests import invited
from portal.local.handover import answers
from portal.local.places import Places, places
from portal.local.screen import Screen
from portal.local.services import Services, given, keep_settings
from portal.local.tasks import Guest, Task, child_environ, own_tasks, portal_command

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PULSE = 0.15
READY_WITHIN = 90.0
GRACE = 8.0


class Stopped(Exception):
    """We were told to stop."""


class Watched:
    """A task and the process that does it now."""

    def __init__(self, task: Task, place: Places) -> None:
        self.task, self.log = task, place.log / f"{task.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.backoff = children.Backoff()
        self.due = 0.0

    def launch(self) -> None:
        """Start the process."""
        self.due = 0.0
        environ = child_environ(self.task.environ)
        self.process = children.start(self.task.command, log=self.log, environ=environ, pass_fds=self.task.pass_fds)

    def mend(self, now: float) -> str:
        """Start the process again when it died; return a line to show, or nothing."""
        if self.process is None or self.process.poll() is None:
            return ""
        if not self.due:
            children.end_session(self.process.pid)
            pause = self.backoff.next_pause(now)
            self.due = now + pause
            how = f"after {pause:.1f} s" if pause else "at once"
            return f"{self.task.name} ended ({_meaning(self.process.returncode)}); starting it again {how}"
        if now >= self.due:
            self.launch()
        return ""

    def ask_to_end(self) -> None:
        """Tell the process to end."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()


def _meaning(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"status {code}"


class Supervisor:
    """One run of `portal up`."""

    def __init__(self, environ: Mapping[str, str], screen: Screen) -> None:
        self.asked, self.screen = environ, screen
        self.place: Places = places(environ.get("PORTAL_DATA_DIR") or "var")
        self.watched: list[Watched] = []
        self.told_to_stop = 0
        self.settings: dict[str, str] = {}
        self.listener = socket.socket()
        self.heard = 0
        self.services: Services | None = None
        self.loaded: dict[str, object] = {}

    def run(self) -> int:
        """Bring everything up, watch over it, and take it down."""
        for number in ENDING:
            signal.signal(number, self._on_signal)
        began = time.monotonic()
        try:
            with self._alone() as mark:
                try:
                    self._bring_up(mark, began)
                    self._watch()
                finally:
                    self._take_down()
        except Stopped:
            pass
        except LocalError as error:
            self.screen.fail(error.what, error.cure)
            return 1
        self.screen.step("Everything has ended.")
        return 0

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.told_to_stop += 1
        if self.told_to_stop == 1:
            raise Stopped(number)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[TextIO]:
        """Hold the data folder for this supervisor alone.

        :raise LocalError: when another one has it.
        """
        self.place.make()
        with (self.place.run / "up.lock").open("a+") as mark:
            try:
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                mark.seek(0)
                where = mark.read().strip() or "another process"
                msg = f"The portal already runs on the data folder {self.place.data}: {where}."
                raise LocalError(msg, "Stop that one, or name another folder: make run DATA_DIR=x PORT=8001") from error
            mark.truncate(0)
            yield mark

    def _bring_up(self, mark: TextIO, began: float) -> None:
        self.screen.title(f"The portal, in {self.place.data}")
        address = self._listen()
        mark.write(f"{address} (process {os.getpid()})")
        mark.flush()
        self._start_servers()
        guests = self._start_guests()
        keep_settings(self.place, self.settings)
        self._prepare()
        for guest in guests:
            began_filling = time.monotonic()
            self.screen.step(f"{guest.task.name}: {guest.fill()}", time.monotonic() - began_filling)
        with contextlib.suppress(OSError):
            self.heard = (self.place.log / "background.log").stat().st_size
        for task in own_tasks(self.listener.fileno(), self.settings):
            self._add(task)
        self._train()
        self._wait_until_ready(address)
        self._greet(address, guests, time.monotonic() - began)

    def _listen(self) -> str:
        """Open the port and keep it open: while the pages' process restarts, browsers wait and are not refused."""
        host, wanted = self.asked.get("PORTAL_HOST") or "127.0.0.1", _port(self.asked.get("PORTAL_PORT") or "8000")
        self.listener = ports.listen(host, wanted)
        port = self.listener.getsockname()[1]
        if port != wanted:
            self.screen.note(f"Port {wanted} is taken on {host}; using the next free one, {port}.")
        measured = self.place.run / "metrics"
        shutil.rmtree(measured, ignore_errors=True)
        measured.mkdir()
        self.settings = {
            "PORTAL_DATA_DIR": str(self.place.data),
            "PORTAL_HOST": host,
            "PORTAL_PORT": str(port),
            "PROMETHEUS_MULTIPROC_DIR": str(measured),
        }
        return ports.address_for_people(host, port)

    def _start_servers(self) -> None:
        missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not given(self.asked, name)]
        self.services = Services(self.place, watch_only=not missing)
        self.services.take(self.screen.step)
        self.settings |= self.services.environ(missing)
        if not missing:
            self.screen.step("PostgreSQL and Redis are those of DATABASE_URL and REDIS_URL")

    def _start_guests(self) -> list[Guest]:
        guests = invited(self.asked, self.place, self.screen.step)
        for guest in guests:
            began = time.monotonic()
            self._add(guest.task)
            guest.wait()
            self.settings |= guest.settings
            self.screen.step(f"{guest.task.name} started", time.monotonic() - began)
        return guests

    def _prepare(self) -> None:
        """Migrate and load the demo community, in a process that ends and gives its memory back."""
        self.loaded = self._run_aside("prepare", "The database could not be prepared.")

    def _train(self) -> None:
        """Find the topics of what was written, unless that was done before."""
        if self.loaded.get("train"):
            self._run_aside("train", "The topics could not be found; the portal works without.", needed=False)

    def _run_aside(self, command: str, failure: str, *, needed: bool = True) -> dict[str, object]:
        """Run a command of ours to its end, show its steps, and return what it found."""
        log = self.place.log / f"{command}.log"
        found: dict[str, object] = {}
        began = time.monotonic()
        with log.open("wb") as errors:
            process = subprocess.Popen(
                portal_command("local", command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=child_environ(self.settings),
            )
            self._list_children(process.pid)
            try:
                for line in process.stdout or ():
                    said = json.loads(line)
                    found |= said.get("found", {})
                    if "text" in said:
                        self.screen.step(said["text"], time.monotonic() - began)
                        began = time.monotonic()
            except BaseException:
                process.kill()
                raise
            finally:
                process.wait()
        if process.returncode:
            self.screen.note(f"{failure} It said:\n{children.tail(log, 8)}")
            if needed:
                raise LocalError(failure, f"See {log}, and try: portal doctor")
        return found

    def _add(self, task: Task) -> None:
        watched = Watched(task, self.place)
        watched.launch()
        self.watched.append(watched)
        self._list_children()

    def _list_children(self, *others: int) -> None:
        pids = [one.process.pid for one in self.watched if one.process]
        keeper.list_children(self.place, [*pids, *others])

    def _wait_until_ready(self, address: str) -> None:
        began = time.monotonic()
        until = began + READY_WITHIN
        while (status := _status_of(f"{address}/readyz")) != "200":
            self._mend()
            if time.monotonic() > until:
                log = self.place.log / "web.log"
                msg = f"The pages do not come up ({status}). Their process says:\n{children.tail(log)}"
                raise LocalError(msg, "Try: portal doctor")
            time.sleep(PULSE)
        while not answers(self.place.live_socket) and time.monotonic() < until:
            self._mend()
            time.sleep(PULSE)
        self.screen.step("pages, live updates, workers and clock", time.monotonic() - began)

    def _greet(self, address: str, guests: list[Guest], seconds: float) -> None:
        self.screen.step("ready", seconds)
        self.screen.console.print(f"\n  Open [bold underline]{address}[/bold underline]\n")
        people = self.loaded.get("people")
        if isinstance(people, list) and people:
            self.screen.people([(who, email, password) for who, email, password in people])
        for guest in guests:
            self.screen.console.print(f"\n  {guest.where}")
        self.screen.console.print(f"\n  Logs: {self.place.log}    Stop: Ctrl-C\n", markup=False)

    def _watch(self) -> None:
        while not self.told_to_stop:
            self._mend()
            time.sleep(PULSE)

    def _mend(self) -> None:
        """Start again what died, and show what the keeper did."""
        for line in [*(self.services.news() if self.services else []), *self._said_in_the_background()]:
            self.screen.note(line)
        for one in self.watched:
            before = one.process
            if line := one.mend(time.monotonic()):
                self.screen.note(f"{line}; see {one.log}")
            if one.process is not before:
                self._list_children()

    def _said_in_the_background(self) -> list[str]:
        """Return what the crew in the background said about its own since the last look."""
        with contextlib.suppress(OSError), (self.place.log / "background.log").open(encoding="utf-8") as log:
            log.seek(self.heard)
            lines = log.readlines()
            self.heard = log.tell()
            return [line.strip() for line in lines if MENDED in line]
        return []

    def _take_down(self) -> None:
        self.told_to_stop = max(1, self.told_to_stop)
        if self.watched:
            self.screen.note("Stopping.")
        for one in self.watched:
            one.ask_to_end()
        until = time.monotonic() + GRACE
        for one in reversed(self.watched):
            if one.process is not None:
                children.end(one.process.pid, patience=max(0.2, until - time.monotonic()))
                one.process.poll()
        for name in ("children.json", "settings.json"):
            (self.place.run / name).unlink(missing_ok=True)
        self.listener.close()
        if self.services:
            self.services.release()


def _port(text: str) -> int:
    """Return a port's number.

    :raise LocalError: when it is none.
    """
    if not text.isdigit() or not 0 < int(text) < 65536:  # noqa: PLR2004 - the number of ports
        msg = f"PORTAL_PORT must be a number from 1 to 65535, not {text!r}."
        raise LocalError(msg)
    return int(text)


def _status_of(url: str) -> str:
    """Return the status that an address answers, or why it does not."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - our own address
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def up(environ: Mapping[str, str]) -> int:
    """Run everything until told to stop; 0 when it ended as asked, 1 when something has to be mended."""
    return Supervisor(environ, Screen()).run()


if __name__ == "__main__":
    sys.exit(up(os.environ))
