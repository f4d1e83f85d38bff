"""One process that has loaded the portal, and forks whoever works in the background: workers, clock, live updates.

Loading takes seconds, forking milliseconds, and the memory is shared. Whoever dies is forked again; when told to
end, or when the parent is gone, all end.
"""

import contextlib
import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from portal.local.children import Backoff, is_alive
from portal.local.tether import PR_SET_PDEATHSIG

PULSE = 0.1
ASK_AGAIN_AFTER = 4.0
PATIENCE = 8.0
MENDED = "starting it again"


class Crew:
    """Who works in the background."""

    def __init__(self, duties: Mapping[str, Callable[[], None]], log: Path | None = None) -> None:
        self.duties, self.log = duties, log
        self.at_work: dict[int, str] = {}
        self.backoffs = {name: Backoff() for name in duties}
        self.due = dict.fromkeys(duties, 0.0)
        self.told_to_end = False

    def run(self) -> None:
        """Fork everyone and fork again whoever dies, until told to end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        gc.collect()
        gc.freeze()
        while not self.told_to_end:
            for name in self.due.keys() - set(self.at_work.values()):
                if time.monotonic() >= self.due[name]:
                    self.at_work[self._fork(name)] = name
            self._bury()
            time.sleep(PULSE)
        self._end()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.told_to_end = True

    def _fork(self, name: str) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            self._become(name, parent)
            self.duties[name]()
            code = 0
        except KeyboardInterrupt:
            code = 0
        except BaseException:  # noqa: BLE001 - a forked child must never return into the parent's code
            sys.excepthook(*sys.exc_info())
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _become(self, name: str, parent: int) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.default_int_handler)
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)
        if self.log is not None:
            with (self.log / f"{name}.log").open("ab") as out:
                os.dup2(out.fileno(), 1)
                os.dup2(out.fileno(), 2)

    def _bury(self) -> None:
        """Take note of who has died, and when to fork the next."""
        for pid in list(self.at_work):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                name = self.at_work.pop(pid)
                now = time.monotonic()
                pause = self.backoffs[name].next_pause(now)
                self.due[name] = now + pause
                if not self.told_to_end:
                    code = os.waitstatus_to_exitcode(status)
                    sys.stderr.write(f"{name} ended ({code}); {MENDED} after {pause:.1f} s\n")
                    sys.stderr.flush()

    def _end(self) -> None:
        """Tell everyone to end, tell again, and leave nobody."""
        began = time.monotonic()
        self._tell_all(signal.SIGTERM)
        again = began + ASK_AGAIN_AFTER
        while self.at_work and time.monotonic() < began + PATIENCE:
            self._bury()
            if again and time.monotonic() > again:
                again = 0.0
                self._tell_all(signal.SIGTERM)
            time.sleep(0.02)
        self._tell_all(signal.SIGKILL)

    def _tell_all(self, number: int) -> None:
        for pid in self.at_work:
            if is_alive(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
