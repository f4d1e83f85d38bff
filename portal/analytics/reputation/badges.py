"""Badges: few, and each for something that can be looked up. What earns one is read from the ledger and the record.

The ground is kept with the badge: how many, and on which things it rests.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import func, select

from portal.analytics.models import Expertise, IdeaCourse
from portal.analytics.reputation.models import ReputationEntry
from portal.analytics.reputation.rules import TRUSTED, Kind
from portal.kernel.database import db

Ground = dict[str, Any]
HELPED_MANY = 10
HELPED_ON_ONE_TOPIC = 50
VERIFIED = 3
FORESEEN = 3
KEPT = 50
LINES = ReputationEntry
STANDS = (LINES.reverses_id.is_(None), LINES.reversed_by.is_(None))


def earned(member_ids: Collection[int]) -> dict[int, dict[str, Ground]]:
    """Return the badges that members have earned, with their grounds."""
    found: dict[int, dict[str, Ground]] = defaultdict(dict)
    ids = list(member_ids)
    for key, read in BADGES.items():
        for member_id, ground in read(ids).items():
            found[member_id][key] = ground
    return found


def _things(kind: Kind, least: int) -> Callable[[list[int]], dict[int, Ground]]:
    """Return the reader of a badge for so many things with a line of one kind."""

    def read(ids: list[int]) -> dict[int, Ground]:
        things = func.array_agg(LINES.object_id.distinct())
        rows = db.session.execute(
            select(LINES.beneficiary_id, LINES.object_kind, things)
            .where(LINES.beneficiary_id.in_(ids), LINES.kind == kind, *STANDS)
            .group_by(LINES.beneficiary_id, LINES.object_kind)
        )
        return {
            who: {"n": len(found), "kind": what, "ids": sorted(found)[:KEPT]}
            for who, what, found in rows
            if len(found) >= least
        }

    return read


def _helped_many(ids: list[int]) -> dict[int, Ground]:
    people = func.count(LINES.actor_id.distinct())
    rows = db.session.execute(
        select(LINES.beneficiary_id, people)
        .where(LINES.beneficiary_id.in_(ids), LINES.counted > 0, LINES.weight >= TRUSTED,
               LINES.kind.in_([Kind.ACCEPTED, Kind.HELPED, Kind.SPARED]), *STANDS)
        .group_by(LINES.beneficiary_id)
        .having(people >= HELPED_MANY)
    )  # fmt: skip
    return {who: {"n": n} for who, n in rows}


def _helped_on_one_topic(ids: list[int]) -> dict[int, Ground]:
    rows = db.session.execute(
        select(Expertise.member_id, func.max(Expertise.people))
        .where(Expertise.member_id.in_(ids), Expertise.place.is_not(None))
        .group_by(Expertise.member_id)
        .having(func.max(Expertise.people) >= HELPED_ON_ONE_TOPIC)
    )
    return {who: {"n": n} for who, n in rows}


def _foresaw(ids: list[int]) -> dict[int, Ground]:
    """Count the ideas of others that members supported before they were planned, and that were shipped."""
    planned = func.coalesce(IdeaCourse.planned_at, IdeaCourse.making_at, IdeaCourse.shipped_at)
    things = func.array_agg(LINES.object_id.distinct())
    rows = db.session.execute(
        select(LINES.actor_id, things)
        .join(IdeaCourse, IdeaCourse.idea_id == LINES.object_id)
        .where(LINES.actor_id.in_(ids), LINES.kind == Kind.VOTE, IdeaCourse.stage == "shipped", ~IdeaCourse.hidden,
               LINES.at < planned, *STANDS)
        .group_by(LINES.actor_id)
    )  # fmt: skip
    return {
        who: {"n": len(found), "kind": "idea", "ids": sorted(found)[:KEPT]}
        for who, found in rows
        if who is not None and len(found) >= FORESEEN
    }


BADGES: dict[str, Callable[[list[int]], dict[int, Ground]]] = {
    "shipped": _things(Kind.SHIPPED, 1),
    "verified": _things(Kind.VERIFIED, VERIFIED),
    "helped_many": _helped_many,
    "helped_on_one_topic": _helped_on_one_topic,
    "foresaw": _foresaw,
}
