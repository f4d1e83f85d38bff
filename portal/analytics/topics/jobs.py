"""Trainings in the background: asked for by people, by growth and by the calendar; none is lost when a worker dies."""

from sqlalchemy import select

from portal.analytics.topics import queries, rules, services, training
from portal.analytics.topics.scopes import Scope, all_scopes, scope_of
from portal.kernel.broker import with_broker
from portal.kernel.clock import now
from portal.kernel.database import after_commit, db, rollback
from portal.kernel.errors import PortalError
from portal.kernel.jobs import enqueue
from portal.kernel.periodic import periodic
from portal.kernel.progress import RUNNING, Cancelled, LongRun, Progress


def start(scope: Scope, *, asked_by: int | None = None) -> LongRun:
    """Ask for a training and hand it to a worker once this transaction has committed; return its run."""
    run = services.ask_for_training(scope, asked_by=asked_by)
    after_commit(lambda: _hand_over(run.id), key=f"topics-{run.id}")
    return run


def _hand_over(run_id: int) -> None:
    with_broker(lambda redis: enqueue(redis, "heavy", run_training, run_id, job_id=f"topics-{run_id}"))


def run_training(run_id: int) -> None:
    """Entry point of the worker. A repeat finds the run done, or held by whoever is at it, and does nothing.

    No promise is held meanwhile: its open transaction would keep every projection waiting.
    """
    try:
        run = db.session.get(LongRun, run_id)
        if run is None or run.state not in RUNNING:
            return
        with training.alone(_scope(run), wait=False) as mine:
            if mine:
                train_as(run)
    finally:
        db.session.remove()


def train_as(run: LongRun, *, topics: int | None = None, watcher: Progress | None = None) -> dict[str, object]:
    """Train the scope of a run and close the run with its report, or with what went wrong.

    :raise Cancelled: when somebody asked it to stop.
    """
    watcher = watcher or Progress(run.id)
    try:
        watcher.begin("words")
        report = training.train(_scope(run), watcher, topics=topics, asked_by=run.asked_by)
        watcher.finish(report)
    except (Cancelled, PortalError) as ended:
        rollback()
        watcher.fail(ended)
        return {}
    except BaseException as error:
        rollback()
        watcher.fail(error)
        raise
    return report


def _scope(run: LongRun) -> Scope:
    return scope_of(int(run.subject) if run.subject else None)


@periodic(seconds=60)
def hand_over_waiting_trainings() -> None:
    """Hand over again the trainings that wait, and those whose worker has died."""
    going = select(LongRun).filter_by(kind=services.KIND).where(LongRun.state.in_(RUNNING)).order_by(LongRun.id)
    for run in db.session.scalars(going).all():
        with training.alone(_scope(run), wait=False) as free:
            if free:
                _hand_over(run.id)


@periodic(seconds=900)
def train_what_has_grown() -> None:
    """Ask for a training where a fifth more has been written, or a week has passed and something has been."""
    for scope in all_scopes():
        if scope.learns and _is_due(scope):
            start(scope)


def _is_due(scope: Scope) -> bool:
    run = queries.latest_run(scope.board_id)
    if run is None:
        return queries.threads_on(scope.learns) >= rules.FIRST_TRAINING
    written = queries.counted(scope.learns)
    before = int(run.report.get("documents", 0))
    return written >= rules.GROWN * before or (written > before and now() - run.ended_at > rules.STALE)
