"""Events and listeners that only these tests know."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import text

from portal.kernel.database import db
from portal.kernel.events import Event, listens_to


@dataclass(frozen=True, slots=True, kw_only=True)
class BellRung(Event):
    """Somebody rang a bell."""

    subject: ClassVar[str] = "bell"
    bell_id: int
    loud: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorShut(Event):
    """A door fell shut; version 1 called it ``slam``."""

    version: ClassVar[int] = 2
    door_id: int

    @classmethod
    def upgrade(cls, payload: dict[str, Any], version: int) -> dict[str, Any]:
        """Rename what version 1 called otherwise."""
        return {"door_id": payload["slam"], "actor_id": payload.get("actor_id")} if version == 1 else payload


def note(what: str) -> None:
    """Write a line that can be counted."""
    db.session.execute(text("INSERT INTO long_run (kind, subject, state, step, done, total, cancel, asked_at)"
                            " VALUES ('heard', :what, 'done', '', 0, 0, false, now())"), {"what": what})  # fmt: skip


def heard(what: str) -> int:
    """Count the lines."""
    counted = db.session.execute(
        text("SELECT count(*) FROM long_run WHERE kind = 'heard' AND subject = :w"), {"w": what}
    )
    return int(counted.scalar_one())


class Fault:
    """Where the next listener breaks down."""

    at: str | None = None


@listens_to(BellRung)
def hear(event: BellRung) -> None:
    """Write down that the bell was heard; break down before or after when asked to."""
    if Fault.at == "before":
        raise SystemExit
    note(f"bell {event.bell_id}")
    db.session.flush()
    if Fault.at == "after":
        raise SystemExit
    if Fault.at == "error":
        raise ValueError(event.bell_id)
