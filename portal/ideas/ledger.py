"""The ledger of votes: each change of a vote is one line that covers the hash of the line before it.

Whoever changes a vote locks the idea's tally first, so that changes of one idea stand in one order: current vote, line
and count are written by one statement, and the count that comes back is exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from portal.ideas.rules import CLOSED, YOUNG_WHOLE
from portal.kernel.database import db


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """What one member says about one idea, and what must be remembered with it."""

    idea_id: int
    member_id: int
    kind: str
    at: datetime
    origin: str
    verified: bool
    tenure_days: int
    fresh: bool
    young: bool = False
    position: int | None = None
    by_id: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a change left: the count, what stood before (None: nothing) and whether anything changed."""

    votes: int
    seq: int
    changed: bool
    before: str | None
    before_at: datetime | None
    before_whole: bool
    """Whether what stood before counted as one vote, and not as part of a root or as nothing."""
    whole: bool
    """The same of what stands now."""
    title: str = ""
    """Of the idea, for whoever answers with its button."""


@dataclass(frozen=True, slots=True)
class BadEntry:
    """The first line of a ledger that is not as it was written."""

    idea_id: int
    seq: int
    reason: str


_LOCK = """
SELECT idea_id, votes, ledger_seq AS seq, ledger_hash AS hash FROM idea_tally
WHERE idea_id = :idea_id AND listed"""

_WRITE_LINE = """
INSERT INTO vote_entry (idea_id, seq, member_id, action, kind, at, origin, position, by_id, source,
                        verified, tenure_days, hash)
SELECT tally.idea_id, tally.seq + 1, :member_id, '{action}', changed.{kind}, :at, :origin, :position, :by_id, :source,
       :verified, :tenure_days,
       vote_digest(tally.hash, tally.idea_id, tally.seq + 1, :member_id, '{action}', changed.{kind}, :at, :origin,
                   :position, :by_id, :source, :verified, :tenure_days)
FROM tally JOIN changed USING (idea_id)
RETURNING idea_id, seq, hash"""

_ASIDE = "EXISTS (SELECT FROM vote_aside a WHERE a.idea_id = :idea_id AND a.member_id = :member_id)"
_NOT_ASIDE = "NOT EXISTS (SELECT FROM vote_aside a WHERE a.idea_id = v.idea_id AND a.member_id = v.member_id)"

_CAST = f"""
WITH tally AS MATERIALIZED ({_LOCK} AND stage <> ALL(:closed) FOR NO KEY UPDATE),
changed AS (
    INSERT INTO vote AS mine (idea_id, member_id, kind, at, fresh, young)
    SELECT idea_id, :member_id, :kind, :at, :fresh, :young FROM tally
    ON CONFLICT (idea_id, member_id) DO UPDATE
        SET kind = excluded.kind, at = excluded.at, fresh = excluded.fresh, young = excluded.young
        WHERE mine.kind <> excluded.kind
    RETURNING idea_id, old.kind AS was, old.at AS was_at, new.kind AS kind,
              NOT (new.fresh OR new.young OR {_ASIDE}) AS whole, NOT (old.fresh OR old.young OR {_ASIDE}) AS was_whole
),
line AS ({_WRITE_LINE.format(action="cast", kind="kind")}),
counted AS (
    UPDATE idea_tally AS t SET
        votes = t.votes + (kind = 'support')::int - (was IS NOT DISTINCT FROM 'support')::int,
        not_for_me = t.not_for_me + (kind = 'not_for_me')::int - (was IS NOT DISTINCT FROM 'not_for_me')::int,
        skips = t.skips + (kind = 'skip')::int - (was IS NOT DISTINCT FROM 'skip')::int,
        effective_votes = t.effective_votes + (kind = 'support' AND whole)::int
            - (was IS NOT DISTINCT FROM 'support' AND was_whole)::int,
        ledger_seq = line.seq, ledger_hash = line.hash, last_activity_at = greatest(t.last_activity_at, :at)
    FROM line JOIN changed USING (idea_id) WHERE t.idea_id = line.idea_id
    RETURNING t.idea_id, t.votes, t.ledger_seq AS seq
)
SELECT coalesce(counted.votes, tally.votes) AS votes, coalesce(counted.seq, tally.seq) AS seq,
       counted.votes IS NOT NULL AS changed,
       was, was_at, coalesce(was_whole, true) AS was_whole, coalesce(whole, true) AS whole
FROM tally LEFT JOIN changed USING (idea_id) LEFT JOIN counted USING (idea_id)"""

_WITHDRAW = f"""
WITH tally AS MATERIALIZED ({_LOCK}),
changed AS (
    DELETE FROM vote WHERE idea_id = :idea_id AND member_id = :member_id
    RETURNING idea_id, kind AS was, at AS was_at, NOT (fresh OR young OR {_ASIDE}) AS was_whole
),
line AS ({_WRITE_LINE.format(action="withdrawn", kind="was")}),
counted AS (
    UPDATE idea_tally AS t SET
        votes = t.votes - (was = 'support')::int, not_for_me = t.not_for_me - (was = 'not_for_me')::int,
        skips = t.skips - (was = 'skip')::int,
        effective_votes = t.effective_votes - (was = 'support' AND was_whole)::int,
        ledger_seq = line.seq, ledger_hash = line.hash
    FROM line JOIN changed USING (idea_id) WHERE t.idea_id = line.idea_id
    RETURNING t.idea_id, t.votes, t.ledger_seq AS seq
)
SELECT coalesce(counted.votes, tally.votes) AS votes, coalesce(counted.seq, tally.seq) AS seq,
       counted.votes IS NOT NULL AS changed,
       was, was_at, coalesce(was_whole, true) AS was_whole, true AS whole
FROM tally LEFT JOIN changed USING (idea_id) LEFT JOIN counted USING (idea_id)"""

# Fresh votes count √n an idea and week; of young ones a few count whole and the others as their root; those that
# moderators set aside count nothing; the rest counts one each.
EFFECTIVE = f"""t.votes
    - (SELECT count(*) FROM vote_aside JOIN vote v USING (idea_id, member_id)
       WHERE idea_id = t.idea_id AND v.kind = 'support')
    - (SELECT coalesce(sum(n - sqrt(n)), 0) FROM (
        SELECT count(*)::double precision AS n FROM vote v
        WHERE v.idea_id = t.idea_id AND v.fresh AND v.kind = 'support' AND {_NOT_ASIDE}
        GROUP BY date_trunc('week', v.at AT TIME ZONE 'UTC')) AS weeks)
    - (SELECT coalesce(many - sqrt(many), 0) FROM (
        SELECT greatest(count(*) - {YOUNG_WHOLE}, 0)::double precision AS many FROM vote v
        WHERE v.idea_id = t.idea_id AND v.young AND v.kind = 'support' AND {_NOT_ASIDE}) AS crowd)"""
_WEIGH = f"UPDATE idea_tally t SET effective_votes = {EFFECTIVE} WHERE t.idea_id = :idea_id"

_CASTS = {
    ":idea_id": "bigint",
    ":member_id": "bigint",
    ":kind": "text",
    ":at": "timestamptz",
    ":origin": "text",
    ":position": "bigint",
    ":by_id": "bigint",
    ":source": "text",
    ":verified": "boolean",
    ":tenure_days": "bigint",
    ":fresh": "boolean",
    ":young": "boolean",
    ":closed": "text[]",
}


def _typed(statement: str) -> str:
    """Say the type of each value, as PostgreSQL cannot guess it from where it stands."""
    for name, kind in _CASTS.items():
        statement = statement.replace(name, f"CAST({name} AS {kind})")
    return statement


CAST = text(_typed(_CAST))
_ANYWHERE = (" AND listed", ""), (" AND stage <> ALL(:closed)", "")
LOCK = text(_LOCK + " FOR NO KEY UPDATE")
WITHDRAW = text(_typed(_WITHDRAW))
WEIGH = text(_WEIGH)


def _anywhere(statement: str) -> str:
    """Leave out that the idea must be seen and open: for votes that change their owner, not their meaning."""
    for words, nothing in _ANYWHERE:
        statement = statement.replace(words, nothing)
    return statement


CAST_ANYWHERE, WITHDRAW_ANYWHERE = text(_typed(_anywhere(_CAST))), text(_typed(_anywhere(_WITHDRAW)))
LOCK_ANYWHERE = text(_anywhere(_LOCK) + " FOR NO KEY UPDATE")


def values_of(say: Say) -> dict[str, Any]:
    """Return what the statements bind."""
    names = (
        "idea_id",
        "member_id",
        "kind",
        "at",
        "origin",
        "verified",
        "tenure_days",
        "fresh",
        "young",
        "position",
        "by_id",
        "source",
    )
    return {name: getattr(say, name) for name in names}


def cast(say: Say) -> Written | None:
    """Let a vote stand, in place of what the member said before; None when the idea takes no votes."""
    row = db.session.execute(CAST, {**values_of(say), "closed": sorted(CLOSED)}).one_or_none()
    if row is None:
        return None
    written = _written(row)
    if written.changed and not (written.whole and written.before_whole):
        db.session.execute(WEIGH, {"idea_id": say.idea_id})
    return written


def withdraw(say: Say) -> Written | None:
    """Take a vote back, whatever its kind; None when there is no such idea.

    The lock is a statement of its own: what is deleted is seen by the next one, which begins when the lock is held.
    """
    if db.session.execute(LOCK, {"idea_id": say.idea_id}).one_or_none() is None:
        return None
    values = values_of(say)
    del values["kind"], values["fresh"], values["young"]
    written = _written(db.session.execute(WITHDRAW, values).one())
    if written.changed and not written.before_whole:
        db.session.execute(WEIGH, {"idea_id": say.idea_id})
    return written


def hand_over(say: Say, *, cast: bool) -> Written:
    """Write that a vote is another account's now (``cast``), or was this one's (not ``cast``), on any idea.

    Both are lines of the ledger like all others: the chain holds, and whoever reads it sees what happened.
    """
    db.session.execute(LOCK_ANYWHERE, {"idea_id": say.idea_id})
    values = values_of(say)
    if cast:
        written = _written(db.session.execute(CAST_ANYWHERE, values).one())
    else:
        del values["kind"], values["fresh"], values["young"]
        written = _written(db.session.execute(WITHDRAW_ANYWHERE, values).one())
    if not (written.whole and written.before_whole):
        db.session.execute(WEIGH, {"idea_id": say.idea_id})
    return written


def _written(row: Row[Any]) -> Written:
    return Written(row.votes, row.seq, row.changed, row.was, row.was_at, row.was_whole, row.whole)


# Verifying

_LINES = """
SELECT idea_id, seq, hash = vote_digest(
           coalesce(lag(hash) OVER chain, ''::bytea), idea_id, seq, member_id, action, kind, at, origin, position,
           by_id, source, verified, tenure_days) AS sound,
       seq = 1 + coalesce(lag(seq) OVER chain, 0) AS follows
FROM vote_entry WHERE idea_id BETWEEN :first AND :last WINDOW chain AS (PARTITION BY idea_id ORDER BY seq)"""
_BAD_LINE = text(
    f"SELECT idea_id, seq, follows FROM ({_LINES}) AS lines WHERE NOT (sound AND follows) ORDER BY idea_id, seq LIMIT 1"
)
# What the lines add up to, beside what the current votes and the tally say.
_BAD_SUM = text(f"""
WITH latest AS (
    SELECT DISTINCT ON (idea_id, member_id) idea_id, member_id, action, kind FROM vote_entry
    WHERE idea_id BETWEEN :first AND :last ORDER BY idea_id, member_id, seq DESC
),
folded AS (
    SELECT idea_id, count(*) FILTER (WHERE action = 'cast' AND kind = 'support') AS votes FROM latest GROUP BY idea_id
),
heads AS (
    SELECT DISTINCT ON (idea_id) idea_id, seq, hash FROM vote_entry
    WHERE idea_id BETWEEN :first AND :last ORDER BY idea_id, seq DESC
),
standing AS (
    SELECT idea_id, count(*) AS differ FROM (
        SELECT idea_id, member_id, kind FROM latest WHERE action = 'cast'
        EXCEPT ALL SELECT idea_id, member_id, kind FROM vote WHERE idea_id BETWEEN :first AND :last
    ) AS missing GROUP BY idea_id
    UNION ALL
    SELECT idea_id, count(*) FROM (
        SELECT idea_id, member_id, kind FROM vote WHERE idea_id BETWEEN :first AND :last
        EXCEPT ALL SELECT idea_id, member_id, kind FROM latest WHERE action = 'cast'
    ) AS extra GROUP BY idea_id
)
SELECT t.idea_id, t.ledger_seq AS seq,
       CASE WHEN t.ledger_seq <> coalesce(h.seq, 0) OR t.ledger_hash <> coalesce(h.hash, ''::bytea) THEN 'head'
            WHEN s.differ IS NOT NULL THEN 'votes' WHEN t.votes <> coalesce(f.votes, 0) THEN 'count'
            ELSE 'effective' END AS what
FROM idea_tally t LEFT JOIN heads h USING (idea_id) LEFT JOIN folded f USING (idea_id)
     LEFT JOIN standing s USING (idea_id)
WHERE t.idea_id BETWEEN :first AND :last
  AND (t.ledger_seq <> coalesce(h.seq, 0) OR t.ledger_hash <> coalesce(h.hash, ''::bytea)
       OR s.differ IS NOT NULL OR t.votes <> coalesce(f.votes, 0)
       OR abs(t.effective_votes - ({EFFECTIVE})) > 1e-6)
ORDER BY t.idea_id LIMIT 1""")
_REASONS = {
    "head": "the last line is not the one that the tally remembers: lines were taken away or added",
    "votes": "the current votes are not what the lines add up to",
    "count": "the count is not what the lines add up to",
    "effective": "the effective count is not what the current votes come to",
}
STEP = 20_000


def _ranges() -> Iterator[dict[str, int]]:
    last = db.session.scalar(text("SELECT coalesce(max(idea_id), 0) FROM idea_tally")) or 0
    for first in range(1, last + 1, STEP):
        yield {"first": first, "last": first + STEP - 1}


def first_bad_entry() -> BadEntry | None:
    """Return the first line, by idea and number, that was changed, left out or put in; None when all are sound."""
    for ids in _ranges():
        if row := db.session.execute(_BAD_LINE, ids).one_or_none():
            reason = "this line was changed after it was written" if row.follows else "the line before it is missing"
            return BadEntry(row.idea_id, row.seq, reason)
        if row := db.session.execute(_BAD_SUM, ids).one_or_none():
            return BadEntry(row.idea_id, row.seq, _REASONS[row.what])
    return None


def count_entries() -> tuple[int, int]:
    """Return how many lines there are, and of how many ideas."""
    row = db.session.execute(text("SELECT count(*) AS lines, count(DISTINCT idea_id) AS ideas FROM vote_entry")).one()
    return row.lines, row.ideas
