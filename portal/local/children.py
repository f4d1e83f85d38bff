"""Processes that we start, watch, and end: none outlives us."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TETHER = Path(__file__).with_name("tether.py")
LOG_LIMIT = 20_000_000
LONGEST_PAUSE = 10.0
STEADY_AFTER = 5.0


def start(
    command: Sequence[str],
    *,
    log: Path,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    end_signal: int = signal.SIGTERM,
    unprivileged: str = "",
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, tied to this process; it writes into ``log``.

    Its name must be a path. Call it from the main thread: the tie is to the thread that starts.
    """
    tether = [sys.executable, "-I", "-S", str(TETHER), "--parent", str(os.getpid())]
    tether += ["--signal", str(int(end_signal))]
    if unprivileged:
        tether += ["--unprivileged", unprivileged]
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as out:
        return subprocess.Popen(
            [*tether, "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environ,
            cwd=cwd,
            start_new_session=True,
            pass_fds=pass_fds,
        )


def tail(log: Path, lines: int = 12) -> str:
    """Return the last lines that a process wrote."""
    with contextlib.suppress(OSError):
        text = log.read_bytes()[-8000:].decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])
    return ""


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not yet buried does not."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in {"Z", "X"}
    return True


def started_at(pid: int) -> str:
    """Return what tells a process from a later one of the same number; empty where unknown."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def end(pid: int, *, first: int = signal.SIGTERM, patience: float = 10.0) -> None:
    """End a process that leads its session: ask, ask again, then end whatever is left of the session."""
    asked = time.monotonic()
    _signal(pid, first)
    again = asked + patience / 2
    while is_alive(pid) and time.monotonic() < asked + patience:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if again and time.monotonic() > again:
            again = 0.0
            _signal(pid, first)  # RQ's worker then leaves its long job, whose promise stays
        time.sleep(0.02)
    end_session(pid)


def end_session(pid: int) -> None:
    """Kill what is left of the processes that one started, whatever groups they made."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(entry.read_text().rpartition(")")[2].split()[3]) == pid:
                _signal(int(entry.parent.name), signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


@dataclass(slots=True)
class Backoff:
    """How long to wait before the next try: longer each time, short again after a steady while."""

    tries: int = 0
    last: float = field(default=0.0)
    pause: float = field(default=0.0)

    def next_pause(self, now: float) -> float:
        """Return the pause in seconds before the next start: none after a process that had run steadily."""
        if now - self.last - self.pause > STEADY_AFTER:
            self.tries = 0
        self.tries += 1
        self.last = now
        self.pause = 0.0 if self.tries == 1 else min(LONGEST_PAUSE, 0.5 * 2.0 ** (self.tries - 2))
        return self.pause
