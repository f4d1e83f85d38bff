"""What pages cost with a million ideas and ten million votes, against ten thousand ideas and a hundred thousand votes.

Both portals are served side by side and asked by turns, so that a busy machine slows both alike. The databases are kept
for the next run (filling the large one takes minutes); ``--anew`` makes them again.
"""

import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
from flask import Flask
from sqlalchemy import text

from bench.common import fresh_portal, server
from bench.pages import sentence
from portal.community import facade as community
from portal.kernel.database import db, transaction
from portal.members import services as members
from portal.members.signing.passwords import hash_password

SIZES = {"small": 10_000, "large": 1_000_000}
MEMBERS = 5_000
PASSWORD = "a long pass phrase to measure with"
ROUNDS, WARM = 120, 15
TEXTS = 500
PAGES = {
    "newest": "/boards/bench?sort=newest",
    "rising": "/boards/bench?sort=rising",
    "wanted": "/boards/bench?sort=wanted",
    "explore": "/boards/bench?sort=explore",
    "rising, one stage": "/boards/bench?sort=rising&stage=planned",
    "second page": "",
    "one idea": "",
    "vote": "",
}
FILL = (
    """INSERT INTO member (name, kind, active, lang, job, city, country, bio, joined_at, placeholder)
       SELECT 'Member ' || n, 'customer', true, 'en', '', '', '', '', now() - interval '2 years', false
       FROM generate_series(1, :members) AS n""",
    """INSERT INTO idea (id, board_id, author_id, title, body, html, excerpt, lang, category, created_at)
       SELECT n, :board, :first + n % :members, t.title || ' ' || n, t.body, '<p>' || t.body || '</p>',
              left(t.body, 160), 'en', '', now() - n * interval '30 seconds'
       FROM generate_series(1, :ideas) AS n JOIN sample AS t ON t.place = n % :texts""",
    """INSERT INTO idea_tally (idea_id, board_id, author_id, created_at, stage, listed, votes, effective_votes,
           not_for_me, skips, imported_support, comments, viewers, viewers_owed, rising, rising_seq, wanted,
           last_activity_at, ledger_seq, ledger_hash)
       SELECT id, board_id, author_id, created_at,
              (ARRAY['submitted', 'submitted', 'submitted', 'review', 'planned', 'making', 'shipped', 'declined'])
                  [1 + id % 8],
              true, 1 + id % 19, 1 + id % 19, 0, 0, 0, 0, 40 + id % 97, greatest(0, 30 - id % 131),
              extract(epoch FROM created_at) / 1209600 + ln(1 + id % 19), 1 + id % 19,
              (1 + id % 19)::float / (40 + id % 97), created_at, 1 + id % 19, ''
       FROM idea""",
    """INSERT INTO vote (idea_id, member_id, kind, at, fresh, young)
       SELECT n, :first + (n::bigint * 7919 + k * 31) % :members, 'support', now() - n * interval '30 seconds', false,
              false
       FROM generate_series(1, :ideas) AS n, generate_series(1, 1 + n % 19) AS k""",
    """INSERT INTO vote_entry (idea_id, seq, member_id, action, kind, at, origin, verified, tenure_days, hash)
       SELECT n, k, :first + (n::bigint * 7919 + k * 31) % :members, 'cast', 'support',
              now() - n * interval '30 seconds', 'newest', true, 400, ''
       FROM generate_series(1, :ideas) AS n, generate_series(1, 1 + n % 19) AS k""",
    """INSERT INTO idea_day (idea_id, day, votes)
       SELECT n, current_date - (n + d * 5)::integer % 84, 3
       FROM generate_series(1, :ideas) AS n, generate_series(1, 3) AS d ON CONFLICT DO NOTHING""",
    """INSERT INTO idea_stage (idea_id, stage, at, by_id)
       SELECT idea_id, stage, created_at, author_id FROM idea_tally""",
    """INSERT INTO idea_count (board_id, facet, key, ideas)
       SELECT board_id, 'stage', stage, count(*) FROM idea_tally GROUP BY board_id, stage""",
    "SELECT setval(pg_get_serial_sequence('idea', 'id'), :ideas)",
)


def fill(ideas: int) -> None:
    """Write so many ideas and ten times as many votes, past the services: what is measured is reading."""
    with transaction():
        board = community.open_board("bench", kind="ideas", name="Bench").id
        members.create_member(email="bench@example.org", name="Bench", password_hash=hash_password(PASSWORD))
    with db.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # no foreign keys are checked
        connection.execute(text("CREATE TEMPORARY TABLE sample (place bigint, title text, body text)"))
        samples = [{"place": n, "title": sentence(4, 9), "body": sentence(40, 90)} for n in range(TEXTS)]
        connection.execute(text("INSERT INTO sample VALUES (:place, :title, :body)"), samples)
        first = connection.execute(text("SELECT max(id) + 1 FROM member")).scalar_one()
        values = {"members": MEMBERS, "board": board, "first": first, "ideas": ideas, "texts": TEXTS}
        for statement in FILL:
            connection.execute(text(statement), values)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def filled(app: Flask, ideas: int) -> None:
    """Fill a portal unless it is filled."""
    with app.app_context():
        if db.session.scalar(text("SELECT count(*) FROM vote")) == 0:
            db.session.rollback()
            fill(ideas)
        db.session.remove()


class Reader:
    """Somebody who has signed in and reads over one kept connection."""

    def __init__(self, port: int) -> None:
        self.browser = httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True, timeout=60)
        self.browser.headers["Referer"] = f"http://127.0.0.1:{port}/"
        form = {"email": "bench@example.org", "password": PASSWORD, "csrf_token": self.token("/sign-in")}
        self.browser.post("/sign-in", data=form)
        self.next = 1
        self.secret = self.token("/ideas/1")
        listed = self.get(PAGES["rising"])
        self.after = re.findall(r'href="([^"]*cursor=[^"]+)"', listed)[-1].replace("&amp;", "&")

    def token(self, path: str) -> str:
        """Return the token of the forms of a page."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(path))
        return found[1] if found else ""

    def get(self, path: str) -> str:
        """Return a page.

        :raise httpx.HTTPStatusError: when it is none.
        """
        return self.browser.get(path).raise_for_status().text

    def do(self, name: str) -> None:
        """Ask for one of `PAGES`."""
        self.next = (self.next + 8 * 37) % SIZES["small"]  # every eighth one is in the same, open stage
        if name == "vote":
            headers = {"HX-Request": "true"}
            form = {"vote": "1", "csrf_token": self.secret}
            self.browser.post(f"/ideas/{self.next}/vote", data=form, headers=headers).raise_for_status()
        else:
            self.get({"second page": self.after, "one idea": f"/ideas/{self.next}"}.get(name, PAGES[name]))


def timed(do: Callable[[], None]) -> float:
    """Return how many ms something took."""
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def compared(name: str, readers: dict[str, Reader]) -> list[Any]:
    """Ask both for a page by turns; return the ratio of the medians."""
    spent: dict[str, list[float]] = {size: [] for size in readers}
    for _ in range(ROUNDS + WARM):
        for size, reader in readers.items():
            spent[size].append(timed(lambda reader=reader: reader.do(name)))  # type: ignore[misc]
    small, large = (statistics.median(spent[size][WARM:]) for size in SIZES)
    print(f"{name}: {small:.2f} ms, {large:.2f} ms", file=sys.stderr)
    return [f"{name}, large / small", round(large / small, 2), f"{large:.1f} / {small:.1f} ms", "≤ 1.2"]


def main() -> None:
    """Measure and print."""
    keep = "--anew" not in sys.argv
    with ExitStack() as stack:
        readers = {}
        for size, ideas in SIZES.items():
            app = stack.enter_context(fresh_portal(f"scale_{size}", keep=keep))
            filled(app, ideas)
            port, _ = stack.enter_context(server(None, app.config["BENCH_ENVIRON"]))
            readers[size] = Reader(port)
        figures = [compared(name, readers) for name in PAGES]
    print(json.dumps({"name": "scale", "figures": figures}))


if __name__ == "__main__":
    main()
