"""What is derived from facts about ideas: *Rising*, *Most wanted* and trends. Batches, behind a cursor, rebuildable."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from sqlalchemy import text

from portal.ideas import ranking, rules
from portal.ideas.events import IdeaEvent, IdeaPosted, VoteCast, VotesTrusted, VoteWithdrawn
from portal.kernel.database import db
from portal.kernel.projections import FactRow, projection

_SUPPORT = rules.VoteKind.SUPPORT
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
    touched = {fact.event.idea_id for fact in facts if isinstance(fact.event, IdeaEvent)}
    known = ranking.lock(touched)
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
    ranking.sum_rising(anew)
    _note_days(days)
    ranking.rank_wanted(touched)


def _add(terms: dict[int, tuple[float, int]]) -> None:
    if terms:
        sums, seqs = zip(*terms.values(), strict=True)
        db.session.execute(_ADDED, {"ids": list(terms), "terms": list(sums), "seqs": list(seqs)})


def _note_days(days: "Counter[tuple[int, date]]") -> None:
    if rows := sorted((idea_id, day, votes) for (idea_id, day), votes in days.items() if votes):
        ids, dates, votes = zip(*rows, strict=True)
        db.session.execute(_DAYS, {"ids": list(ids), "days": list(dates), "votes": list(votes)})
