"""Folding members' lines anew: what each came to, what they add up to, who has a public place."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select, text

from portal.analytics.reputation import queries, rules
from portal.analytics.reputation.models import Reputation
from portal.kernel.clock import now
from portal.kernel.database import db

CHUNK = 200
TOLERANCE = 1e-4
"""Weights that differ by less leave a fold as it is."""
_LINES = text("""
UPDATE reputation_entry e SET weight = n.weight, counted = n.counted, cap = n.cap
FROM unnest(CAST(:ids AS bigint[]), CAST(:weights AS double precision[]), CAST(:counts AS bigint[]),
            CAST(:caps AS text[])) AS n (id, weight, counted, cap)
WHERE e.id = n.id AND (e.weight, e.counted, e.cap) IS DISTINCT FROM (n.weight, n.counted, n.cap)""")
_SUMS = text("""
INSERT INTO reputation (member_id, points, people, days, ranked, stale, folded_at)
SELECT n.*, 0, false, :at
FROM unnest(CAST(:ids AS bigint[]), CAST(:points AS bigint[]), CAST(:people AS bigint[]), CAST(:days AS bigint[]))
     AS n (member_id, points, people, days)
ON CONFLICT (member_id) DO UPDATE SET points = excluded.points, people = excluded.people, days = excluded.days,
    stale = false, folded_at = excluded.folded_at""")
_PLACES = text("""
WITH fit AS (
    SELECT member_id, rank() OVER (ORDER BY points DESC) AS place, count(*) OVER () AS ranked FROM reputation
    WHERE people >= :people AND days >= :days AND points > 0
)
UPDATE reputation r SET place = f.place, ranked = coalesce(f.ranked, 0)
FROM reputation a LEFT JOIN fit f USING (member_id)
WHERE a.member_id = r.member_id AND (r.place, r.ranked) IS DISTINCT FROM (f.place, coalesce(f.ranked, 0))""")


def refold(member_ids: Collection[int]) -> None:
    """Fold the lines of some members anew. A repeat finds the same."""
    ids = sorted(set(member_ids))
    for start in range(0, len(ids), CHUNK):
        _refold(ids[start : start + CHUNK])


def refold_stale(limit: int = CHUNK) -> int:
    """Fold the lines of some of those whose lines have changed; return of how many."""
    ids = queries.stale(limit)
    refold(ids)
    return len(ids)


def _refold(ids: Sequence[int]) -> None:
    db.session.execute(
        select(Reputation.member_id).where(Reputation.member_id.in_(ids)).order_by(Reputation.member_id)
        .with_for_update()
    )  # fmt: skip
    entries = queries.entries_of(ids)
    actors = {one.actor_id for lines in entries.values() for one in lines if one.actor_id is not None}
    weights = queries.voices_of(actors)
    lines: list[tuple[int, float, int, str]] = []
    sums: list[tuple[Any, ...]] = []
    for member_id in ids:
        folded = rules.fold(entries.get(member_id, ()), weights)
        givers = {one.id: one.actor_id for one in entries.get(member_id, ())}
        lines += [
            (line_id, float(weights.get(givers[line_id] or 0, 0.0)), line.counted, str(line.cap))
            for line_id, line in folded.lines.items()
        ]
        sums.append((member_id, folded.points, len(folded.people), len(folded.days)))
    _store(lines, sums)


def _store(lines: list[tuple[int, float, int, str]], sums: list[tuple[Any, ...]]) -> None:
    if lines:
        db.session.execute(_LINES, _columns(("ids", "weights", "counts", "caps"), lines))
    db.session.execute(_SUMS, {"at": now(), **_columns(("ids", "points", "people", "days"), sums)})


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def give_places() -> None:
    """Work out the public places of all members anew."""
    db.session.execute(_PLACES, {"people": rules.LEAST_PEOPLE, "days": rules.LEAST_DAYS})
