"""Kill processes at random moments of real work, and count afterwards: acknowledged = stored = counted = in the CRM.

Starts the whole portal with its own servers (and Tryton, with ``--tryton``), lets clients vote and post through the
REST interface, each retrying with its `Idempotency-Key` until it is acknowledged, and kills a worker, the web, Valkey
and PostgreSQL with signal 9, again and again, meanwhile.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.common import ROOT, free_port

VICTIMS = ("worker", "web", "valkey", "postgres")
DEADLINE = 120.0
PORTAL = [sys.executable, "-c", "from portal.cli import main; main()"]


class Machine:
    """One `portal up` and the processes below it."""

    def __init__(self, *, tryton: bool) -> None:
        self.port = free_port()
        self.data = Path(tempfile.mkdtemp(prefix="portal-chaos-"))
        plain = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
        self.environ = {**plain, "PORTAL_PORT": str(self.port), "PORTAL_DATA_DIR": str(self.data), "PORTAL_DEMO": "0",
                        "PORTAL_CRM": "tryton" if tryton else "none"}  # fmt: skip
        self.url = f"http://127.0.0.1:{self.port}"
        self.killed: Counter[str] = Counter()

    @contextmanager
    def running(self) -> Iterator["Machine"]:
        """Start everything, and end it."""
        log = (self.data / "up.log").open("wb")
        up = subprocess.Popen(
            [*PORTAL, "up"], cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
        )
        try:
            self.wait_until_ready()
            yield self
        finally:
            up.terminate()
            up.wait(30)

    def wait_until_ready(self) -> None:
        """Return once the pages, the database and the broker answer.

        :raise TimeoutError: when they do not within the deadline.
        """
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=3).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        raise TimeoutError((self.data / "up.log").read_text()[-2000:])

    def command(self, *words: str) -> Any:
        """Run a command of the portal and return the JSON it prints."""
        done = subprocess.run(
            [*PORTAL, *words, "--json"], cwd=ROOT, env=self.environ, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    def pids(self, victim: str) -> list[int]:
        """Return the processes of this machine that match: by their command line and our data folder."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                environ = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            line = " ".join(words)
            ours = str(self.data) in environ or str(self.data) in line
            if ours and _is(victim, line):
                found.append(int(entry.name))
        return found

    def kill(self, victim: str) -> None:
        """Send signal 9 to one process of a kind."""
        pids = self.pids(victim)
        if pids:
            os.kill(random.choice(pids), signal.SIGKILL)
            self.killed[victim] += 1


def _is(victim: str, line: str) -> bool:
    match victim:
        case "worker":
            return "local background" in line  # workers, clock and live updates, and the process that forks them
        case "web":
            return "gunicorn" in line or " serve" in line
        case "valkey":
            return "valkey-server" in line or "redis-server" in line
        case _:
            return ("/bin/postgres" in line and " -D" in line) or line.startswith("postgres:")


class Client:
    """One member who votes and posts, and asks again until she has her answer."""

    def __init__(self, machine: Machine, token: str, number: int) -> None:
        self.machine, self.number, self.posted, self.voted = machine, number, [], []
        self.http = httpx.Client(
            base_url=f"{machine.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=10
        )

    def send(self, method: str, path: str, key: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send until it is acknowledged.

        :raise TimeoutError: when that takes too long.
        """
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            try:
                answer = self.http.request(method, path, json=body, headers={"Idempotency-Key": key})
                if answer.status_code < 300:
                    return dict(answer.json())
                if answer.status_code not in {409, 429, 500, 502, 503, 504}:
                    raise RuntimeError(answer.text)
            except httpx.HTTPError:
                pass
            time.sleep(random.uniform(0.05, 0.3))
        raise TimeoutError(path)

    def work(self, ideas: list[int], posts: int) -> None:
        """Vote on every idea and post some, mixed."""
        acts: list[int | None] = [*ideas, *([None] * posts)]
        random.Random(self.number).shuffle(acts)
        for turn, idea in enumerate(acts):
            if idea is None:
                body = {"board": "chaos", "title": f"Idea {self.number}-{turn}", "body": "Written while things break."}
                self.posted.append(self.send("POST", "/ideas", f"post-{self.number}-{turn}", body)["id"])
            else:
                self.send("PUT", f"/ideas/{idea}/vote", f"vote-{self.number}-{turn}")
                self.voted.append(idea)
            time.sleep(random.uniform(0.2, 1.5))


def prepare(machine: Machine, clients: int, ideas: int) -> tuple[list[Client], list[int]]:
    """Make the board, its members and the ideas they will vote on."""
    lines = "\n".join(json.dumps({"id": f"i{n}", "title": f"Vote for me {n}", "body": "Please.", "author": "someone",
                                  "created_at": "2026-01-01T00:00:00Z", "votes": 0}) for n in range(ideas))  # fmt: skip
    source = machine.data / "ideas.jsonl"
    source.write_text(lines + "\n")
    machine.command("import", "ideas", str(source), "--board", "chaos")
    people = []
    for number in range(clients):
        email = f"client{number}@example.org"
        machine.command("member", "create", "--email", email, "--name", f"Client {number}", "--kind", "customer",
                        "--password", "a long pass phrase for chaos")  # fmt: skip
        token = machine.command("token", "create", "--email", email, "--scopes", "read,write")["token"]
        people.append(Client(machine, token, number))
    listed = people[0].send("GET", "/ideas?board=chaos&sort=newest", "list")
    found = [idea["id"] for idea in listed["items"]]
    while listed.get("next") and len(found) < ideas:
        listed = people[0].send("GET", f"/ideas?board=chaos&sort=newest&cursor={listed['next']}", "list")
        found += [idea["id"] for idea in listed["items"]]
    return people, found[:ideas]


def count(machine: Machine, people: list[Client], ideas: list[int]) -> dict[str, Any]:
    """Compare what was acknowledged with what is stored, counted and told."""
    from sqlalchemy import create_engine, text

    from portal.local.places import places

    acknowledged = {"votes": sum(len(p.voted) for p in people), "posts": sum(len(p.posted) for p in people)}
    engine = create_engine(places(machine.data).database_url)
    questions = {
        "votes": "SELECT count(*) FROM vote",
        "votes in the ledger": "SELECT count(*) FROM vote_entry",
        "votes in tallies": "SELECT coalesce(sum(votes), 0)::bigint FROM idea_tally",
        "votes in the record": "SELECT count(*) FROM activity WHERE name = 'VoteCast'",
        "posts": "SELECT count(*) FROM idea WHERE title LIKE 'Idea %'",
        "posts in the record": "SELECT count(*) FROM activity WHERE name = 'IdeaPosted' AND payload->>'idea_id' IN"
        " (SELECT id::text FROM idea WHERE title LIKE 'Idea %')",
        "promises left": "SELECT count(*) FROM promise",
    }
    with engine.connect() as connection:
        stored = {what: connection.execute(text(question)).scalar_one() for what, question in questions.items()}
    shown = [people[0].send("GET", f"/ideas/{idea}", "show")["votes"] for idea in ideas]
    return {"acknowledged": acknowledged, "stored": stored, "votes shown": sum(shown)}


def told(machine: Machine) -> dict[str, int]:
    """Return what the Tryton server itself knows: votes and ideas, summed over its parties."""
    import configparser

    from portal.crm.gateways.tryton import Rpc
    from portal.local import tryton

    config = configparser.ConfigParser(interpolation=None)
    config.read(machine.data / "tryton" / "trytond.conf")
    fields = ["portal_votes", "portal_ideas_submitted"]
    with Rpc("http://" + config["web"]["listen"], tryton.DATABASE, tryton.ADMIN, tryton.PASSWORD) as rpc:
        rows = rpc.call("model.party.party.search_read", [], 0, None, None, fields)
    return {name: sum(row[name] or 0 for row in rows) for name in fields}


def main() -> None:
    """Print one JSON document."""
    words = argparse.ArgumentParser()
    words.add_argument("--clients", type=int, default=20)
    words.add_argument("--votes", type=int, default=500)
    words.add_argument("--posts", type=int, default=100)
    words.add_argument("--kills", type=int, default=16, help="processes to kill, one kind after the other")
    words.add_argument("--pause", type=float, default=3.0, help="seconds between two kills, on average")
    words.add_argument("--tryton", action="store_true")
    asked = words.parse_args()
    with Machine(tryton=asked.tryton).running() as machine:
        people, ideas = prepare(machine, asked.clients, asked.votes // asked.clients)
        threads = [threading.Thread(target=p.work, args=(ideas, asked.posts // asked.clients)) for p in people]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for turn in range(asked.kills):
            time.sleep(random.uniform(0.5, 1.5) * asked.pause)
            machine.kill(VICTIMS[turn % len(VICTIMS)])
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - began
        machine.wait_until_ready()
        settle = time.monotonic() + DEADLINE
        result = count(machine, people, ideas)
        while result["stored"]["promises left"] and time.monotonic() < settle:
            time.sleep(2)
            result = count(machine, people, ideas)
        result |= {"name": "chaos", "killed": dict(machine.killed), "seconds": round(seconds, 1)}
        if asked.tryton:
            until = time.monotonic() + DEADLINE
            wanted = {"portal_votes": result["acknowledged"]["votes"], "portal_ideas_submitted": asked.posts}
            while (known := told(machine)) != wanted and time.monotonic() < until:
                time.sleep(2)
            result["in the CRM"] = known
            result["crm"] = machine.command("crm", "status")
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
