"""Ten thousand notifications by mail, while the mail server goes away twice: each must arrive once.

One decision about an idea is told to all who support it. The server is a real one on loopback; it is stopped in the
middle of its conversations when a third and two thirds have arrived, and started again on the same port a while later.
The mails are sent by two processes of their own. With ``kill`` as a second word they are killed (-9) twice instead, or
as many times as a third word says: what was going out at that moment is doubtful and is not sent again, and it is
counted how many of those arrived.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import text

from bench.common import cpu_seconds, fresh_portal
from portal.app import create_app
from portal.community import facade as community
from portal.ideas import facade as ideas
from portal.kernel import projections
from portal.kernel.database import db, transaction
from portal.members.policy import Viewer
from portal.notifications import queries, sending
from portal.notifications.services import delivering
from tests.notifications.mailbox import Mailbox

SENDER, SENDERS = "--sender", 2
AWAY_SECONDS = 3.0


def supporters(count: int) -> int:
    """Make an idea and those who support it, each of whom wants a mail; return the idea."""
    with transaction():
        db.session.execute(
            text("""
                INSERT INTO member (name, email, email_verified_at, active, kind, lang, job, city, country, bio,
                                    joined_at, placeholder)
                SELECT 'Member ' || n, 'member' || n || '@example.org', now(), true, 'customer',
                       CASE WHEN n % 2 = 0 THEN 'it' ELSE 'en' END, '', '', '', '', now() - interval '1 year', false
                FROM generate_series(0, :count) AS n"""),
            {"count": count},
        )
        author = db.session.scalars(text("SELECT min(id) FROM member")).one()
        board = community.open_board("wool", kind="ideas", name="Wool")
        idea = ideas.propose_idea(
            Viewer(member_id=author, kind="customer", verified=True), board=board.key, title="Hot"
        )
    with transaction():
        rows = {"idea": idea, "author": author}
        db.session.execute(
            text("""
                INSERT INTO vote (idea_id, member_id, kind, fresh, young, at)
                SELECT :idea, id, 'support', false, false, now() FROM member WHERE id <> :author"""),
            rows,
        )
        db.session.execute(
            text("""
                INSERT INTO notification_choice (member_id, kind, way, wanted)
                SELECT id, 'stage', 'mail', true FROM member WHERE id <> :author"""),
            rows,
        )
    return int(idea)


def decide(idea: int) -> None:
    """Let the company decide."""
    with transaction():
        author = db.session.scalars(text("SELECT min(id) FROM member")).one()
        manager = Viewer(member_id=author, kind="staff", roles=frozenset({"brand_manager"}), verified=True)
        ideas.set_stage(idea, manager, stage="planned", answer="We begin in May.")


def send_until_nothing_waits() -> None:
    """Send, in the process of its own; a server that is away is asked again soon."""
    with create_app(dict(os.environ)).app_context():
        while queries.states().get(("mail", "waiting")):
            db.session.rollback()
            if not sending.send_mails(3600):
                time.sleep(0.2)


@contextmanager
def senders(app: Flask, box: Mailbox) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Yield the processes that send."""
    environ = {**os.environ, **app.config["BENCH_ENVIRON"], "PORTAL_MAIL_URL": box.url}
    command = [sys.executable, "-m", "bench.notices", SENDER]
    processes = [subprocess.Popen(command, env=environ) for _ in range(SENDERS)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def nobody_waits_for_the_clock() -> None:
    """Let the leases, the pauses and the time after which a dead worker is doubted pass."""
    with transaction():
        db.session.execute(text("UPDATE notification_delivery SET due_at = now() WHERE state = 'waiting'"))
        db.session.execute(
            text("UPDATE notification_delivery SET began_at = now() - interval '1 hour' WHERE state = 'sending'")
        )
    with transaction():
        delivering.doubt()


def wait_for(box: Mailbox, count: int, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait until so many mails have arrived, or nobody sends any more."""
    while len(box.raw) < count and any(process.poll() is None for process in processes):
        time.sleep(0.002)


def with_a_server_that_goes_away(app: Flask, box: Mailbox, count: int) -> tuple[list[int], float]:
    """Send all, the server being stopped twice; return after how many mails, and the senders' CPU seconds."""
    stopped: list[int] = []
    with senders(app, box) as processes:
        for stop in (count // 3, count * 2 // 3):
            wait_for(box, stop, processes)
            box.stop()
            stopped.append(len(box.raw))
            time.sleep(AWAY_SECONDS)
            box.start()
        cpu = 0.0
        while all(process.poll() is None for process in processes):
            cpu = max(cpu, cpu_seconds([process.pid for process in processes]))
            time.sleep(0.2)
        for process in processes:
            process.wait()
    return stopped, cpu


def with_a_sender_that_is_killed(app: Flask, box: Mailbox, count: int, kills: int) -> list[int]:
    """Send all, the senders being killed so many times; return after how many mails."""
    killed: list[int] = []
    for number in range(1, kills + 1):
        with senders(app, box) as processes:
            wait_for(box, count * number // (kills + 1), processes)
            for process in processes:
                process.send_signal(signal.SIGKILL)
                process.wait()
        killed.append(len(box.raw))
        nobody_waits_for_the_clock()
    with senders(app, box) as processes:
        for process in processes:
            process.wait()
    return killed


def main(count: int = 10_000, kills: int = 0) -> dict[str, object]:
    """Tell, send, count."""
    box = Mailbox().start()
    with fresh_portal("notices") as app:
        idea = supporters(count)
        decide(idea)
        cpu = time.process_time()
        while not queries.states():  # facts wait for older transactions of the server, also of other databases
            projections.advance("notifications")
        telling = time.process_time() - cpu
        nobody_waits_for_the_clock()
        began, figures = time.monotonic(), []
        if kills:
            killed = with_a_sender_that_is_killed(app, box, count, kills)
            figures.append(["senders killed (-9) after mails", ", ".join(map(str, killed)), "", ""])
        else:
            stopped, spent = with_a_server_that_goes_away(app, box, count)
            figures += [
                ["server went away after mails", ", ".join(map(str, stopped)), "", "twice"],
                ["sending, CPU a mail", round(1000 * spent / count, 2), "ms", ""],
            ]
        lasted = time.monotonic() - began
        arrived = Counter(to for to, _raw in box.raw)
        db.session.rollback()
        states = {f"{way} {state}": number for (way, state), number in queries.states().items()}
        doubtful = text("""
            SELECT m.email FROM notification_delivery d JOIN member m ON m.id = d.member_id
            WHERE d.state = 'doubtful'""")
        in_doubt = list(db.session.scalars(doubtful))
    box.stop()
    return {
        "name": "notices",
        "figures": [
            ["notifications by mail", count, "", ""],
            *figures,
            ["members who got theirs", len(arrived), "", f"{count:,}"],
            ["mails that arrived", len(box.raw), "", f"{count:,}"],
            ["most for one member", max(arrived.values()), "", "1"],
            ["different Message-IDs", len({mail["Message-ID"] for mail in box.mails}), "", f"{count:,}"],
            ["states at the end", json.dumps(states), "", "all sent" if not kills else "the rest doubtful"],
            ["doubtful, of which arrived", f"{len(in_doubt)}, {sum(arrived[to] for to in in_doubt)}", "", ""],
            ["neither arrived nor doubtful", count - len(arrived.keys() | set(in_doubt)), "", "0"],
            ["telling, CPU", round(telling, 2), "s", ""],
            ["mails a second", round(count / lasted), "", ""],
            ["all of it", round(lasted), "s", ""],
        ],
    }


if __name__ == "__main__":
    words = sys.argv[1:]
    if SENDER in words:
        send_until_nothing_waits()
    else:
        mails = int(words[0]) if words else 10_000
        print(json.dumps(main(mails, int(words[2]) if len(words) > 2 else 2 if "kill" in words else 0)))
