"""Keeping the figures of members up to date, and proving that they are what the record says."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from portal.analytics import figures
from portal.analytics.events import FiguresChanged
from portal.analytics.folding import COUNTED, additions
from portal.analytics.models import MemberDay, MemberFigures
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import event_of, publish
from portal.kernel.projections import FactRow
from portal.members import facade as people
from portal.members.models import Member

Day = tuple[int, date, int, str]
CHUNK = 500
CURSOR = "analytics.figures"
_ADD = text("""
INSERT INTO member_day (member_id, day, board_id, kind, n)
SELECT * FROM unnest(CAST(:members AS bigint[]), CAST(:days AS date[]), CAST(:boards AS bigint[]),
                     CAST(:kinds AS text[]), CAST(:ns AS bigint[]))
ON CONFLICT (member_id, day, board_id, kind) DO UPDATE SET n = member_day.n + excluded.n""")
_READ = text("""
SELECT f.name, f.version, f.payload, f.happened_at FROM activity f, projection_cursor c
WHERE c.name = :cursor AND f.name = ANY(:names) AND (f.xid, f.id) <= (c.xid, c.fact_id)
ORDER BY f.xid, f.id""")

# What a member did stands under her number, what others owe to her names her as the author.
_READ_OF = text("""
SELECT f.name, f.version, f.payload, f.happened_at FROM activity f, projection_cursor c
WHERE c.name = :cursor AND f.name = ANY(:names) AND (f.xid, f.id) <= (c.xid, c.fact_id)
  AND (f.actor_id = ANY(:members) OR (f.payload ->> 'author_id')::bigint = ANY(:members))""")


def count(facts: Sequence[FactRow]) -> set[int]:
    """Add a batch of facts to the daily figures; return the members it touched."""
    days: Counter[Day] = Counter()
    for fact in facts:
        _add_to(days, additions(fact.event, fact.happened_at))
    _write({day: n for day, n in days.items() if n})
    return {member_id for member_id, *_ in days}


def _add_to(days: "Counter[Day]", found: Iterable[Any]) -> None:
    for one in found:
        days[one.member_id, one.day, one.board_id, one.kind.value] += one.n


def _write(days: dict[Day, int]) -> None:
    if days:
        rows = sorted(days.items())
        members, dates, boards, kinds = zip(*(day for day, _ in rows), strict=True)
        values = {"members": members, "days": dates, "boards": boards, "kinds": kinds, "ns": [n for _, n in rows]}
        db.session.execute(_ADD, {name: list(value) for name, value in values.items()})


def count_anew(member_ids: Collection[int]) -> None:
    """Count the daily figures of members anew, from all facts that have been read: they were joined, or parted."""
    if not member_ids:
        return
    merged = people.merged_members()
    numbers = {*member_ids, *(gone for gone, kept in merged.items() if kept in set(member_ids))}
    days: Counter[Day] = Counter()
    bound = {"cursor": CURSOR, "names": [event.__name__ for event in COUNTED], "members": sorted(numbers)}
    for name, version, payload, happened_at in db.session.execute(_READ_OF, bound):
        _add_to(days, additions(people.as_merged(event_of(name, payload, version), merged), happened_at))
    db.session.execute(delete(MemberDay).where(MemberDay.member_id.in_(member_ids)))
    _write({day: n for day, n in days.items() if n and day[0] in set(member_ids)})


def forget() -> None:
    """Empty the daily figures and what was worked out from them."""
    db.session.execute(delete(MemberDay))
    db.session.execute(delete(MemberFigures))


def refresh(member_ids: Collection[int]) -> list[int]:
    """Work out the figures of these members anew; return, and tell about, those whose figures changed."""
    changed: list[int] = []
    ids = sorted(set(member_ids))
    for start in range(0, len(ids), CHUNK):
        changed += _refresh(ids[start : start + CHUNK])
    if changed:
        publish(FiguresChanged(member_ids=changed))
    return changed


def _refresh(ids: list[int]) -> list[int]:
    known = {
        row.member_id: row.figures
        for row in db.session.execute(
            select(MemberFigures.member_id, MemberFigures.figures).where(MemberFigures.member_id.in_(ids))
        )
    }
    fresh = {member_id: plain(found) for member_id, found in figures.of_members(ids).items()}
    changed = [member_id for member_id, found in fresh.items() if known.get(member_id) != found]
    if changed:
        add = insert(MemberFigures)
        update = {"figures": add.excluded.figures, "changed_at": add.excluded.changed_at}
        rows = [{"member_id": one, "figures": fresh[one], "changed_at": now()} for one in changed]
        db.session.execute(add.on_conflict_do_update(index_elements=["member_id"], set_=update), rows)
    return changed


def plain(found: figures.Figures) -> dict[str, Any]:
    """Return figures as JSON keeps them: times become text."""
    kept: dict[str, Any] = json.loads(json.dumps(found, default=_text))
    return kept


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def refresh_all(member_ids: Iterable[int] | None = None) -> int:
    """Work out everybody's figures anew, as the clock moves windows on; return how many changed."""
    ids = list(db.session.scalars(select(Member.id))) if member_ids is None else list(member_ids)
    return len(refresh(ids))


def recount(*, mend: bool = True) -> dict[str, Any]:
    """Count the daily figures again from all facts and compare with what is stored.

    Read as far as the projection has read, so that what is on its way is no drift.

    :param mend: put the recounted figures in the place of those that drifted.
    :return: how many facts were read, how many figures there are, and which drifted.
    """
    # The cursor's row stays locked until the end: no batch can slip in between reading and comparing.
    db.session.execute(text("SELECT 1 FROM projection_cursor WHERE name = :name FOR UPDATE"), {"name": CURSOR})
    read, fresh = 0, Counter[Day]()
    merged = people.merged_members()
    for event, at in _facts():
        _add_to(fresh, additions(people.as_merged(event, merged), at))
        read += 1
    columns = (MemberDay.member_id, MemberDay.day, MemberDay.board_id, MemberDay.kind)
    stored: dict[Day, int] = {(a, b, c, d): n for a, b, c, d, n in db.session.execute(select(*columns, MemberDay.n))}
    right = {day: n for day, n in fresh.items() if n}
    drift = {
        day: right.get(day, 0) - stored.get(day, 0)
        for day in right.keys() | stored.keys()
        if right.get(day, 0) != stored.get(day, 0)
    }
    if drift and mend:
        _write(drift)
        refresh({day[0] for day in drift})
    return {"facts": read, "figures": len(right), "drift": len(drift), "mended": len(drift) if mend else 0,
            "examples": [_say(day, n) for day, n in sorted(drift.items())[:10]]}  # fmt: skip


def _say(day: Day, n: int) -> dict[str, Any]:
    return {"member": day[0], "day": day[1].isoformat(), "board": day[2], "kind": day[3], "off_by": n}


def _facts() -> Iterator[tuple[Any, datetime]]:
    names = [event.__name__ for event in COUNTED]
    rows = db.session.execute(_READ.execution_options(yield_per=5000), {"cursor": CURSOR, "names": names})
    for name, version, payload, happened_at in rows:
        yield event_of(name, payload, version), happened_at
