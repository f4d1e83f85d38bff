"""What a member does about her data: she agrees or not, asks for a file, asks to leave."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from portal.kernel import personal
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.jobs import job
from portal.kernel.progress import LongRun, Progress, ask_for, latest
from portal.members import queries
from portal.members import services as members
from portal.members.models import Consent, Member
from portal.members.privacy import exporting, files
from portal.members.privacy.keeping import EXPORT_DAYS
from portal.members.rules import OFFERED, Purpose

KIND = "member_export"
MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Said:
    """One thing a member agreed to, withdrew or accepted."""

    purpose: str
    given: bool
    terms: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Ready:
    """A file with a member's data: being written, or there to be fetched until it goes."""

    run_id: int
    state: str
    step: str
    done: int
    total: int
    name: str | None
    bytes: int
    records: int
    until: datetime | None

    @property
    def is_going(self) -> bool:
        """Return whether it is still being written."""
        return self.state in {"waiting", "running"}


def choose(member_id: int, agreed: Collection[str]) -> None:
    """Keep a member's word on every purpose that is offered: yes to those named, no to the others."""
    for purpose in OFFERED:
        members.say_consent(member_id, purpose, given=purpose.value in agreed)


def choices(member_id: int) -> dict[Purpose, bool]:
    """Return what a member agrees to now, of what is offered."""
    return {purpose: queries.agrees(member_id, purpose) for purpose in OFFERED}


def history(member_id: int) -> list[Said]:
    """Return what a member has said about purposes and terms, the latest first."""
    wanted = select(Consent.purpose, Consent.given, Consent.terms, Consent.at).filter_by(member_id=member_id)
    return [Said(*row) for row in db.session.execute(wanted.order_by(Consent.id.desc()).limit(MOST_ROWS))]


def terms_of(member_id: int) -> int:
    """Return the version of the terms that a member accepted last."""
    return db.session.scalars(select(Member.terms).filter_by(id=member_id)).one()


# The file


def ask_for_file(member_id: int) -> int:
    """Ask for a file with everything; the one that is being written serves, too. Return its run."""
    run = ask_for(KIND, str(member_id), asked_by=member_id)
    write_file.once(str(run.id), run.id)
    return run.id


@job(queue="heavy")
def write_file(run_id: int) -> None:
    """Write the file of a run. A repeat finds the run done, or writes anew under another name what was begun."""
    run = db.session.get(LongRun, run_id)
    if run is None or run.ended_at is not None:
        return
    member_id, progress = int(run.subject), Progress(run_id)
    target = files.new_export_path(member_id)
    try:
        report = exporting.write(member_id, target, progress)
    except BaseException as error:
        target.unlink(missing_ok=True)
        progress.fail(error)
        raise
    progress.finish({"file": target.name, "bytes": report["bytes"], "records": sum(report["records"].values())})


def file_of(member_id: int) -> Ready | None:
    """Return the newest file of a member, or None when she has asked for none or it is gone."""
    run = latest(KIND, str(member_id))
    if run is None or run.asked_by != member_id:
        return None
    report: dict[str, Any] = run.report or {}
    until = run.ended_at + timedelta(days=EXPORT_DAYS) if run.ended_at else None
    if until is not None and until < now():
        return None
    name = report.get("file")
    return Ready(run.id, run.state, run.step, run.done, run.total, name, report.get("bytes", 0),
                 report.get("records", 0), until)  # fmt: skip


def path_of_file(member_id: int) -> Path | None:
    """Return where the newest file of a member lies, while she may fetch it."""
    ready = file_of(member_id)
    if ready is None or ready.name is None or not ready.name.startswith(f"member-{member_id}-"):
        return None
    return files.export_path(ready.name)


# To read on the page


def held(member_id: int) -> dict[str, int]:
    """Return how many records there are of each kind; those without any are left out."""
    counts = {
        str(one.export): sum(1 for _row in exporting.rows_of(one, member_id))
        for one in personal.tables().values()
        if one.export
    }
    return {name: count for name, count in counts.items() if count}


def worked_out(member_id: int) -> dict[str, int]:
    """Return how many records there are of what is worked out about a member, by kind: figures, ranks, guesses."""
    derived = {one.export for one in personal.tables().values() if one.move is personal.Move.DERIVED}
    return {name: count for name, count in held(member_id).items() if name in derived}


def records(member_id: int, name: str) -> list[dict[str, Any]] | None:
    """Return the latest records of one kind as they are exported, at most `MOST_ROWS`; None for an unknown kind."""
    found = next((one for one in personal.tables().values() if one.export == name), None)
    if found is None:
        return None
    return [exporting.as_json(row) for row in exporting.rows_of(found, member_id)][-MOST_ROWS:]
