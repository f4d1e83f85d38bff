"""Slow work of analytics. Each reads the world anew and replaces what it finds, so that a repeat is harmless.

None of it holds a promise while it works: the open transaction would keep every projection waiting. What is lost with
a broker or a worker is asked for again by the clock.
"""

import time
from collections.abc import Callable

from portal.analytics.services import figures, measuring, routing
from portal.community import facade as community
from portal.kernel import progress, projections
from portal.kernel.broker import with_broker
from portal.kernel.database import after_commit, db, rollback, transaction
from portal.kernel.jobs import enqueue
from portal.kernel.periodic import periodic
from portal.kernel.progress import RUNNING, LongRun

ROUTING = "analytics.routing"
PATIENCE = 60
PAUSE = 2.0


def learn_soon(board_id: int) -> None:
    """Have a board learned anew once this transaction has committed: one walk for all who ask before it begins."""
    _hand_over_later(learn_board, board_id, f"learn-{board_id}")


def learn_board(board_id: int) -> None:
    """Learn who answers on a board by a walk through all of it. Entry point of the worker.

    While more comes in, as in an import, it waits, so that it need not begin again.
    """
    try:
        _wait_for(ROUTING)
        with transaction():
            routing.learn_board(board_id)
    finally:
        db.session.remove()


def _wait_for(projection: str) -> None:
    """Let a projection read what has come in, for two minutes at most; no transaction stays open meanwhile."""
    for _ in range(PATIENCE):
        lag = projections.lags()[projection].facts
        rollback()
        if lag == 0:
            return
        time.sleep(PAUSE)


def measure_soon(*, asked_by: int | None = None) -> LongRun:
    """Ask for everything to be worked out anew; return the run, or the one that is going."""
    run = progress.ask_for(measuring.KIND, asked_by=asked_by)
    _hand_over_later(measure, run.id, f"measuring-{run.id}")
    return run


def measure(run_id: int) -> None:
    """Work everything out anew. Entry point of the worker; a repeat finds the run done and does nothing."""
    try:
        run = db.session.get(LongRun, run_id)
        if run is not None and run.state in RUNNING:
            _wait_for(figures.CURSOR)
            measuring.measure_as(run)
    finally:
        db.session.remove()


def _hand_over_later(work: Callable[[int], None], what: int, job_id: str) -> None:
    def give() -> None:
        with_broker(lambda redis: enqueue(redis, "heavy", work, what, job_id=job_id))

    after_commit(give, key=job_id)


@periodic(seconds=120)
def hand_over_what_waits() -> None:
    """Hand over again the runs that wait, and those whose worker has died; one that is at work is left alone."""
    for run_id in measuring.going():
        _hand_over_later(measure, run_id, f"measuring-{run_id}")


@periodic(seconds=300)
def learn_what_is_missing() -> None:
    """Learn the boards that nobody has learned yet."""
    for board_id in routing.unlearned_boards():
        learn_soon(board_id)


@periodic(cron="41 2 * * *")
def learn_every_board() -> None:
    """Learn every board anew by night: what the days' small steps left out is in then."""
    for board in community.every_board(community.BoardType.SUPPORT):
        learn_soon(board.id)


@periodic(cron="11 4 * * *")
def measure_every_night() -> None:
    """Work everything out anew by night."""
    measure_soon()


@periodic(cron="11 3 * * *", queue="heavy")
def refresh_figures() -> None:
    """Recount the daily figures from the record, and move everybody's windows on."""
    figures.recount()
    figures.refresh_all()
