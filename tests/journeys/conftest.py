"""The whole portal as a newcomer starts it, with its demo community and a real CRM, and a real browser in front of it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 180.0


class Town:
    """One running `portal up`."""

    def __init__(self, data: Path, crm: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.data, self.url, self.log = data, f"http://127.0.0.1:{self.port}", data / "up.log"
        plain = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL", "PORTAL_DATA_DIR"}}
        self.environ = {**plain, "PORTAL_PORT": str(self.port), "PORTAL_DATA_DIR": str(data), "PORTAL_CRM": crm,
                        "PORTAL_ENV": "development"}  # fmt: skip

    def start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", "from portal.cli import main; main()", "up"]
        with self.log.open("wb") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self, program: str) -> int:
        """Send signal 9 to this town's processes of a program; return how many there were."""
        count = 0
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
                mine = str(self.data) in line or str(self.data) in (entry / "environ").read_bytes().decode(
                    errors="replace"
                )
            except OSError:
                continue
            if mine and program in line.split("\0")[0]:
                os.kill(int(entry.name), signal.SIGKILL)
                count += 1
        return count


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The portal with its own servers, the demo community and Tryton."""
    town = Town(tmp_path_factory.mktemp("town"), "tryton")
    process = town.start()
    try:
        until = time.monotonic() + READY_WITHIN
        while not town.is_ready():
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"The portal does not come up:\n{town.log.read_text()[-3000:]}")
            time.sleep(0.3)
        yield town
    finally:
        process.terminate()
        process.wait(60)
