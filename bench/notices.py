"""Ten thousand notifications by mail, while the mail server goes away twice: each must arrive once.

One decision about an idea is told to all who support it. The server is a real one on loopback; it is stopped in the
middle of its conversations when a third and two thirds have arrived, and started again on the same port a while later.
"""

import json
import sys
import threading
import time
from collections import Counter

from flask import Flask
from sqlalchemy import text

from bench.common import fresh_portal
from portal.community import facade as community
from portal.ideas import facade as ideas
from portal.kernel import projections
from portal.kernel.database import db, transaction
from portal.members.policy import Viewer
from portal.notifications import queries, sending
from tests.notifications.mailbox import Mailbox

NOTIFICATIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
STOPS = (NOTIFICATIONS // 3, NOTIFICATIONS * 2 // 3)
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


class Trouble(threading.Thread):
    """Stops the server when so many mails have arrived, and starts it again."""

    def __init__(self, box: Mailbox) -> None:
        super().__init__(daemon=True)
        self.box = box
        self.stopped_at: list[int] = []

    def run(self) -> None:
        """Wait, stop, wait, start; twice."""
        for stop in STOPS:
            while len(self.box.raw) < stop:
                time.sleep(0.002)
            self.box.stop()
            self.stopped_at.append(len(self.box.raw))
            time.sleep(AWAY_SECONDS)
            self.box.start()


def send_all(app: Flask, box: Mailbox) -> tuple[float, float, int]:
    """Send until nothing waits; return CPU and wall seconds, and how often the server was found away."""
    app.config["PORTAL_MAIL_URL"] = box.url
    cpu, wall, away = time.thread_time(), time.monotonic(), 0
    while queries.states().get(("mail", "waiting")):
        db.session.rollback()
        if not sending.send_mails(3600) and len(box.raw) < NOTIFICATIONS:
            away += 1
            time.sleep(0.5)
    return time.thread_time() - cpu, time.monotonic() - wall, away


def main() -> dict[str, object]:
    """Tell, send, count."""
    box = Mailbox().start()
    with fresh_portal("notices") as app:
        idea = supporters(NOTIFICATIONS)
        decide(idea)
        cpu = time.process_time()
        while not queries.states():  # facts wait for older transactions of the server, also of other databases
            projections.advance("notifications")
        telling = time.process_time() - cpu
        with transaction():
            db.session.execute(text("UPDATE notification_delivery SET due_at = now()"))
        trouble = Trouble(box)
        trouble.start()
        spent, lasted, away = send_all(app, box)
        states = {f"{way} {state}": count for (way, state), count in queries.states().items()}
    box.stop()
    arrived = Counter(to for to, _raw in box.raw)
    ids = {mail["Message-ID"] for mail in box.mails}
    return {
        "name": "notices",
        "figures": [
            ["notifications by mail", NOTIFICATIONS, "", ""],
            ["server went away after mails", ", ".join(map(str, trouble.stopped_at)), "", "twice"],
            ["found it away", away, "times", ""],
            ["members who got theirs", len(arrived), "", f"{NOTIFICATIONS:,}"],
            ["mails that arrived", len(box.raw), "", f"{NOTIFICATIONS:,}"],
            ["most for one member", max(arrived.values()), "", "1"],
            ["different Message-IDs", len(ids), "", f"{NOTIFICATIONS:,}"],
            ["states at the end", json.dumps(states), "", "all sent"],
            ["telling, CPU", round(telling, 2), "s", ""],
            ["sending, CPU a mail", round(1000 * spent / NOTIFICATIONS, 2), "ms", ""],
            ["sending, mails a second", round(NOTIFICATIONS / lasted), "", ""],
        ],
    }


if __name__ == "__main__":
    print(json.dumps(main()))
