"""What pages cost: CPU ms a request of all server processes, requests a second, p50, p99, memory, number of statements.

2,000 ideas of 10 comments and 2,000 questions of 10 answers, two workers of four threads, as in production. A bare
Flask page and a point select are measured in the same run: compare ratios, not milliseconds, between machines.
"""

import gzip
import json
import logging
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from flask import Flask
from sqlalchemy import text

from bench.common import ROOT, Load, Request, fresh_portal, load, memory_mb, server, tree
from portal.kernel.database import db
from tests.conftest import counted_queries

TOPICS, REPLIES, REQUESTS = 2000, 10, 1500
PASSWORD = "a long pass phrase to measure with"
WORDS = [
    "wool",
    "yarn",
    "colour",
    "needle",
    "skein",
    "pattern",
    "sleeve",
    "shop",
    "parcel",
    "price",
    "dye",
    "plant",
    "local",
    "soft",
    "warm",
    "wash",
    "felt",
    "spin",
    "mill",
    "sheep",
    "winter",
    "sweater",
    "sock",
    "machine",
    "cone",
    "kit",
    "sample",
    "label",
    "fibre",
    "twist",
]
rng = random.Random(5)


def sentence(least: int, most: int) -> str:
    """Return some words."""
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(least, most))).capitalize()


def moment(number: int) -> str:
    """Return a time, later for higher numbers."""
    return (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=7 * number)).isoformat()


def ideas() -> Iterator[dict[str, Any]]:
    """Yield the ideas of the import."""
    for n in range(TOPICS):
        yield {"id": f"i{n}", "title": sentence(4, 9), "body": sentence(40, 90), "lang": "en", "author": f"a{n % 400}",
               "created_at": moment(n), "category": None, "votes": 0, "comments": REPLIES, "status": None}  # fmt: skip


def comments() -> Iterator[dict[str, Any]]:
    """Yield the comments of the import."""
    for n in range(TOPICS * REPLIES):
        yield {"id": f"c{n}", "idea": f"i{n // REPLIES}", "parent": None, "author": f"a{n % 400}", "lang": "en",
               "created_at": moment(TOPICS + n), "body": sentence(12, 40)}  # fmt: skip


def questions() -> Iterator[dict[str, Any]]:
    """Yield the questions and answers of the import."""
    for n in range(TOPICS):
        yield {"id": f"q{n}", "type": "question", "parent": None, "author": f"a{n % 400}", "created_at": moment(n),
               "score": 0, "title": sentence(4, 9), "body": sentence(40, 90), "tags": [], "lang": "en"}  # fmt: skip
        for reply in range(REPLIES):
            yield {"id": f"q{n}a{reply}", "type": "answer", "parent": f"q{n}", "author": f"a{(n + reply) % 400}",
                   "created_at": moment(TOPICS + n), "score": 0, "body": sentence(12, 40),
                   "accepted": None}  # fmt: skip


def fill(environ: dict[str, str]) -> None:
    """Bring everything in by the portal's own imports."""
    folder = Path(tempfile.mkdtemp(prefix="portal-bench-"))
    for kind, rows, board in (
        ("ideas", ideas(), "bench"),
        ("comments", comments(), "bench"),
        ("questions", questions(), "help"),
    ):
        path = folder / f"{kind}.jsonl.gz"
        with gzip.open(path, "wt") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
        portal(environ, "import", kind, str(path), "--board", board, "--json")
    portal(environ, "member", "create", "--email", "bench@example.org", "--name", "Bench", "--kind", "customer",
           "--password", PASSWORD, "--json")  # fmt: skip


def portal(environ: dict[str, str], *words: str) -> None:
    """Run a command of the portal."""
    command = [sys.executable, "-c", "from portal.cli import main; main()", *words]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, check=True, stdout=subprocess.DEVNULL)


def sign_in(port: int) -> dict[str, str]:
    """Return the headers of a browser that has signed in."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True) as browser:
        page = browser.get("/sign-in").text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        form = {"email": "bench@example.org", "password": PASSWORD, "csrf_token": token[1] if token else ""}
        browser.post("/sign-in", data=form, headers={"Referer": f"http://127.0.0.1:{port}/sign-in"})
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
    return {"Cookie": cookies, "Accept-Language": "it"}


def statements(app: Flask, path: str, headers: dict[str, str]) -> int:
    """Count the statements that one page sends to the database."""
    client = app.test_client(use_cookies=False)
    client.get(path, headers=headers)
    with counted_queries() as seen:
        client.get(path, headers=headers)
    return len(seen)


def plain(path: str, headers: dict[str, str]) -> Callable[[int], Request]:
    """Return a maker of GET requests for one path."""
    return lambda _n: ("GET", path, None, headers)


def measure(port: int, master: int, make: Callable[[int], Request], requests: int = REQUESTS) -> Load:
    """Warm up, then measure."""
    load(port, master, make, requests=60)
    return load(port, master, make, requests=requests)


def main() -> None:
    """Print one JSON document."""
    logging.disable(logging.WARNING)
    figures: list[list[Any]] = []

    def note(name: str, measured: Load, target: str = "") -> None:
        row = measured.row()
        figures.append([f"{name}: CPU", row["cpu_ms"], "ms a request", target])
        figures.append(
            [f"{name}: throughput", row["per_second"], f"a second, p50 {row['p50_ms']} ms, p99 {row['p99_ms']} ms", ""]
        )
        if set(measured.statuses) - {200, 304}:
            figures.append([f"{name}: statuses", str(measured.statuses), "", ""])

    with fresh_portal("pages") as app:
        environ = app.config["BENCH_ENVIRON"]
        fill(environ)
        db.session.execute(text("ANALYZE"))
        idea = db.session.execute(text("SELECT id FROM idea ORDER BY id LIMIT 1 OFFSET 1000")).scalar_one()
        question = db.session.execute(text("SELECT id FROM question ORDER BY id LIMIT 1 OFFSET 1000")).scalar_one()
        first = db.session.execute(text("SELECT min(id) FROM idea")).scalar_one()
        db.session.rollback()
        with server("bench.bare:app", environ) as (port, master):
            note("bare Flask", measure(port, master, plain("/", {})))
            note("bare Flask and a point select", measure(port, master, plain("/point", {})))
        with server(None, environ) as (port, master):
            mine = sign_in(port)
            pages = {
                "list of ideas, signed in": ("/boards/bench", mine, "≤ 5"),
                "idea, signed in": (f"/ideas/{idea}", mine, "≤ 6"),
                "list of questions, signed in": ("/boards/help", mine, "≤ 5"),
                "question, signed in": (f"/questions/{question}", mine, "≤ 6"),
                "list of ideas, reader": ("/boards/bench", {}, "≤ 1"),
                "idea, reader": (f"/ideas/{idea}", {}, "≤ 1"),
                "list of ideas, interface": ("/api/v1/ideas?board=bench", {}, ""),
            }
            for name, (path, headers, target) in pages.items():
                note(name, measure(port, master, plain(path, headers)), target)
                figures.append([f"{name}: statements", statements(app, path, headers), "", "fixed"])
            tag = httpx.get(f"http://127.0.0.1:{port}/boards/bench").headers.get("ETag", "")
            note("list of ideas, 304", measure(port, master, plain("/boards/bench", {"If-None-Match": tag})), "≤ 0.7")
            form = httpx.get(f"http://127.0.0.1:{port}/ideas/{idea}", headers=mine).text
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
            body = f"vote=1&csrf_token={token[1] if token else ''}".encode()
            headers = {**mine, "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded",
                       "Referer": f"http://127.0.0.1:{port}/"}  # fmt: skip
            note("vote", measure(port, master, lambda n: ("POST", f"/ideas/{first + n}/vote", body, headers)), "≤ 4")
            _master, *workers = tree(master)
            figures += [
                ["memory of the two workers", round(memory_mb(workers), 1), "MB", "≤ 200"],
                ["memory with gunicorn's master", round(memory_mb([master, *workers]), 1), "MB", ""],
            ]
    print(json.dumps({"name": "pages", "figures": figures}))


if __name__ == "__main__":
    main()
