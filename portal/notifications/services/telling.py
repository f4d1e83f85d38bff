"""Writing down what members are told: each hears of a thing once, by its most direct reason, if she may see it.

Everything here works on many members at once: an idea with thousands of supporters costs as many statements as one
with two.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from portal.community import registry
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members.models import MemberBell
from portal.members.policy import Viewer
from portal.members.queries.several import viewers_of
from portal.notifications import queries
from portal.notifications.models import Cause, Delivery, Notification
from portal.notifications.rules.kinds import MANNERS, RANK, Kind, Level, State, Way, Why, ways_of
from portal.notifications.rules.times import Clock

TOGETHER = timedelta(hours=6)
"""What comes within this time of the first, and before that was read, is told with it."""
GRACE = timedelta(minutes=2)
"""So long a mail waits, for the case that she reads it in the page meanwhile."""
FEW = 30
Thing = tuple[str, int]
Told = list[tuple[int, int]]
"""Members with the notification that is new to each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One thing to tell to some members. ``source`` names what happened; nobody hears of one source twice."""

    kind: Kind
    why: Why
    to: frozenset[int]
    source: str
    group: str
    subject_kind: str
    subject_id: int | None = None
    board_id: int | None = None
    actor_id: int | None = None
    named: bool = True
    """Whether it is told who did it; votes have no name."""
    needs: tuple[Thing, ...] = ()
    """What each of them must be able to see."""
    places: tuple[Thing, ...] = ()
    """What each of them may have muted."""
    details: Mapping[str, Any] = field(default_factory=dict)

    def only(self, members: Collection[int]) -> "Telling":
        """Return the same for these members alone."""
        return replace(self, to=frozenset(members))

    @property
    def urgent(self) -> bool:
        """Return whether it does not wait for the end of quiet hours."""
        return bool(self.details.get("urgent"))


@dataclass(frozen=True, slots=True)
class _Reader:
    viewer: Viewer
    ways: frozenset[Way]
    clock: Clock


def tell(tellings: Iterable[Telling], *, at: datetime | None = None) -> Told:
    """Write these down; return what is new to whom.

    :param at: when it was told, for the past of a demo: then nothing leaves the portal.
    """
    told: Told = []
    for telling in most_direct(tellings):
        told += _tell(telling, at)
    count_unread({member_id for member_id, _id in told})
    return told


def most_direct(tellings: Iterable[Telling]) -> list[Telling]:
    """Leave each member, of all tellings of one source, the most direct one, and nobody her own act."""
    taken: set[tuple[str, int]] = set()
    kept: list[Telling] = []
    for telling in sorted(tellings, key=lambda one: RANK[one.kind]):
        mine = {who for who in telling.to if who != telling.actor_id and (telling.source, who) not in taken}
        taken |= {(telling.source, who) for who in mine}
        if mine:
            kept.append(telling.only(mine))
    return kept


def _tell(telling: Telling, at: datetime | None) -> Told:
    readers = _readers(telling)
    if not readers:
        return []
    moment = at or now()
    joined = _join(telling, readers, moment)
    fresh = _write(telling, {who: one for who, one in readers.items() if who not in joined}, moment)
    places = {**joined, **fresh}
    causes = [
        {"member_id": who, "source": telling.source, "notification_id": notification_id,
         "actor_id": telling.actor_id if telling.named else None, "at": moment}
        for who, notification_id in places.items()
    ]  # fmt: skip
    db.session.execute(upsert(Cause).on_conflict_do_nothing(), causes)
    if at is None:
        _promise({fresh[who]: one for who, one in readers.items() if who in fresh}, telling.urgent, moment)
    return [(who, notification_id) for who, notification_id in places.items() if Way.PAGE in readers[who].ways]


def _join(telling: Telling, readers: Collection[int], moment: datetime) -> dict[int, int]:
    """Let it join what is unread and young; return that by member; not what is read just now."""
    found = queries.open_groups(readers, telling.group, moment - TOGETHER)
    if not found:
        return {}
    grown = (
        update(Notification)
        .where(Notification.id.in_(found.values()), Notification.read_at.is_(None))
        .values(fresh_at=moment, seen_at=None, details=dict(telling.details))
        .returning(Notification.member_id, Notification.id)
    )
    return {row.member_id: row.id for row in db.session.execute(grown)}


def _write(telling: Telling, readers: Mapping[int, _Reader], moment: datetime) -> dict[int, int]:
    """Add a notification for each; return its id by member."""
    if not readers:
        return {}
    rows = [
        {
            "member_id": who, "kind": telling.kind.value, "why": telling.why.value, "group_key": telling.group,
            "subject_kind": telling.subject_kind, "subject_id": telling.subject_id, "board_id": telling.board_id,
            "details": dict(telling.details), "listed": Way.PAGE in one.ways, "created_at": moment,
            "fresh_at": moment,
        }
        for who, one in readers.items()
    ]  # fmt: skip
    added = insert(Notification).returning(Notification.member_id, Notification.id)
    return {row.member_id: row.id for row in db.session.execute(added, rows)}


def _promise(readers: Mapping[int, _Reader], urgent: bool, moment: datetime) -> None:  # noqa: FBT001
    """Put down what leaves the portal, by notification; not within her quiet hours unless it is urgent."""
    rows = []
    for notification_id, one in readers.items():
        for way, grace in ((Way.MAIL, GRACE), (Way.PUSH, timedelta())):
            if way in one.ways:
                due = moment if urgent else one.clock.when(moment + grace)
                rows.append({"key": f"{way}:{notification_id}", "member_id": one.viewer.id, "way": way.value,
                             "notification_id": notification_id, "state": State.WAITING.value, "due_at": due,
                             "made_at": moment})  # fmt: skip
    if rows:
        db.session.execute(upsert(Delivery).on_conflict_do_nothing(), rows)


def _readers(telling: Telling) -> dict[int, _Reader]:
    """Return who of the addressed hears of it: not yet told, with an account, not muted, allowed, by some way."""
    ids = telling.to - queries.told_of(telling.source, telling.to)
    if not ids:
        return {}
    viewers = viewers_of(ids)
    muted = _muted(telling, viewers)
    allowed = who_may_see([one for who, one in viewers.items() if who not in muted], telling.needs)
    chosen = queries.choices_of(allowed, telling.kind)
    reachable = queries.pushable(allowed)
    clocks = queries.clocks_of(allowed)
    readers = {}
    for who in sorted(allowed):
        ways = ways_of(telling.kind, chosen.get(who, {})) - {Way.DIGEST}
        ways -= frozenset() if who in reachable else {Way.PUSH}
        if ways or Way.DIGEST in ways_of(telling.kind, chosen.get(who, {})):
            readers[who] = _Reader(viewers[who], ways, clocks.get(who, Clock()))
    return readers


def _muted(telling: Telling, ids: Collection[int]) -> set[int]:
    if not MANNERS[telling.kind].mutable:
        return set()
    who_did_it = (("member", telling.actor_id),) if telling.actor_id is not None else ()
    board = (("board", telling.board_id),) if telling.board_id is not None else ()
    return queries.who_says(Level.MUTE, (*telling.places, *board, *who_did_it), ids)


def who_may_see(viewers: Sequence[Viewer], things: Sequence[Thing]) -> set[int]:
    """Return which of these members may see all of the things, by the same policy as pages.

    Among many, those of one kind with the same roles, segments and organisation are asked for once; what is shown and
    sent later is asked for each by herself.
    """
    if not things:
        return {one.id for one in viewers}
    classes: dict[object, list[Viewer]] = {}
    for one in viewers:
        same = (one.kind, one.roles, one.segments, one.organisation_id) if len(viewers) > FEW else one.id
        classes.setdefault(same, []).append(one)
    allowed: set[int] = set()
    for members in classes.values():
        if all(thing in registry.describe(members[0], things) for thing in things):
            allowed |= {one.id for one in members}
    return allowed


# Taking back


def take_back(sources: Collection[str]) -> set[int]:
    """Forget what came from these sources: it was hidden. What came from nothing else goes; return who had it."""
    if not sources:
        return set()
    gone = select(Cause.notification_id).where(Cause.source.in_(sources))
    touched = list(db.session.scalars(gone.distinct()))
    if not touched:
        return set()
    db.session.execute(text("DELETE FROM notification_cause WHERE source = ANY(:sources)"), {"sources": list(sources)})
    return forget_where(
        "id = ANY(:ids) AND NOT EXISTS (SELECT FROM notification_cause c WHERE c.notification_id = notification.id)",
        ids=touched,
    )


def take_back_about(things: Collection[Thing]) -> set[int]:
    """Forget what is about these things, for they cannot be seen any more; return who had it."""
    members: set[int] = set()
    for kind, thing_id in things:
        members |= forget_where(
            "subject_kind = :kind AND subject_id = :id AND kind <> :kept",
            kind=kind, id=thing_id, kept=Kind.MODERATION.value,
        )  # fmt: skip
    return members


def forget_where(which: str, **values: Any) -> set[int]:
    """Delete notifications and count anew; return whose they were."""
    gone = text(f"DELETE FROM notification WHERE {which} RETURNING member_id")
    members = set(db.session.scalars(gone, values))
    count_unread(members)
    return members


def count_unread(members: Collection[int]) -> None:
    """Count what is unread anew. The counters are locked first, so that two who count do not mislead each other."""
    ids = sorted(members)
    if not ids:
        return
    db.session.execute(upsert(MemberBell).on_conflict_do_nothing(), [{"member_id": who, "unread": 0} for who in ids])
    locked = select(MemberBell.member_id).where(MemberBell.member_id.in_(ids)).order_by(MemberBell.member_id)
    db.session.execute(locked.with_for_update())
    unread = (
        select(func.count())
        .where(Notification.member_id == MemberBell.member_id, Notification.read_at.is_(None), Notification.listed)
        .scalar_subquery()
    )
    db.session.execute(update(MemberBell).where(MemberBell.member_id.in_(ids)).values(unread=unread))
