"""Long runs: what a job of minutes tells those who wait for it, and how they stop it."""

from collections.abc import Iterable, Iterator, Sized
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model, db

T = TypeVar("T")
SHOWN_EVERY = 0.5
RUNNING = ("waiting", "running")


class LongRun(Model):
    """One run of a long job: state is ``waiting``, ``running``, ``done``, ``failed`` or ``cancelled``."""

    __tablename__ = "long_run"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kind: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(default="")
    asked_by: Mapped[int | None] = mapped_column(default=None)
    state: Mapped[str] = mapped_column(default="waiting")
    step: Mapped[str] = mapped_column(default="")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    cancel: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None] = mapped_column(default=None)
    report: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    asked_at: Mapped[datetime] = mapped_column(default_factory=now)
    began_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class Cancelled(Exception):
    """Somebody asked the run to stop."""


class Progress:
    """Tells how far a run is, in transactions of its own, so that watchers see it while the job's are open.

    Without a run (``None``) it only counts: commands and tests use the same code.
    """

    def __init__(self, run_id: int | None = None) -> None:
        self.run_id = run_id
        self._told = now()

    def begin(self, step: str, total: int = 0) -> None:
        """Enter a step of ``total`` units (0: not known)."""
        self._write(state="running", step=step, done=0, total=total)

    def tell(self, done: int) -> None:
        """Say how much of the step is done; at most twice a second.

        :raise Cancelled: when somebody asked the run to stop.
        """
        if (now() - self._told).total_seconds() >= SHOWN_EVERY:
            self._write(done=done)

    def over(self, items: Iterable[T], step: str) -> Iterator[T]:
        """Yield the items of a step and tell how many have passed."""
        self.begin(step, len(items) if isinstance(items, Sized) else 0)
        for done, item in enumerate(items):
            self.tell(done)
            yield item

    def finish(self, report: dict[str, Any]) -> None:
        """Close the run with what it found."""
        self._write(state="done", report=report, ended_at=now())

    def fail(self, error: BaseException) -> None:
        """Close the run with what went wrong."""
        state = "cancelled" if isinstance(error, Cancelled) else "failed"
        self._write(check=False, state=state, error=f"{type(error).__name__}: {error}"[:2000], ended_at=now())

    def _write(self, *, check: bool = True, **values: Any) -> None:
        self._told = now()
        if self.run_id is None:
            return
        with Session(db.engine) as session:
            stop = session.scalar(
                update(LongRun).where(LongRun.id == self.run_id).values(values).returning(LongRun.cancel)
            )
            if values.get("state") == "running":
                session.execute(
                    update(LongRun).where(LongRun.id == self.run_id, LongRun.began_at.is_(None)).values(began_at=now())
                )
            session.commit()
        if check and stop:
            raise Cancelled


def ask_for(kind: str, subject: str = "", *, asked_by: int | None = None) -> LongRun:
    """Return a new run, or the one of this kind and subject that waits or runs already."""
    same = select(LongRun).filter_by(kind=kind, subject=subject).where(LongRun.state.in_(RUNNING))
    if (going := db.session.scalar(same)) is not None:
        return going
    run = LongRun(kind=kind, subject=subject, asked_by=asked_by)
    db.session.add(run)
    db.session.flush()
    return run


def cancel(run_id: int) -> None:
    """Ask a run to stop at its next sign of life."""
    db.session.execute(update(LongRun).where(LongRun.id == run_id).values(cancel=True))


def latest(kind: str, subject: str = "") -> LongRun | None:
    """Return the newest run of a kind."""
    newest = select(LongRun).filter_by(kind=kind, subject=subject).order_by(LongRun.id.desc()).limit(1)
    return db.session.scalar(newest)
