"""Slow work of reputation. Each reads the world anew and replaces what it finds, so that a repeat is harmless."""

from portal.analytics.reputation import queries
from portal.analytics.reputation.services import folding, standing, trust
from portal.kernel.broker import with_broker
from portal.kernel.database import after_commit, db, transaction
from portal.kernel.jobs import enqueue
from portal.kernel.periodic import periodic

REFOLD = "reputation-refold"


def refold_soon() -> None:
    """Have everything that is stale folded once this transaction has committed; one job for all who ask."""
    after_commit(lambda: with_broker(lambda redis: enqueue(redis, "quick", refold_stale, job_id=REFOLD)), key=REFOLD)


def refold_stale() -> None:
    """Fold the lines of all whose lines have changed, some at a time. Entry point of the worker."""
    try:
        while True:
            with transaction():
                if not folding.refold_stale():
                    return
    finally:
        db.session.remove()


@periodic(seconds=60)
def fold_what_is_left() -> None:
    """Fold what a lost call left behind."""
    if queries.stale(1):
        refold_soon()


@periodic(seconds=300, queue="heavy")
def spread_what_is_new() -> None:
    """Let trust flow through what was said since the last time, and levels follow it."""
    if trust.is_due():
        trust.spread()
        standing.look_at_everybody()
