"""*Rising* and *Most wanted*, brought up to date for some ideas at a time."""

from collections.abc import Iterable

from sqlalchemy import text

from portal.ideas import rules
from portal.kernel.database import db

# Rising: ln Σ wᵢ·exp((tᵢ - t₀)/T); a fresh vote weighs √n/n of its idea and week, young ones share what they come to
# together, and what moderators set aside is left out. The largest exponent is drawn out of the sum, so that nothing
# overflows.
_FROM_VOTES = text(f"""
WITH wanted AS (SELECT unnest(CAST(:ids AS bigint[])) AS idea_id),
standing AS (
    SELECT v.idea_id, extract(epoch FROM v.at - :epoch)::double precision / (86400 * :days) AS age,
           CASE WHEN v.fresh THEN 1 / sqrt(count(*) OVER week)
                WHEN v.young AND count(*) OVER crowd > {rules.YOUNG_WHOLE} THEN
                    ({rules.YOUNG_WHOLE} + sqrt(count(*) OVER crowd - {rules.YOUNG_WHOLE})) / count(*) OVER crowd
                ELSE 1 END AS weight
    FROM vote v JOIN wanted USING (idea_id)
    WHERE v.kind = 'support'
      AND NOT EXISTS (SELECT FROM vote_aside a WHERE a.idea_id = v.idea_id AND a.member_id = v.member_id)
    WINDOW week AS (PARTITION BY v.idea_id, v.fresh, date_trunc('week', v.at AT TIME ZONE 'UTC')),
           crowd AS (PARTITION BY v.idea_id, v.young)
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
_SEEN = text("""
SELECT t.idea_id, t.effective_votes + t.imported_support AS supporters,
       greatest(t.viewers, t.effective_votes + t.not_for_me + t.skips)
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


def lock(ids: Iterable[int]) -> dict[int, int]:
    """Lock the figures of some ideas, always in the same order; return which line of each ledger is in *Rising*."""
    return {row.idea_id: row.rising_seq for row in db.session.execute(_LOCK, {"ids": sorted(ids)})}


def sum_rising(ids: Iterable[int]) -> None:
    """Sum *Rising* of some ideas anew from their current votes."""
    if wanted := sorted(ids):
        values = {"epoch": rules.RISING_EPOCH, "days": rules.RISING_DAYS, "unvoted": rules.UNVOTED}
        db.session.execute(_FROM_VOTES, {"ids": wanted, **values})


def rank_wanted(ids: Iterable[int]) -> None:
    """Work out *Most wanted* of some ideas from votes and viewers.

    An import says how many supported an idea and not how many saw it: the largest support of its board stands for that.
    """
    rows = db.session.execute(_SEEN, {"ids": sorted(ids)}).all()
    new = {row.idea_id: rules.wanted(row.supporters, row.viewers) for row in rows}
    changed = {row.idea_id: new[row.idea_id] for row in rows if new[row.idea_id] != row.wanted}
    if changed:
        db.session.execute(_WANTED, {"ids": list(changed), "wanted": list(changed.values())})
