"""What members would have been told of the past: for a demo, whose community has lived before it was loaded."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import select

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import Fact, event_of
from portal.kernel.projections import FactRow
from portal.notifications import queries, services
from portal.notifications.occasions import TELLERS, tellings_of
from portal.notifications.services.telling import tell

MOST = 400
NEW = 2
"""So many of the freshest are left unread."""


def recall(days: int, people: Collection[int]) -> int:
    """Write down what these members would have been told in the last days, in the page alone; return how much.

    A second time adds nothing: nobody is told of one source twice.
    """
    past = (
        select(Fact)
        .where(Fact.quiet, Fact.name.in_(TELLERS), Fact.happened_at > now() - timedelta(days=days))
        .order_by(Fact.happened_at.desc())
        .limit(MOST)
    )
    wanted, count = frozenset(people), 0
    for fact in sorted(db.session.scalars(past), key=lambda one: one.happened_at):
        row = FactRow(
            fact.id, event_of(fact.name, fact.payload, fact.version), fact.happened_at, fact.recorded_at, True
        )
        mine = [telling.only(telling.to & wanted) for telling in tellings_of(row) if telling.to & wanted]
        count += len(tell(mine, at=fact.happened_at)) if mine else 0
    for member_id in sorted(wanted):
        freshest = queries.notices_of(member_id, size=NEW).items
        if freshest:
            services.mark_read_before(member_id, freshest[-1].fresh_at)
    return count
