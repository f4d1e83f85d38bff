"""What is derived from facts about ideas: *Rising*, *Most wanted* and trends. Batches, behind a cursor, rebuildable."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import text

from portal.ideas import rules
from portal.ideas.events import IdeaEvent, IdeaPosted, VoteCast, VotesTrusted, VoteWithdrawn
from portal.kernel.database import db
from portal.kernel.projections import FactRow, projection

_SUPPORT = rules.VoteKind.SUPPORT
# Rising: ln Σ wᵢ·exp((tᵢ - t₀)/T); a fresh vote weighs √n/n of its idea and week. The largest exponent is drawn out of
# the sum, so that nothing overflows.
_FROM_VOTES = text("""
WITH wanted AS (SELECT unnest(CAST(:ids AS bigint[])) AS idea_id),
standing AS (
    SELECT v.idea_id, extract(epoch FROM v.at - :epoch)::double precision / (86400 * :days) AS age,
           CASE WHEN v.fresh THEN 1 / sqrt(count(*) OVER week) ELSE 1 END AS weight
    FROM vote v JOIN wanted USING (idea_id) WHERE v.kind = 'support'
    WINDOW week AS (PARTITION BY v.idea_id, v.fresh, date_trunc('week', v.at AT TIME ZONE 'UTC'))
),
largest AS (SELECT idea_id, max(age) AS top FROM standing GROUP BY idea_id),
summed AS (
    SELECT idea_id, top + ln(sum(weight * exp(greatest(age - top, -700)))) AS rising
    FROM standing JOIN largest USING (idea_id) GROUP BY idea_id, top
)
UPDATE idea_tally t
SET rising_seq = t.ledger_seq,
    rising = coalesce(
        s.rising, :unvoted + extract(epoch FROM t.created_at - :epoch)::double precision / (86400 * :days))
FROM wanted w LEFT JOIN summed s USING (idea_id) WHERE t.idea_id = w.idea_id""")
# More votes of weight 1: logaddexp of what stood and the new terms, whose sum comes as one number.
# PostgreSQL calls it an error when exp() comes out as nothing; below e^-700 nothing is what it is.
_ADDED = text("""
UPDATE idea_tally t
SET rising = greatest(t.rising, n.term) + ln(1 + exp(-least(abs(t.rising - n.term), 700))), rising_seq = n.seq
FROM unnest(CAST(:ids AS bigint[]), CAST(:terms AS double precision[]), CAST(:seqs AS bigint[]))
     AS n (idea_id, term, seq)
WHERE t.idea_id = n.idea_id""")
_DAYS = text("""
INSERT INTO idea_day (idea_id, day, votes)
SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:days AS date[]), CAST(:votes AS bigint[]))
ON CONFLICT (idea_id, day) DO UPDATE SET votes = idea_day.votes + excluded.votes""")
_SEEN = text("""
SELECT t.idea_id, t.votes + t.imported_support AS supporters,
       greatest(t.viewers, t.votes + t.not_for_me + t.skips)
           + CASE WHEN t.imported_support > 0 THEN most.ideas ELSE 0 END AS viewers, t.wanted
FROM idea_tally t
LEFT JOIN idea_count most ON most.board_id = t.board_id AND most.facet = 'import' AND most.key = 'most_support'
WHERE t.idea_id = ANY(CAST(:ids AS bigint[]))""")
_WANTED = text("""
UPDATE idea_tally t SET wanted = n.wanted
FROM unnest(CAST(:ids AS bigint[]), CAST(:wanted AS double precision[])) AS n (idea_id, wanted)
WHERE t.idea_id = n.idea_id""")
_LOCK = text("""
SELECT idea_id, rising_seq FROM idea_tally
WHERE idea_id = ANY(CAST(:ids AS bigint[])) ORDER BY idea_id FOR NO KEY UPDATE""")


def _forget() -> None:
    db.session.execute(text("DELETE FROM idea_day"))
    db.session.execute(
        text(
            "UPDATE idea_tally SET wanted = 0, rising_seq = 0, rising = :unvoted"
            " + extract(epoch FROM created_at - :epoch)::double precision / (86400 * :days)"
        ),
        {"unvoted": rules.UNVOTED, "epoch": rules.RISING_EPOCH, "days": rules.RISING_DAYS},
    )


@projection("ideas.lists", on=(IdeaPosted, VoteCast, VoteWithdrawn, VotesTrusted), reset=_forget)
def keep_lists(facts: Sequence[FactRow]) -> None:
    """Bring *Rising*, *Most wanted* and the daily support of the touched ideas up to date.

    Plain votes are added to *Rising*; where one was withdrawn or comes from a fresh account, it is summed anew from the
    current votes. Those may hold votes whose facts come later: ``rising_seq`` says which lines are in it already.
    """
    touched = sorted({fact.event.idea_id for fact in facts if isinstance(fact.event, IdeaEvent)})
    known = {row.idea_id: row.rising_seq for row in db.session.execute(_LOCK, {"ids": touched})}
    anew: set[int] = set()
    added: dict[int, tuple[float, int]] = {}
    days: Counter[tuple[int, date]] = Counter()
    for fact in facts:
        event = fact.event
        if isinstance(event, VotesTrusted):
            anew.add(event.idea_id)
        elif isinstance(event, VoteWithdrawn) and event.kind == _SUPPORT:
            days[event.idea_id, date.fromisoformat(event.cast_on)] -= 1
            anew.add(event.idea_id)
        elif isinstance(event, VoteCast) and event.kind == _SUPPORT:
            days[event.idea_id, fact.happened_at.date()] += 1
            if event.fresh:
                anew.add(event.idea_id)
            elif event.seq > known.get(event.idea_id, 0):
                before = added.get(event.idea_id, (rules.UNVOTED, 0))[0]
                added[event.idea_id] = rules.risen(before, fact.happened_at), event.seq
    _add({idea_id: term for idea_id, term in added.items() if idea_id not in anew})
    sum_rising(anew)
    _note_days(days)
    rank_wanted(touched)


def _add(terms: dict[int, tuple[float, int]]) -> None:
    if terms:
        sums, seqs = zip(*terms.values(), strict=True)
        db.session.execute(_ADDED, {"ids": list(terms), "terms": list(sums), "seqs": list(seqs)})


def sum_rising(ids: Iterable[int]) -> None:
    """Sum *Rising* of some ideas anew from their current votes."""
    if wanted := sorted(ids):
        values = {"epoch": rules.RISING_EPOCH, "days": rules.RISING_DAYS, "unvoted": rules.UNVOTED}
        db.session.execute(_FROM_VOTES, {"ids": wanted, **values})


def _note_days(days: "Counter[tuple[int, date]]") -> None:
    if rows := sorted((idea_id, day, votes) for (idea_id, day), votes in days.items() if votes):
        ids, dates, votes = zip(*rows, strict=True)
        db.session.execute(_DAYS, {"ids": list(ids), "days": list(dates), "votes": list(votes)})


def rank_wanted(ids: Iterable[int]) -> None:
    """Work out *Most wanted* of some ideas from votes and viewers.

    An import says how many supported an idea and not how many saw it: the largest support of its board stands for that.
    """
    rows = db.session.execute(_SEEN, {"ids": sorted(ids)}).all()
    new = {row.idea_id: rules.wanted(row.supporters, row.viewers) for row in rows}
    changed = {row.idea_id: new[row.idea_id] for row in rows if new[row.idea_id] != row.wanted}
    if changed:
        db.session.execute(_WANTED, {"ids": list(changed), "wanted": list(changed.values())})
