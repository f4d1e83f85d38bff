"""Who was erased, as hashes: so that no backup brings anybody back.

A hash is made of a member's number and the moment at which she joined: it finds her row in a backup of the same
community, and tells a reader nothing. The list stands in the database and in a file beside it; a restore joins both
with the backup's own and erases anew.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members.models import Member
from portal.members.privacy.models import Erasure

FILE = "erasures.jsonl"


def digest_of(member_id: int, joined_at: datetime) -> str:
    """Return the hash that stands for a member."""
    moment = joined_at.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(f"member {member_id} joined {moment}".encode()).hexdigest()


def add(digest: str, *, texts: bool) -> None:
    """Remember that a member was erased; a second time changes nothing."""
    row = insert(Erasure).values(digest=digest, texts=texts, at=now())
    db.session.execute(row.on_conflict_do_nothing())


def known() -> dict[str, bool]:
    """Return the hashes of the database, each with whether texts went, too."""
    return {row[0]: row[1] for row in db.session.execute(select(Erasure.digest, Erasure.texts))}


def read_file(folder: Path) -> dict[str, bool]:
    """Return the hashes of the file; a line that cannot be read is skipped, it never holds what is needed twice."""
    path = folder / FILE
    if not path.is_file():
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            one = json.loads(line)
            found[str(one["digest"])] = bool(one["texts"])
        except (ValueError, KeyError, TypeError):
            continue
    return found


def write_file(folder: Path, more: Mapping[str, bool] | None = None) -> None:
    """Bring the file up to date with these hashes; whole or not at all."""
    wanted = {**read_file(folder), **(more or {})}
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{FILE}.part"
    part.write_text("".join(_lines(wanted)), encoding="utf-8")
    part.replace(folder / FILE)


def _lines(wanted: Mapping[str, bool]) -> Iterable[str]:
    return (json.dumps({"digest": digest, "texts": texts}) + "\n" for digest, texts in sorted(wanted.items()))


def members_to_erase(wanted: Mapping[str, bool]) -> list[tuple[int, bool]]:
    """Return the members here who were erased once and are back, each with whether her texts go."""
    if not wanted:
        return []
    rows = db.session.execute(select(Member.id, Member.joined_at).where(Member.erased_at.is_(None)).order_by(Member.id))
    digests = ((row[0], digest_of(row[0], row[1])) for row in rows)
    return [(member_id, wanted[digest]) for member_id, digest in digests if digest in wanted]
