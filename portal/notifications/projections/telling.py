"""Who is told what: one reader of the record writes it down, so that no act waits for those who hear of it."""

from collections.abc import Sequence

from portal.kernel.database import after_commit
from portal.kernel.projections import FactRow, projection
from portal.notifications import jobs
from portal.notifications.occasions import (
    HIDERS,
    MOVERS,
    TELLERS,
    members_moved,
    sources_hidden,
    tellings_of,
    things_hidden,
)
from portal.notifications.ringing import ring
from portal.notifications.services.telling import count_unread, take_back, take_back_about, tell

NAME = "notifications"


@projection(NAME, on=(*TELLERS, *HIDERS, *MOVERS), first=True, quiet=False)
def tell_members(facts: Sequence[FactRow]) -> None:
    """Write down what members are told, let their open pages know, and have the rest sent.

    It cannot be rebuilt: what has been told stays told. A batch and its cursor move in one transaction, and nobody is
    told of one source twice.
    """
    told = tell(telling for fact in facts for telling in tellings_of(fact))
    gone = take_back([source for fact in facts for source in sources_hidden(fact.event)])
    gone |= take_back_about([thing for fact in facts for thing in things_hidden(fact.event)])
    moved = {member_id for fact in facts for member_id in members_moved(fact.event)}
    count_unread(moved)
    gone |= moved
    if told:
        jobs.send_now()
    if told or gone:
        after_commit(lambda: ring(told, gone))
