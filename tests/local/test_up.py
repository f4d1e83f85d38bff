"""`portal up`, the whole of it: real processes, real signals."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import simple_websocket

from portal.local.ports import is_free, listen

ENDS_WITHIN = 30


class Up:
    """One run of `portal up`, without the demo community."""

    def __init__(self, folder: Path, port: int) -> None:
        names = ("DATABASE_URL", "REDIS_URL", "PORTAL_CRM", "PYTHONDONTWRITEBYTECODE")
        self.environ = {k: v for k, v in os.environ.items() if k not in names}
        self.environ |= {"PORTAL_DATA_DIR": str(folder), "PORTAL_PORT": str(port), "PORTAL_DEMO": "0"}
        self.environ |= {"LANG": "it_IT.UTF-8"}
        self.folder = folder
        self.said = ""
        self.process = subprocess.Popen(
            portal("up"), env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def wait(self) -> str:
        """Return its address once it is ready."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if found := re.search(r"Open (http://\S+)", line):
                return found.group(1)
        pytest.fail(f"it ended without an address:\n{self.said}")

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(portal(*words), env=self.environ, capture_output=True, text=True, check=False)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=ENDS_WITHIN)
        self.said += out
        return self.process.returncode


def portal(*words: str) -> list[str]:
    return [sys.executable, "-c", "from portal.cli import main; main()", *words]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    found = tmp_path / "the data"
    yield found
    left = processes_of(found)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert not left


@pytest.fixture
def port() -> int:
    with listen("127.0.0.1", 18800) as listener:
        return int(listener.getsockname()[1])


def processes_of(folder: Path) -> dict[int, str]:
    """The processes that name the folder, in their words or in their environment."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes()
            if str(folder).encode() in words + (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                found[int(entry.name)] = words.replace(b"\0", b" ").decode(errors="replace")
    return found


def status_of(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def eventually(holds: Callable[[], object], seconds: float = 60.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError, simple_websocket.ConnectionError):
            if holds():
                return True
        time.sleep(0.1)
    return False


def speaks_live(address: str) -> bool:
    """Tell whether a socket of a page is opened, on the pages' own port."""
    talk = simple_websocket.Client(f"{address.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket")
    said = str(talk.receive(timeout=10))
    talk.close()
    return said.startswith("0{")


@pytest.mark.timeout(240)
def test_everything_comes_up_is_mended_and_ends_with_nothing_left(folder: Path, port: int) -> None:
    run = Up(folder, port)
    address = run.wait()
    assert address == f"http://127.0.0.1:{port}"
    assert status_of(f"{address}/readyz") == 200
    assert eventually(lambda: speaks_live(address))

    again = run.command("up")
    assert again.returncode == 1
    assert address in again.stdout

    wanted = run.environ.pop("PORTAL_PORT")  # a command in another terminal knows it all the same
    assert f"{wanted} on 127.0.0.1 is in use" in run.command("doctor").stdout

    found: dict[str, str] = {}

    def all_is_well() -> bool:
        examined = json.loads(run.command("doctor", "--json").stdout)["checks"]
        found.update({one["what"]: one["status"] for one in examined})
        parts = ("database", "migrations", "broker", "workers", "clock", "live updates")
        return {found[part] for part in parts} == {"ok"}

    assert eventually(all_is_well), found

    for pid, words in processes_of(folder).items():
        if any(part in words for part in ("gunicorn", "background", "bin/postgres", "valkey-server")):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: status_of(f"{address}/readyz") == 200)
    assert eventually(lambda: speaks_live(address))

    assert run.end(signal.SIGTERM) == 0
    assert "starting it again" in run.said
    assert "Everything has ended" in run.said
    assert processes_of(folder) == {}
    assert is_free("127.0.0.1", port)


@pytest.mark.timeout(240)
def test_a_taken_port_is_said_and_a_killed_supervisor_leaves_nothing(folder: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        run = Up(folder, port)
        address = run.wait()
        assert address != f"http://127.0.0.1:{port}"
        assert f"Port {port} is taken" in run.said
        assert status_of(f"{address}/livez") == 200
    run.process.kill()
    run.process.communicate()
    assert eventually(lambda: processes_of(folder) == {})


@pytest.mark.timeout(240)
def test_it_ends_at_once_when_told_while_it_starts(folder: Path, port: int) -> None:
    run = Up(folder, port)
    assert eventually((folder / "postgres" / "PG_VERSION").exists)
    assert run.end(signal.SIGINT) == 0
    assert processes_of(folder) == {}


def test_help_needs_no_servers(folder: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    environ["PORTAL_DATA_DIR"] = str(folder)
    done = subprocess.run(portal("--help"), env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert {"up", "doctor", "import", "topics"} <= {
        line.split()[0] for line in done.stdout.splitlines() if line.split()
    }
    assert not (folder / "postgres").exists()


def test_a_command_brings_servers_of_its_own_and_migrates_them(folder: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    environ["PORTAL_DATA_DIR"] = str(folder)
    done = subprocess.run(portal("promises", "--json"), env=environ, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == {"waiting": 0, "dead": 0, "replayed": 0}, done.stderr
    assert processes_of(folder) == {}


def test_a_port_that_is_none_is_refused_in_words(folder: Path) -> None:
    run = Up(folder, 99999)
    out, _ = run.process.communicate(timeout=60)
    assert run.process.returncode == 1
    assert "PORTAL_PORT must be a number" in out
