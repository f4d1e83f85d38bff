"""Every question about notices, and about how members want to be told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, tuple_

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.paging import Page, decode_cursor, page_of
from portal.members.models import Member, MemberBell, MemberSession
from portal.notifications.models import Cause, Choice, Delivery, Notification, Place, PushSubscription, Settings
from portal.notifications.rules.kinds import Kind, Level
from portal.notifications.rules.times import QUIET_FROM, QUIET_TO, Clock

PAGE = 25
ACTORS = 3


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notification as it is kept, with who did it: the latest ones, how many people, how many acts."""

    id: int
    member_id: int
    kind: str
    why: str
    subject_kind: str
    subject_id: int | None
    board_id: int | None
    details: dict[str, Any]
    fresh_at: datetime
    read_at: datetime | None
    actor_ids: tuple[int, ...] = ()
    people: int = 0
    acts: int = 0


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that may be reached."""

    id: int
    agent: str
    made_at: datetime
    used_at: datetime | None


# Telling


def told_of(source: str, members: Collection[int]) -> set[int]:
    """Return who of these has been told of a source."""
    found = select(Cause.member_id).where(Cause.source == source, Cause.member_id.in_(members))
    return set(db.session.scalars(found))


def open_groups(members: Collection[int], group: str, since: datetime) -> dict[int, int]:
    """Return by member the unread notification of a group that can still grow."""
    found = select(Notification.member_id, func.max(Notification.id)).where(
        Notification.member_id.in_(members),
        Notification.group_key == group,
        Notification.read_at.is_(None),
        Notification.created_at > since,
    )
    return {row[0]: row[1] for row in db.session.execute(found.group_by(Notification.member_id))}


def choices_of(members: Collection[int], kind: Kind | None = None) -> dict[int, dict[tuple[str, str], bool]]:
    """Return what members chose, by member, then by kind and way."""
    found = select(Choice.member_id, Choice.kind, Choice.way, Choice.wanted).where(Choice.member_id.in_(members))
    if kind is not None:
        found = found.where(Choice.kind == kind.value)
    chosen: dict[int, dict[tuple[str, str], bool]] = {}
    for member_id, what, way, wanted in db.session.execute(found):
        chosen.setdefault(member_id, {})[what, way] = wanted
    return chosen


def pushable(members: Collection[int]) -> set[int]:
    """Return who of these has a browser that may be reached."""
    return set(db.session.scalars(_browsers(PushSubscription.member_id).where(PushSubscription.member_id.in_(members))))


def _browsers(what: Any) -> Any:
    """Select of the browsers that may be reached: those that are signed in."""
    closed = select(MemberSession.id).where(
        MemberSession.id == PushSubscription.session_id, MemberSession.closed_at.is_not(None)
    )
    return select(what).where(~closed.exists())


def clocks_of(members: Collection[int]) -> dict[int, Clock]:
    """Return members' own time; those who said nothing are not there."""
    found = select(Settings.member_id, Settings.time_zone, Settings.quiet_from, Settings.quiet_to)
    rows = db.session.execute(found.where(Settings.member_id.in_(members)))
    return {row.member_id: clock_of(row.time_zone, row.quiet_from, row.quiet_to) for row in rows}


def clock_of(name: str, quiet_from: int | None, quiet_to: int | None) -> Clock:
    """Return a member's own time from what is kept."""
    begin = QUIET_FROM if quiet_from is None else quiet_from
    return Clock(name, begin, QUIET_TO if quiet_to is None else quiet_to)


def who_says(level: Level, places: Collection[tuple[str, int]], members: Collection[int] | None = None) -> set[int]:
    """Return who (of these) wants all, or nothing, of one of the places."""
    if not places:
        return set()
    found = select(Place.member_id).where(
        Place.level == level.value, tuple_(Place.target_kind, Place.target_id).in_(list(places))
    )
    if members is not None:
        found = found.where(Place.member_id.in_(members))
    return set(db.session.scalars(found))


def levels_among(members: Collection[int], places: Collection[tuple[str, int]]) -> dict[tuple[int, str, int], str]:
    """Return how much each of these members wants to hear of each of these places, by member, kind and id."""
    if not members or not places:
        return {}
    found = select(Place.member_id, Place.target_kind, Place.target_id, Place.level).where(
        Place.member_id.in_(members), tuple_(Place.target_kind, Place.target_id).in_(list(places))
    )
    return {(row[0], row[1], row[2]): row[3] for row in db.session.execute(found)}


# Reading

_ROWS = (
    Notification.id,
    Notification.member_id,
    Notification.kind,
    Notification.why,
    Notification.subject_kind,
    Notification.subject_id,
    Notification.board_id,
    Notification.details,
    Notification.fresh_at,
    Notification.read_at,
)


def notices_of(
    member_id: int, *, kinds: Collection[str] | None = None, unread: bool = False, cursor: str | None = None,
    size: int = PAGE,
) -> Page[NoticeRow]:  # fmt: skip
    """Return a member's notices, the freshest first.

    :raise Invalid: for a cursor that is not ours.
    """
    found = select(*_ROWS).where(Notification.member_id == member_id, Notification.listed)
    if kinds is not None:
        found = found.where(Notification.kind.in_(kinds))
    if unread:
        found = found.where(Notification.read_at.is_(None))
    if after := decode_cursor(cursor, lambda part: datetime.fromisoformat(str(part)), lambda part: int(str(part))):
        found = found.where(tuple_(Notification.fresh_at, Notification.id) < tuple_(*after))
    found = found.order_by(Notification.fresh_at.desc(), Notification.id.desc()).limit(size + 1)
    rows = [NoticeRow(*row) for row in db.session.execute(found)]
    page = page_of(rows, size=size, key=lambda row: (row.fresh_at, row.id))
    return Page(with_actors(page.items), page.next)


def notices_by_id(ids: Collection[int]) -> dict[int, NoticeRow]:
    """Return notices by id, whosoever they are: for jobs."""
    found = select(*_ROWS).where(Notification.id.in_(ids))
    return {row.id: row for row in with_actors([NoticeRow(*row) for row in db.session.execute(found)])}


def notice_of(member_id: int, notification_id: int) -> NoticeRow | None:
    """Return one of a member's notices."""
    found = select(*_ROWS).where(Notification.member_id == member_id, Notification.id == notification_id)
    row = db.session.execute(found).one_or_none()
    return with_actors([NoticeRow(*row)])[0] if row is not None else None


_ACTORS = text("""
SELECT notification_id, count(*) AS acts, count(DISTINCT actor_id) AS people,
       array_agg(actor_id ORDER BY at DESC) FILTER (WHERE actor_id IS NOT NULL) AS actors
FROM notification_cause WHERE notification_id = ANY(:ids) GROUP BY notification_id""")


def with_actors(rows: Sequence[NoticeRow]) -> list[NoticeRow]:
    """Add to notices who did it; one query."""
    if not rows:
        return []
    found = {row[0]: row[1:] for row in db.session.execute(_ACTORS, {"ids": [row.id for row in rows]})}
    full = []
    for row in rows:
        acts, people, actors = found.get(row.id, (0, 0, None))
        names = tuple(dict.fromkeys(actors or ()))[:ACTORS]
        values = {name: getattr(row, name) for name in NoticeRow.__dataclass_fields__}
        full.append(NoticeRow(**{**values, "actor_ids": names, "people": people, "acts": acts}))
    return full


def unread_of(member_id: int) -> int:
    """Return the number beside a member's bell."""
    return db.session.scalar(select(MemberBell.unread).filter_by(member_id=member_id)) or 0


def unread_by_kind(member_id: int) -> dict[str, int]:
    """Return how many notices of each kind are unread."""
    found = select(Notification.kind, func.count()).where(
        Notification.member_id == member_id, Notification.listed, Notification.read_at.is_(None)
    )
    return {row[0]: row[1] for row in db.session.execute(found.group_by(Notification.kind))}


def sources_of(notification_id: int) -> list[str]:
    """Return what a notification came from."""
    return list(db.session.scalars(select(Cause.source).filter_by(notification_id=notification_id)))


# Preferences


def settings_of(member_id: int) -> Settings:
    """Return when and where a member wants to be reached; the defaults when she has said nothing."""
    return settings_among([member_id])[member_id]


def with_defaults(member_id: int) -> Settings:
    """Return the settings of a member who has said nothing, as a row that is not kept."""
    return Settings(member_id=member_id)


def places_of(member_id: int) -> dict[tuple[str, int], str]:
    """Return how much a member wants to hear of places."""
    found = select(Place.target_kind, Place.target_id, Place.level).filter_by(member_id=member_id)
    return {(row.target_kind, row.target_id): row.level for row in db.session.execute(found)}


def devices_of(member_id: int) -> list[Device]:
    """Return the browsers that may reach a member."""
    return [Device(one.id, one.agent, one.made_at, one.used_at) for one in browsers_of(member_id)]


def browsers_of(member_id: int) -> list[PushSubscription]:
    """Return the browsers of a member with their keys, for sending."""
    return list(
        db.session.scalars(_browsers(PushSubscription).filter_by(member_id=member_id).order_by(PushSubscription.id))
    )


def is_reached(member_id: int, endpoint: str) -> bool:
    """Return whether a browser is one of hers that may be reached."""
    found = _browsers(PushSubscription.id).filter_by(member_id=member_id, endpoint=endpoint)
    return db.session.scalar(found) is not None


# What leaves the portal


def states() -> dict[tuple[str, str], int]:
    """Return how much is in which state, by way and state."""
    found = select(Delivery.way, Delivery.state, func.count()).group_by(Delivery.way, Delivery.state)
    return {(row[0], row[1]): row[2] for row in db.session.execute(found)}


def is_something_due(way: str, moment: datetime | None = None) -> bool:
    """Return whether something is to leave by a way."""
    found = select(Delivery.id).where(
        Delivery.way == way, Delivery.state == "waiting", Delivery.due_at <= (moment or now())
    )
    return db.session.scalar(found.limit(1)) is not None


def mails_this_hour(members: Collection[int]) -> dict[int, int]:
    """Return how many mails of notices each of these members has had within the hour; the parts of one end at once."""
    found = select(Delivery.member_id, func.count(Delivery.ended_at.distinct())).where(
        Delivery.member_id.in_(members), Delivery.way == "mail", Delivery.state == "sent",
        Delivery.ended_at > now() - timedelta(hours=1),
    )  # fmt: skip
    return {row[0]: row[1] for row in db.session.execute(found.group_by(Delivery.member_id))}


def addresses_of(members: Collection[int]) -> dict[int, str]:
    """Return the addresses that members have shown to be theirs; who has none, or has left, is not there."""
    found = select(Member.id, Member.email).where(
        Member.id.in_(members), Member.active, ~Member.placeholder, Member.email_verified_at.is_not(None)
    )
    return {row[0]: row[1] for row in db.session.execute(found) if row[1]}


def settings_among(members: Collection[int]) -> dict[int, Settings]:
    """Return when and where members want to be reached, by member."""
    found = db.session.scalars(
        select(Settings).where(Settings.member_id.in_(members)).execution_options(populate_existing=True)
    )
    known = {one.member_id: one for one in found}
    return {who: known.get(who) or with_defaults(who) for who in members}
