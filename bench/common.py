"""What benchmarks share: services, a database of one's own, a server whose cost is counted, a load of clients."""

import http.client
import os
import random
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.engine import make_url

from portal.app import create_app

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def services() -> Iterator[dict[str, str]]:
    """Yield the addresses of PostgreSQL and Valkey: those of the environment, or embedded ones for the while."""
    if {"DATABASE_URL", "REDIS_URL"} <= set(os.environ):
        yield {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
        return
    from tests import services as embedded

    started = embedded.start()
    try:
        yield {"DATABASE_URL": started.database_url, "REDIS_URL": started.redis_url}
    finally:
        started.stop()


@contextmanager
def fresh_portal(name: str, *, keep: bool = False) -> Iterator[Flask]:
    """Yield a portal on a migrated database of its own, dropped afterwards unless it is to be kept."""
    with services() as environ:
        address = make_url(environ["DATABASE_URL"])
        database = f"bench_{name}"
        admin = address.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
        with psycopg.connect(admin, autocommit=True) as server:
            known = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
            if known and not keep:
                server.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
            if not known or not keep:
                server.execute(f'CREATE DATABASE "{database}"')
        url = address.set(drivername="postgresql+psycopg", database=database).render_as_string(hide_password=False)
        settings = {
            "DATABASE_URL": url,
            "REDIS_URL": environ["REDIS_URL"],
            "SECRET_KEY": "only for measuring",
            "PORTAL_ENV": "testing",
            "PORTAL_READER_CACHE": "1",
            "PORTAL_DATA_DIR": tempfile.mkdtemp(prefix="portal-bench-"),
        }
        app = create_app({**os.environ, **settings})
        app.config["BENCH_ENVIRON"] = settings
        with app.app_context():
            upgrade(directory=str(ROOT / "migrations"))
            yield app
            app.extensions["sqlalchemy"].engine.dispose()
        if not keep:
            with psycopg.connect(admin, autocommit=True) as server:
                server.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(pid: int) -> list[int]:
    """Return a process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, rest = [], [pid]
    while rest:
        found.append(one := rest.pop())
        rest.extend(children.get(one, []))
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return the user and system time that processes have used."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory_mb(pids: Sequence[int]) -> float:
    """Return the proportional set size of processes in MB: what is shared counts once."""
    total = 0
    for pid in pids:
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            continue
    return total / 1024


@contextmanager
def server(
    application: str | None, environ: dict[str, str], *, workers: int = 2, threads: int = 4
) -> Iterator[tuple[int, int]]:
    """Serve the portal as in production (None), or another application; yield its port and the master's process id."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn"]
    if application is None:
        command += ["--config", "python:portal.local.pages"]
    else:
        command += [application, "--bind", f"127.0.0.1:{port}", "--workers", str(workers), "--threads", str(threads),
                    "--worker-class", "gthread", "--log-level", "warning", "--preload",
                    "--keep-alive", "30"]  # fmt: skip
    environ = {**environ, "PORTAL_BIND": f"127.0.0.1:{port}", "PORTAL_WEB_WORKERS": str(workers)}
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ}, start_new_session=True)
    try:
        for _ in range(200):
            try:
                get(port, "/livez")
                break
            except OSError:
                time.sleep(0.1)
        yield port, process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def get(port: int, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    """Fetch one page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers or {})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


@dataclass
class Load:
    """What a load measured: seconds of each request, CPU seconds of the server, statuses."""

    times: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0
    cpu: float = 0.0

    def row(self) -> dict[str, float]:
        """Return CPU ms a request, requests a second, p50 and p99 in ms."""
        ordered = sorted(self.times)
        return {
            "cpu_ms": round(1000 * self.cpu / len(ordered), 2),
            "per_second": round(len(ordered) / self.seconds, 1),
            "p50_ms": round(1000 * statistics.median(ordered), 2),
            "p99_ms": round(1000 * ordered[int(0.99 * (len(ordered) - 1))], 2),
        }


Request = tuple[str, str, bytes | None, dict[str, str]]


def load(port: int, master: int, make: Callable[[int], Request], *, requests: int, clients: int = 4) -> Load:
    """Send requests over kept connections; ``make(i)`` gives method, path, body and headers of the i-th."""
    result, lock, numbers = Load(), threading.Lock(), iter(range(requests))

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            method, path, body, headers = make(number)
            began = time.perf_counter()
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            response.read()
            took = time.perf_counter() - began
            with lock:
                result.times.append(took)
                result.statuses[response.status] = result.statuses.get(response.status, 0) + 1

    pids = tree(master)
    before, began = cpu_seconds(pids), time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.seconds = time.perf_counter() - began
    result.cpu = cpu_seconds(pids) - before
    return result


def peak_mb() -> float:
    """Return this process's peak memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


rng = random.Random(7)
