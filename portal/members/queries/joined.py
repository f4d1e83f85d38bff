"""Accounts that were joined: whose number stands for whose, and what a fact means since."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import aliased

from portal.kernel.database import db
from portal.kernel.events import Event
from portal.members.models import Member
from portal.members.models.people import MemberMerge

PEOPLE = frozenset({"actor_id", "author_id", "asker_id", "member_id", "by_id"})
"""Fields of events that hold a member's number."""
_known: dict[str, tuple[str, ...]] = {}


@dataclass(frozen=True, slots=True)
class MergeCard:
    """Two accounts that were joined, and by what evidence."""

    id: int
    kept_id: int
    kept_name: str
    gone_id: int
    gone_name: str
    evidence: str
    by_id: int | None
    made_at: datetime
    undone_at: datetime | None


def merged_members() -> dict[int, int]:
    """Return for each account that was joined to another the one that stands for both now."""
    rows = db.session.execute(select(Member.id, Member.merged_into_id).where(Member.merged_into_id.is_not(None)))
    return {gone: kept for gone, kept in rows if kept is not None}


def as_merged(event: Event, merged: Mapping[int, int]) -> Event:
    """Return an event with the numbers of joined accounts replaced by the one that stands for them.

    Facts are never rewritten: whoever folds them by member reads them through this, and again when a join or its end
    has been published.
    """
    if not merged:
        return event
    changed = {}
    for name in _people_of(type(event)):
        who = getattr(event, name)
        if who in merged:
            changed[name] = merged[who]
    return replace(event, **changed) if changed else event


def _people_of(kind: type[Event]) -> tuple[str, ...]:
    if kind.__name__ not in _known:
        _known[kind.__name__] = tuple(one.name for one in fields(kind) if one.name in PEOPLE)
    return _known[kind.__name__]


def stands_for(member_id: int) -> int:
    """Return the account that stands for this one: another if the two were joined, else itself."""
    found = db.session.scalar(select(Member.merged_into_id).filter_by(id=member_id))
    return member_id if found is None else found


def merges_of(member_id: int) -> list[MergeCard]:
    """Return the joins a member had a part in, the latest first."""
    kept, gone = aliased(Member), aliased(Member)
    rows = db.session.execute(
        select(
            MemberMerge.id, MemberMerge.kept_id, kept.name, MemberMerge.gone_id, gone.name, MemberMerge.evidence,
            MemberMerge.by_id, MemberMerge.made_at, MemberMerge.undone_at,
        )
        .join(kept, kept.id == MemberMerge.kept_id)
        .join(gone, gone.id == MemberMerge.gone_id)
        .where((MemberMerge.kept_id == member_id) | (MemberMerge.gone_id == member_id))
        .order_by(MemberMerge.id.desc())
    )  # fmt: skip
    return [MergeCard(*row) for row in rows]
