"""The ledger of reputation, written from facts, behind a cursor; what it adds up to is folded in the same batch.

A large batch, as an import's, only marks whose lines have changed; a job folds those.
"""

from collections.abc import Sequence

from portal.analytics.reputation import jobs
from portal.analytics.reputation.reading import READ, moves
from portal.analytics.reputation.services import folding, ledger
from portal.analytics.reputation.services.ledger import Act
from portal.kernel.projections import FactRow, projection
from portal.members.events.people import MembersMerged, MembersUnmerged

CURSOR = "analytics.reputation"
AT_ONCE = 100
"""So many facts and fewer are folded at once."""
JOINED = (MembersMerged, MembersUnmerged)


@projection(CURSOR, on=(*READ, *JOINED), reset=ledger.forget)
def write_ledger(facts: Sequence[FactRow]) -> None:
    """Bring the ledger up to date."""
    touched = ledger.write(Act(move, fact.id, fact.happened_at) for fact in facts for move in moves(fact.event))
    for fact in facts:
        if isinstance(fact.event, JOINED):
            touched |= {fact.event.member_id, fact.event.gone_id}
    ledger.mark_stale(touched)
    if len(facts) <= AT_ONCE:
        folding.refold(touched)
    elif touched:
        jobs.refold_soon()
