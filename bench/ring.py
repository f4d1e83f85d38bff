"""What a ring of throw-away accounts buys on real boards, with and without bridges to people who are trusted.

``IDEAS``, ``COMMENTS`` and ``QUESTIONS`` in the environment name the files (see `importing`). Times are moved: the
last day of the questions is yesterday, and so is the busiest fortnight's end of the ideas; what came later is left out.
Imported support has no voters; therefore each comment in favour of an idea is taken as its author's vote. Nobody of an
imported board is known to the company, so somebody must be made known: one in three of those who asked or commented
becomes a contact of the CRM, and so does who proposed for the city, an organisation or a meeting.

The ring: one account that is to rise; the others propose, vote, ask, accept and thank in a circle, thirty acceptances
and more for the one, on nine days. A bridge is a known member who does one thing: accepts an answer of the ring or,
by turns, votes for its idea. Each case runs in a transaction that is given up.

What holds a ring back must not silence newcomers: the lists of the same boards without a ring are compared with and
without the rule for young votes, as they are (a voter is young for 14 days after her first vote), and as if the
community had opened a fortnight ago, when everybody is young.
"""

import gzip
import json
import logging
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr
from sqlalchemy import select, text

from bench.common import fresh_portal
from bench.importing import imported, made_up, written
from portal.analytics import courses
from portal.analytics.models import Expertise
from portal.analytics.reputation import queries as reputation
from portal.analytics.reputation.projections import write_ledger
from portal.analytics.reputation.services import trust
from portal.analytics.services import expertise
from portal.ideas import ledger, ranking
from portal.ideas import services as ideas
from portal.ideas.projections import keep_lists
from portal.kernel.clock import now
from portal.kernel.database import db, transaction
from portal.kernel.outbox import event_of
from portal.kernel.projections import FactRow, advance
from portal.members import services as members
from portal.members.policy import Viewer
from portal.members.queries import viewer_of
from portal.support import services as support

BOARDS = {"ideas": "bench", "questions": "bench-support"}
SIZES, BRIDGES = (10, 50), (0, 1, 3, 5)
DAYS, ACCEPTANCES, KNOWN = 9, 30, 3
FORTNIGHT = timedelta(days=14)
FIRST = 20
chance = random.Random(11)


def main() -> None:
    """Print one JSON document."""
    logging.disable(logging.WARNING)
    with fresh_portal("ring") as app:
        _bring_in(app.config["BENCH_ENVIRON"])
        figures = [[name, value, "", ""] for name, value in _community().items()]
        figures += [row for launch in (False, True) for row in _honest(launch=launch)]
        for confirmed in (False, True):
            for size in SIZES:
                for bridges in BRIDGES:
                    found = _case(size, bridges, confirmed=confirmed)
                    sys.stderr.write("\n".join(f"{what}: {value} {unit}" for what, value, unit, _ in found) + "\n")
                    figures += found
    print(json.dumps({"name": "ring", "figures": figures}))


# The boards


def _bring_in(environ: dict[str, str]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="portal-bench-"))
    files = made_up(folder)
    files |= {kind: Path(os.environ[kind.upper()]) for kind in files if os.environ.get(kind.upper())}
    lines = {kind: list(_rows(path)) for kind, path in files.items()}
    _to_today(lines["questions"])
    _at_the_busiest(lines)
    _to_today([*lines["ideas"], *lines["comments"]])
    for kind in ("ideas", "comments", "questions"):
        imported(environ, kind, written(folder / f"moved-{kind}.jsonl.gz", lines[kind]))
    _advance()
    with transaction():
        _make_known(lines["ideas"])
        _votes_of(lines["comments"])
        _topics()
    _advance()


def _advance() -> None:
    """Let those projections read that the figures come from; search and the others are not needed here."""
    for name in ("analytics.figures", "analytics.reputation", "ideas.lists"):
        advance(name)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    reader = gzip.open if path.suffix == ".gz" else open
    with reader(path, "rt", encoding="utf-8") as found:
        for line in found:
            yield json.loads(line)


def _to_today(rows: list[dict[str, Any]]) -> None:
    last = max(datetime.fromisoformat(row["created_at"]).date() for row in rows)
    shift = now().date() - timedelta(days=1) - last
    for row in rows:
        plain = row["created_at"]
        moved = datetime.fromisoformat(plain) + shift
        row["created_at"] = moved.date().isoformat() if len(plain) <= len("2016-01-22") else moved.isoformat()


def _at_the_busiest(lines: dict[str, list[dict[str, Any]]]) -> None:
    """Leave out what came after the fortnight in which most comments were written."""
    times = sorted(datetime.fromisoformat(row["created_at"]).replace(tzinfo=None) for row in lines["comments"])
    first, most, end = 0, 0, times[-1]
    for number, at in enumerate(times):
        while times[first] < at - FORTNIGHT:
            first += 1
        if number - first > most:
            most, end = number - first, at
    for kind in ("ideas", "comments"):
        lines[kind] = [
            row for row in lines[kind] if datetime.fromisoformat(row["created_at"]).replace(tzinfo=None) <= end
        ]


def _make_known(rows: list[dict[str, Any]]) -> None:
    """Make some members contacts of the CRM; all real accounts have confirmed their addresses."""
    db.session.execute(text("UPDATE member SET email_verified_at = joined_at WHERE placeholder"))
    official = {row["author"] for row in rows if row["author"] and row.get("author_kind") not in {None, "citizen"}}
    asked = db.session.scalars(text("SELECT DISTINCT author_id FROM question ORDER BY 1")).all()
    wrote = db.session.scalars(text("SELECT DISTINCT author_id FROM comment ORDER BY 1")).all()
    city = db.session.scalars(
        text("SELECT id FROM member WHERE external_id = ANY(:ids)"), {"ids": sorted(official)}
    ).all()
    known = {*city, *chance.sample(asked, len(asked) // KNOWN), *chance.sample(wrote, len(wrote) // KNOWN)}
    db.session.execute(
        text("UPDATE member SET crm = jsonb_build_object('contact_id', 'c' || id) WHERE id = ANY(:ids)"),
        {"ids": sorted(known)},
    )


def _votes_of(comments: list[dict[str, Any]]) -> None:
    """Let the author of each comment in favour vote for its idea, at the comment's time."""
    people = dict(db.session.execute(text("SELECT external_id, id FROM member WHERE external_id IS NOT NULL")).all())
    still_open = "idea_tally ON idea_id = id WHERE stage NOT IN ('declined', 'shipped')"
    open_ideas = dict(db.session.execute(text(f"SELECT external_id, id FROM idea JOIN {still_open}")).all())
    voted: dict[int, Viewer] = {}
    for row in comments:
        who, what = people.get(str(row["author"])), open_ideas.get(str(row["idea"]))
        if row.get("alignment", 1) != 1 or who is None or what is None:
            continue
        if who not in voted:
            voted[who] = viewer_of(who)
        ideas.cast_vote(what, voted[who], at=datetime.fromisoformat(row["created_at"]))


def _topics() -> None:
    """File each question under its category: who knows what does not depend here on how topics are found."""
    db.session.execute(
        text("""
        INSERT INTO topic_run (board_id, report, began_at, ended_at) SELECT id, '{}', now(), now() FROM board
        WHERE type = 'support'""")
    )
    db.session.execute(
        text("""
        INSERT INTO topic (board_id, label, words, representatives, created_at)
        SELECT board_id, jsonb_build_object('en', category, 'it', category), '[]', '[]', now()
        FROM question GROUP BY board_id, category""")
    )
    _file()


def _file() -> None:
    db.session.execute(
        text("""
        INSERT INTO contribution_topic (kind, contribution_id, board_id, thread_kind, thread_id, author_id, written_at,
                                        topic_id, mixture, run_id, read_at)
        SELECT 'question', q.id, q.board_id, 'question', q.id, q.author_id, q.created_at, t.id,
               jsonb_build_array(jsonb_build_array(t.id, 1.0)), (SELECT max(id) FROM topic_run), now()
        FROM question q JOIN topic t ON t.board_id = q.board_id AND t.label ->> 'en' = q.category
        WHERE NOT EXISTS (SELECT FROM contribution_topic c WHERE c.kind = 'question' AND c.contribution_id = q.id)
        """)
    )


def _community() -> dict[str, int]:
    names = {"members": "member", "ideas": "idea", "votes": "vote", "questions": "question", "answers": "answer"}
    found = {name: db.session.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for name, table in names.items()}
    found["known to the company"] = len(reputation.seeds())
    heard = trust.spread()
    found["trusted, that is not zero"] = sum(voice > 0 for voice in heard.values())
    found["with a public place by reputation"] = len(_ranked())
    found |= {f"expertise: {name}": n for name, n in _rank().items()}
    db.session.rollback()
    return found


def _honest(*, launch: bool) -> list[list[Any]]:
    """Compare the lists of an honest community with and without the rule for young votes."""
    name = "honest, everybody young" if launch else "honest, as it is"
    plain = _places_of_ideas()
    began = "SELECT member_id, min(at) AS first FROM vote GROUP BY member_id"
    young = "true" if launch else "v.at < b.first + interval '14 days' AND b.first > :today"
    db.session.execute(
        text(f"UPDATE vote v SET young = {young} FROM ({began}) AS b WHERE b.member_id = v.member_id"),
        {} if launch else {"today": now() - FORTNIGHT},
    )
    touched = list(db.session.scalars(text("SELECT DISTINCT idea_id FROM vote WHERE young")))
    for idea_id in touched:
        db.session.execute(ledger.WEIGH, {"idea_id": idea_id})
    ranking.sum_rising(touched)
    ranking.rank_wanted(touched)
    ruled = _places_of_ideas()
    voted = set(db.session.scalars(text("SELECT idea_id FROM idea_tally WHERE votes > 0")))
    votes = "count(*) FILTER (WHERE young) AS young, count(*) AS every, count(DISTINCT member_id) FILTER (WHERE young)"
    row = db.session.execute(text(f"SELECT {votes} AS people FROM vote")).one()
    kept = db.session.scalar(text("SELECT sum(effective_votes) FROM idea_tally WHERE votes > 0")) or 0
    found: list[list[Any]] = [
        [f"{name}: young votes", row.young, f"of {row.every}, by {row.people} members", ""],
        [f"{name}: effective votes", round(float(kept), 1), f"of {row.every}", ""],
    ]
    for order in ("rising", "wanted"):
        before, after = ([one for one in places[order] if one in voted] for places in (plain, ruled))
        rank = {one: place for place, one in enumerate(after)}
        same = spearmanr(range(len(before)), [rank[one] for one in before]).statistic
        first = len(set(before[:FIRST]) & set(after[:FIRST]))
        found.append([f"{name}: rank correlation of “{order}”", round(float(same), 4), f"{len(before)} with votes", ""])
        found.append([f"{name}: of the first {FIRST} in “{order}” kept", first, "", ""])
    db.session.rollback()
    return found


# The ring


def _case(size: int, bridges: int, *, confirmed: bool) -> list[list[Any]]:
    """Let a ring act, measure what it bought, and give everything up."""
    name = f"ring of {size}, {bridges} bridges, addresses {'confirmed' if confirmed else 'not confirmed'}"
    first_fact = db.session.scalar(text("SELECT max(id) FROM activity"))
    before = _places_of_ideas()
    ring = [_account(n, confirmed=confirmed) for n in range(size)]
    ids = {one.id for one in ring}
    idea = _propose(ring)
    asked = _ask_and_accept(ring)
    _bridge(ring, idea, bridges)
    _read(first_fact or 0)
    heard = trust.spread()
    _file()
    _rank()
    after = _places_of_ideas()
    unvoted = len(before["rising"]) + 1
    experts = db.session.scalars(select(Expertise).where(Expertise.member_id.in_(ids))).all()
    ranked = _ranked()
    ring_points = sum(reputation.sum_of(one).points for one in ids)
    rows = [
        [f"{name}: places by reputation", sum(one in ids for one in ranked), "", "0"],
        [f"{name}: places by expertise", sum(one.place is not None for one in experts), "", "0"],
        [f"{name}: trust of the whole ring", round(sum(heard.get(one, 0.0) for one in ids), 3),
         "of one known member's", f"≤ {0.57 * bridges * 1.25:.2f}"],
        [f"{name}: points of the whole ring", round(ring_points, 1), f"from {asked} acceptances", ""],
        [f"{name}: place by answers accepted", min(one.answer_count_place for one in experts), "by simple count", ""],
        [f"{name}: effective votes", round(_effective(idea), 1), f"of {size - 1 + bridges // 2}", ""],
    ]  # fmt: skip
    rows += [
        [f"{name}: places bought in “{order}”", unvoted - after[order].index(idea) - 1, f"of {unvoted}", ""]
        for order in ("rising", "wanted")
    ]
    db.session.rollback()
    db.session.remove()
    return rows


def _account(number: int, *, confirmed: bool) -> Viewer:
    who = members.create_member(
        email=f"ring{number}@throw-away.example", name=f"Ring {number}", verified=confirmed, origin="sign_up",
        joined_at=now() - timedelta(days=DAYS + 1),
    )  # fmt: skip
    return viewer_of(who.id)


def _moments(count: int) -> Iterator[datetime]:
    for number in range(count):
        yield now() - timedelta(days=DAYS - number % DAYS, minutes=chance.randrange(600))


def _propose(ring: list[Viewer]) -> int:
    """Propose the idea that is to rise, and one each; let everybody vote for the one and for the next one's."""
    own = [
        ideas.propose_idea(one, board=BOARDS["ideas"], title=f"What ring {n} wants", body="More.", at=at)
        for n, (one, at) in enumerate(zip(ring, _moments(len(ring)), strict=True))
    ]
    for n, (one, at) in enumerate(zip(ring, _moments(len(ring)), strict=True)):
        for target in {own[0], own[(n + 1) % len(ring)]} - {own[n]}:
            ideas.cast_vote(target, one, at=at + timedelta(hours=12))
    return own[0]


def _ask_and_accept(ring: list[Viewer]) -> int:
    """Accept and thank the one at least thirty times, and each the next one in the circle."""
    rounds = max(1, -(-ACCEPTANCES // (len(ring) - 1)))
    pairs = [(asker, ring[0]) for asker in ring[1:] for _ in range(rounds)]
    pairs += [(one, ring[(n + 1) % len(ring)]) for n, one in enumerate(ring)]
    for (asker, helper), at in zip(pairs, _moments(len(pairs)), strict=True):
        answer = _answered(asker, helper, at)
        support.accept_answer(answer, asker, at=at + timedelta(hours=2))
        for friend in chance.sample(ring, min(5, len(ring))):
            if friend.id not in {helper.id, asker.id}:
                support.vote_answer(answer, friend, value=1, at=at + timedelta(hours=3))
    return len(pairs)


def _answered(asker: Viewer, helper: Viewer, at: datetime) -> int:
    question = support.ask_question(
        asker, board=BOARDS["questions"], title="A question of the ring", body="Does it hold?", at=at
    )
    db.session.execute(text("UPDATE question SET category = :category WHERE id = :id"),
                       {"id": question, "category": _category()})  # fmt: skip
    return support.answer_question(question, helper, body="It does.", at=at + timedelta(hours=1))


def _category() -> str:
    """Return the category in which a place costs least: the one with the fewest questions of at least a hundred."""
    kept: dict[str, str] = db.session().info.setdefault("bench.category", {})
    if "name" not in kept:
        kept["name"] = db.session.scalar(text(
            "SELECT category FROM question GROUP BY category HAVING count(*) >= 100 ORDER BY count(*) LIMIT 1"
        )) or ""  # fmt: skip
    return kept["name"]


def _bridge(ring: list[Viewer], idea: int, count: int) -> None:
    """Let real, known members do one thing each: accept an answer of the ring or, by turns, vote for its idea."""
    for number, (known, at) in enumerate(
        zip(chance.sample(sorted(reputation.seeds()), count), _moments(count), strict=True)
    ):
        who = viewer_of(known)
        if number % 2:
            ideas.cast_vote(idea, who, at=at)
        else:
            support.accept_answer(_answered(who, ring[0], at), who, at=at + timedelta(hours=2))


# What came of it


def _read(first_fact: int) -> None:
    """Let the projections read the facts of this transaction, which nobody else will ever see."""
    columns = "id, name, version, payload, happened_at, recorded_at, quiet"
    rows = db.session.execute(text(f"SELECT {columns} FROM activity WHERE id > :id ORDER BY id"), {"id": first_fact})
    facts = [
        FactRow(row.id, event_of(row.name, row.payload, row.version), row.happened_at, row.recorded_at, row.quiet)
        for row in rows
    ]
    courses.keep(facts)
    write_ledger(facts)
    keep_lists([fact for fact in facts if type(fact.event).__name__ in {"IdeaPosted", "VoteCast"}])


def _rank() -> dict[str, int]:
    voices = dict(db.session.execute(text("SELECT member_id, voice FROM member_trust")).all())
    found: dict[str, int] = {}
    for board_id in expertise.boards_to_rank():
        for name, n in expertise.rank_board(board_id, voices).items():
            found[name] = found.get(name, 0) + n
    return found


def _ranked() -> list[int]:
    return list(db.session.scalars(text("SELECT member_id FROM reputation WHERE place IS NOT NULL ORDER BY place")))


def _effective(idea: int) -> float:
    return float(
        db.session.scalar(text("SELECT effective_votes FROM idea_tally WHERE idea_id = :id"), {"id": idea}) or 0
    )


def _places_of_ideas() -> dict[str, list[int]]:
    listed = "SELECT idea_id FROM idea_tally WHERE listed"
    return {
        order: list(db.session.scalars(text(f"{listed} ORDER BY {order} DESC, idea_id DESC")))
        for order in ("rising", "wanted")
    }


if __name__ == "__main__":
    main()
