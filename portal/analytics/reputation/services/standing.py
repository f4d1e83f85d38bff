"""Trust levels and badges, worked out from what is known of members. A repeat changes nothing."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from portal.analytics.reputation import badges, queries
from portal.analytics.reputation.events import BadgeEarned, BadgeRevoked
from portal.analytics.reputation.levels import (
    ACTIVE_DAYS,
    FLAG_DAYS,
    JUDGED_DAYS,
    Level,
    Signs,
    level_of,
    missing,
)
from portal.analytics.reputation.models import Badge, TrustStanding
from portal.analytics.reputation.queries import Person
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import publish
from portal.members.services.trust import set_trust_level

CHUNK = 500
OLD = timedelta(days=14)
"""Whoever has been here longer when levels are worked out for the first time hears nothing of it."""


def look_at_everybody() -> int:
    """Work out the levels and badges of all who have an account; return how many members were looked at."""
    done, last = 0, 0
    while ids := queries.everybody(last, CHUNK):
        look_at(ids)
        done, last = done + len(ids), ids[-1]
    return done


def look_at(member_ids: Collection[int]) -> None:
    """Work out the levels and badges of some members."""
    ids = sorted(set(member_ids))
    for start in range(0, len(ids), CHUNK):
        some = queries.people(ids[start : start + CHUNK])
        _levels(some)
        _badges([person.id for person in some])


def signs_of(some: Iterable[Person]) -> dict[int, Signs]:
    """Return what is known of members."""
    folk = list(some)
    ids = [person.id for person in folk]
    moment = now()
    written = queries.contributions(ids, moment - timedelta(days=JUDGED_DAYS))
    liked = queries.well_received(ids)
    days = queries.active_days(ids, (moment - timedelta(days=ACTIVE_DAYS)).date())
    flagged = queries.flags(ids, moment - timedelta(days=FLAG_DAYS))
    voices, sums = queries.voices_of(ids), queries.sums_of(ids)
    return {
        person.id: Signs(
            staff=person.staff,
            known=person.known,
            voice=round(voices.get(person.id, 0.0), 6),
            good=len(written.get(person.id, set()) & liked.get(person.id, set())),
            judged=len(written.get(person.id, ())),
            days=days.get(person.id, 0),
            people=sums[person.id].people,
            flags=flagged.get(person.id, 0),
        )
        for person in folk
    }


def _levels(some: list[Person]) -> None:
    known, moment = queries.standings([person.id for person in some]), now()
    rows, found = [], signs_of(some)
    for person in some:
        signs = found[person.id]
        level = level_of(signs)
        before = known.get(person.id)
        is_first = before is None and moment - person.joined_at > OLD
        set_trust_level(person.id, level, why=why(signs, level, person.level), quiet=is_first or person.staff)
        since = before.since if before is not None and before.level == level else moment
        rows.append({"member_id": person.id, "level": int(level), "signs": asdict(signs), "since": since})
    if rows:
        add = insert(TrustStanding)
        changed = {name: add.excluded[name] for name in ("level", "signs", "since")}
        db.session.execute(add.on_conflict_do_update(index_elements=["member_id"], set_=changed), rows)


def why(signs: Signs, level: Level, before: int) -> list[str]:
    """Return what opened a level, by name; after a fall, what is missing for the level that was lost."""
    if level < before:
        return [str(one.need) for one in missing(signs, Level(level + 1))]
    if signs.staff:
        return ["staff"]
    return ["known"] if signs.known else ["vouched"]


# Badges


def _badges(member_ids: list[int]) -> None:
    earned = badges.earned(member_ids)
    held = queries.badges_ever(member_ids)
    for member_id in member_ids:
        _settle(member_id, earned.get(member_id, {}), held.get(member_id, {}), now())


def _settle(member_id: int, earned: Mapping[str, dict[str, Any]], held: Mapping[str, bool], moment: datetime) -> None:
    """Give what is earned and take back what has lost its ground; ``held`` says of each whether it stands."""
    for key, ground in earned.items():
        row = {"member_id": member_id, "key": key, "ground": ground, "since": moment, "revoked_at": None}
        add = insert(Badge).values(row)
        changed: dict[str, Any] = {"ground": ground, "revoked_at": None}
        if not held.get(key, False):
            changed["since"] = moment
            publish(BadgeEarned(member_id=member_id, badge=key))
        db.session.execute(add.on_conflict_do_update(index_elements=["member_id", "key"], set_=changed))
    for key in [key for key, stands in held.items() if stands and key not in earned]:
        db.session.execute(update(Badge).filter_by(member_id=member_id, key=key).values(revoked_at=moment))
        publish(BadgeRevoked(member_id=member_id, badge=key))
