"""What ideas do by the clock."""

from sqlalchemy import text

from portal.community import impressions
from portal.ideas import ranking, rules, services
from portal.kernel.database import db
from portal.kernel.periodic import periodic

_SEEN = text("""
UPDATE idea_tally t SET viewers = n.viewers,
    viewers_owed = CASE WHEN t.viewers_owed > 0 THEN greatest(:most - n.viewers, 0) ELSE 0 END
FROM unnest(CAST(:ids AS bigint[]), CAST(:viewers AS bigint[])) AS n (idea_id, viewers) WHERE t.idea_id = n.idea_id""")


@periodic(seconds=60)
def count_viewers() -> None:
    """Count who saw which idea, for *Explore* and *Most wanted*. Counts whole days, so a repeat changes nothing."""
    viewers = impressions.count("idea")
    if viewers:
        ids = sorted(viewers)
        ranking.lock(ids)
        values = {"ids": ids, "viewers": [viewers[idea_id] for idea_id in ids], "most": rules.MIN_VIEWERS}
        db.session.execute(_SEEN, values)
        ranking.rank_wanted(ids)


@periodic(seconds=3600)
def let_votes_grow() -> None:
    """Let the votes of those count whole who are not new any more. A repeat finds none."""
    while services.let_votes_grow():
        pass
