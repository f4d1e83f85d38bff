"""Spreading trust from those whom the company knows through who vouched for whom; numpy is met inside only."""

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from portal.analytics.models import MemberTrust
from portal.analytics.reputation import queries
from portal.analytics.reputation.models import TrustSpread
from portal.analytics.reputation.services import folding
from portal.kernel.clock import now
from portal.kernel.database import db

ONLY = 1
CHUNK = 5000


def is_due() -> bool:
    """Return whether the ledger has lines that trust has not been spread through, or somebody new is known."""
    return queries.last_line() != queries.spread_to() or queries.seeds_unheard()


def spread() -> dict[int, float]:
    """Propagate trust, store it, fold anew whom it concerns; return how much each member's word weighs."""
    heard = _spread()
    line_id = queries.last_line()
    row = {"id": ONLY, "line_id": line_id, "seeds": len(queries.seeds()), "members": len(heard), "at": now()}
    add = insert(TrustSpread).values(row)
    db.session.execute(add.on_conflict_do_update(index_elements=["id"], set_=row))
    folding.refold(queries.with_other_weights(folding.TOLERANCE))
    while folding.refold_stale():
        pass
    folding.give_places()
    return heard


def _spread() -> dict[int, float]:
    from portal.analytics import trust

    seeds, edges = queries.seeds(), queries.vouchers()
    members = sorted({*seeds, *(a for a, _, _ in edges), *(b for _, b, _ in edges)})
    db.session.execute(delete(MemberTrust))
    if not members:
        return {}
    place = {member: number for number, member in enumerate(members)}
    sources, targets = [place[a] for a, _, _ in edges], [place[b] for _, b, _ in edges]
    weights, start = [w for _, _, w in edges], [place[one] for one in seeds]
    ranks = trust.handed_on(sources, targets, weights, len(members), start)
    plain = trust.pagerank(sources, targets, weights, len(members))
    voices, percentiles = trust.voices(ranks, start), trust.percentiles(ranks)
    columns = zip(members, ranks.tolist(), plain.tolist(), percentiles.tolist(), voices.tolist(), strict=True)
    names = ("member_id", "trust", "pagerank", "percentile", "voice")
    rows = [dict(zip(names, row, strict=True)) | {"at": now()} for row in columns]
    for first in range(0, len(rows), CHUNK):
        db.session.execute(insert(MemberTrust), rows[first : first + CHUNK])
    return dict(zip(members, voices.tolist(), strict=True))
