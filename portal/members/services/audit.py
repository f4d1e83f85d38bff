"""What staff did: written with the act itself, chained by hashes, checked by ``portal audit verify``.

An entry is written at once and sealed as the last thing of its transaction, under one lock: whoever holds it waits for
nothing else, so that two who act at once neither fork the chain nor wait for each other in a circle. Nothing is ever
committed unsealed.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import insert, select, text

from portal.kernel.database import before_commit, db
from portal.members.models.audit import AuditEntry

START = hashlib.sha256(b"portal audit").digest()
LONGEST = 200
STREAM = 2000
NOTED = "audit.noted"
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('portal.audit'))")
_HEAD = text("SELECT seq, hash FROM audit_head")
_MOVE_HEAD = text("""
INSERT INTO audit_head (id, seq, hash) VALUES (1, :seq, :hash)
ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash""")
_OPEN = text(
    "SELECT id, at, actor_id, act, subject_kind, subject_id, details FROM audit_entry WHERE hash IS NULL ORDER BY id"
)
_SEAL = text("UPDATE audit_entry SET seq = :seq, hash = :hash WHERE id = :id")
_ALL = text("""
SELECT id, at, actor_id, act, subject_kind, subject_id, details, seq, hash FROM audit_entry
ORDER BY seq NULLS LAST, id""")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: how many entries hold, the last hash, and the first entry that does not, if any."""

    entries: int
    head: str
    bad_id: int | None = None
    problem: str = ""

    @property
    def sound(self) -> bool:
        """Return whether the chain holds from its beginning to its end."""
        return self.bad_id is None and not self.problem


def note(actor_id: int | None, act: str, subject_kind: str, subject_id: int | None = None, **details: Any) -> int:
    """Write down what staff did; return the entry's id. It stands or falls with the current transaction.

    :param act: a word for it, ``<feature>.<verb>``: ``idea.stage``, ``member.role``, ``moderation.hide``.
    :param details: ids, codes, numbers. No names, addresses or texts: those are erased one day, and the chain stays.
    :raise ValueError: for a detail that looks like a personal text.
    """
    row = {
        "actor_id": actor_id,
        "act": act,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "details": {key: _plain(key, value) for key, value in sorted(details.items())},
    }
    entry_id: int = db.session.execute(insert(AuditEntry).values(row).returning(AuditEntry.id)).scalar_one()
    db.session().info[NOTED] = True
    before_commit(seal, key="audit")
    return entry_id


def note_unless_noted(actor_id: int | None, act: str, subject_kind: str, subject_id: int | None, **ids: Any) -> None:
    """Write an act down as the last thing of this transaction, unless the act itself has written more about it."""

    def write() -> None:
        if not db.session().info.get(NOTED):
            note(actor_id, act, subject_kind, subject_id, **ids)

    before_commit(write, key="audit.unless")


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, str) and ("@" in value or len(value) > LONGEST):
        raise ValueError(f"The audit record keeps ids and codes, no texts or addresses: {key}")
    if isinstance(value, dict):
        return {str(name): _plain(f"{key}.{name}", one) for name, one in sorted(value.items())}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(key, one) for one in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, float):
        return repr(value)
    raise ValueError(f"The audit record cannot keep a {type(value).__name__}: {key}")


def seal() -> int:
    """Chain what this transaction wrote to what is there; return how many entries. The lock is kept to its end."""
    db.session().info.pop(NOTED, None)
    db.session.execute(_LOCK)
    last = db.session.execute(_HEAD).one_or_none()
    seq, before = (int(last.seq), bytes(last.hash)) if last is not None else (0, START)
    sealed = 0
    for row in db.session.execute(_OPEN).all():
        seq, before = seq + 1, _hash(before, seq + 1, row)
        db.session.execute(_SEAL, {"seq": seq, "hash": before, "id": row.id})
        sealed += 1
    if sealed:
        db.session.execute(_MOVE_HEAD, {"seq": seq, "hash": before})
    return sealed


def _hash(before: bytes, seq: int, row: Any) -> bytes:
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    line = [seq, row.id, at, row.actor_id, row.act, row.subject_kind, row.subject_id, row.details]
    words = json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(before + words.encode()).digest()


def verify(head: str | None = None) -> Verdict:
    """Compute the chain anew and name the first entry that does not hold, or which are missing at its end.

    :param head: a hash that was kept elsewhere; a chain that does not hold it any more has been cut or written anew.
    """
    kept = head.strip().lower() if head is not None else None
    seq, before, met = 0, START, kept in {None, START.hex()}
    for row in _entries():
        seq += 1
        if row.hash is None:
            return Verdict(seq - 1, before.hex(), row.id, "not sealed")
        if row.seq != seq:
            return Verdict(seq - 1, before.hex(), row.id, "an entry before it is missing")
        expected = _hash(before, seq, row)
        if expected != bytes(row.hash):
            return Verdict(seq - 1, before.hex(), row.id, "changed after it was written")
        before = expected
        met = met or before.hex() == kept
    if problem := _trouble_at_the_end(seq, before):
        return Verdict(seq, before.hex(), None, problem)
    return Verdict(seq, before.hex(), None, "" if met else "the chain does not hold the hash that was kept")


def _trouble_at_the_end(seq: int, last: bytes) -> str:
    """Return what is wrong if the chain does not end where it was last sealed."""
    head = db.session.execute(_HEAD).one_or_none()
    known, digest = (int(head.seq), bytes(head.hash)) if head is not None else (0, START)
    if known > seq:
        return f"entries {seq + 1} to {known} are missing at its end"
    return "" if (known, digest) == (seq, last) else "its end is not what was sealed last"


def _entries() -> Iterator[Any]:
    yield from db.session.execute(_ALL.execution_options(yield_per=STREAM))


def entries(
    *,
    actor_id: int | None = None,
    act: str = "",
    subject: tuple[str, int | None] | None = None,
    before_id: int | None = None,
    size: int = 50,
) -> list[AuditEntry]:
    """Return the latest entries first, filtered; up to ``size + 1``, so that one sees whether there are more."""
    wanted = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(size + 1)
    if actor_id is not None:
        wanted = wanted.where(AuditEntry.actor_id == actor_id)
    if act:
        wanted = wanted.where(AuditEntry.act.startswith(act, autoescape=True))
    if subject is not None:
        wanted = wanted.where(AuditEntry.subject_kind == subject[0])
        if subject[1] is not None:
            wanted = wanted.where(AuditEntry.subject_id == subject[1])
    if before_id is not None:
        wanted = wanted.where(AuditEntry.id < before_id)
    return list(db.session.scalars(wanted))


def acts() -> list[str]:
    """Return every word for an act that the record holds."""
    return list(db.session.scalars(select(AuditEntry.act).distinct().order_by(AuditEntry.act)))
