"""Votes on one hot idea: 50 clients over HTTP, then the very same statements by bare psycopg on the same database.

Every vote is another member's. The count must be exact and every answer good; the throughput is compared with what
PostgreSQL gives to 50 connections that send, and commit, the statements of one vote and nothing else.
"""

import hashlib
import json
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from flask import Flask
from psycopg.types.json import Jsonb
from sqlalchemy import event, text

from bench.common import Request, fresh_portal, load, server
from portal.community import facade as community
from portal.ideas import facade as ideas
from portal.kernel.database import db
from portal.members.policy import Viewer

CLIENTS, VOTES, PROCESSES = 50, 3000, 2
FIRST = 5_000_001
"""Ids of voters begin here, so that they can be told from other numbers in the statements."""


def digest(number: int) -> str:
    """Return what is kept of a voter's token."""
    return hashlib.sha256(f"token-{number}".encode()).hexdigest()


def voters(count: int, first: int) -> None:
    """Make members with a token each."""
    db.session.execute(
        text("""
            INSERT INTO member
                (id, name, email, email_verified_at, active, kind, lang, job, city, country, bio, joined_at,
                 placeholder)
            SELECT n, 'Voter ' || n, 'voter' || n || '@example.org', now(), true, 'customer', 'en', '', '', '', '',
                   now() - interval '1 year', false
            FROM generate_series(CAST(:first AS bigint), :last) AS n"""),
        {"first": first, "last": first + count - 1},
    )
    rows = [{"m": first + n, "d": digest(first + n)} for n in range(count)]
    db.session.execute(
        text("""
            INSERT INTO api_token (member_id, name, digest, scopes, created_at, used_at)
            VALUES (:m, 'bench', :d, '{read,write}', now(), now())"""),
        rows,
    )
    db.session.commit()


def hot_idea() -> int:
    """Open a board and propose the idea that everybody will vote on; return its id."""
    author = db.session.scalars(text("SELECT min(id) FROM member")).one()
    board = community.open_board(f"hot-{time.monotonic_ns()}", kind="ideas", name="Hot").key
    idea = ideas.propose_idea(Viewer(member_id=author, kind="customer", verified=True), board=board, title="Hot")
    db.session.commit()
    return idea


def statements_of_a_vote(app: Flask, idea: int, voter: int) -> list[tuple[str, dict[str, Any]]]:
    """Vote once over the interface inside this process; return the statements it sent."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        seen.append((statement, dict(values)))

    client = app.test_client()
    headers = {"Authorization": f"Bearer token-{voter}"}
    event.listen(db.engine, "before_cursor_execute", note)
    answer = client.put(f"/api/v1/ideas/{idea}/vote", headers=headers)
    event.remove(db.engine, "before_cursor_execute", note)
    if answer.status_code != 200:
        raise SystemExit(answer.get_data(as_text=True))
    return seen


def replay(
    url: str, plan: Sequence[tuple[str, dict[str, Any]]], known: dict[Any, Any], mine: Sequence[int], errors: Any
) -> None:
    """Vote by bare statements, one voter after the other, each in a transaction."""
    with psycopg.connect(url, prepare_threshold=1) as connection:
        for voter in mine:
            changed = {known["voter"]: voter, known["digest"]: digest(voter)}
            try:
                for statement, values in plan:
                    connection.execute(statement, {name: _value(value, changed) for name, value in values.items()})
                connection.commit()
            except psycopg.Error:
                connection.rollback()
                errors.value += 1


def _value(value: Any, changed: dict[Any, Any]) -> Any:
    if isinstance(value, dict):
        return Jsonb(value)
    return changed.get(value, value) if isinstance(value, int | str) else value


def _process(url: str, plan: Any, known: Any, share: Sequence[Sequence[int]], gate: Any, errors: Any) -> None:
    threads = [threading.Thread(target=replay, args=(url, plan, known, mine, errors)) for mine in share]
    gate.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def bare(url: str, plan: Sequence[tuple[str, dict[str, Any]]], known: dict[Any, Any], count: int) -> tuple[float, int]:
    """Send the statements over as many connections; return votes a second and how many failed."""
    context = multiprocessing.get_context("spawn")
    gate, errors = context.Barrier(PROCESSES + 1), context.Value("i", 0)
    first = known["first"]
    shares = [
        [range(first + c, first + count, CLIENTS) for c in range(p, CLIENTS, PROCESSES)] for p in range(PROCESSES)
    ]
    processes = [context.Process(target=_process, args=(url, plan, known, share, gate, errors)) for share in shares]
    for process in processes:
        process.start()
    gate.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    return count / (time.perf_counter() - began), errors.value


def counted(idea: int) -> int:
    """Return the count that is shown."""
    db.session.rollback()
    return int(db.session.scalar(text("SELECT votes FROM idea_tally WHERE idea_id = :i"), {"i": idea}) or 0)


def main() -> None:
    """Print one JSON document."""
    logging.disable(logging.WARNING)
    figures: list[list[Any]] = []
    with fresh_portal("votes") as app:
        voters(2 * VOTES + 1, FIRST)
        over_http, over_sql = hot_idea(), hot_idea()
        environ = app.config["BENCH_ENVIRON"]

        def vote(number: int) -> Request:
            headers = {"Authorization": f"Bearer token-{FIRST + number}"}
            return "PUT", f"/api/v1/ideas/{over_http}/vote", None, headers

        with server(None, environ) as (port, master):
            measured = load(port, master, vote, requests=VOTES, clients=CLIENTS)
        row = measured.row()
        sample = FIRST + 2 * VOTES
        plan = statements_of_a_vote(app, over_sql, sample)
        known = {"voter": sample, "digest": digest(sample), "first": FIRST + VOTES}
        db.session.rollback()
        url = environ["DATABASE_URL"].replace("postgresql+psycopg", "postgresql")
        bare_per_second, failed = bare(url, plan, known, VOTES)
        good = measured.statuses.get(200, 0)
        bad = ideas.first_bad_entry()
        figures += [
            ["votes over HTTP", row["per_second"], f"a second, p50 {row['p50_ms']} ms, p99 {row['p99_ms']} ms", ""],
            ["CPU a vote", row["cpu_ms"], "ms", "≤ 4"],
            ["good answers", good, f"of {VOTES}", str(VOTES)],
            ["count shown", counted(over_http), "votes", str(VOTES)],
            ["statements a vote", len(plan), "", ""],
            ["bare PostgreSQL, same statements", round(bare_per_second, 1), f"a second, {failed} failed", ""],
            ["count after the bare ones", counted(over_sql), "votes", str(VOTES + 1)],
            ["ours / bare", round(row["per_second"] / bare_per_second, 2), "", "≥ 0.5"],
            ["ledger", "sound" if bad is None else f"{bad}", "", "sound"],
        ]
    print(json.dumps({"name": "votes", "figures": figures}))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", ".")
    main()
