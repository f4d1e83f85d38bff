"""Notices for programs: read what one was told, mark it, and choose what one is told."""

from datetime import datetime
from typing import Annotated, Any

from flask_babel import gettext as _
from pydantic import AwareDatetime, BeforeValidator, Field

from portal.api.endpoints import Id, Input, Output, Paged, endpoint
from portal.kernel.errors import NotFound
from portal.members.session import current_viewer
from portal.notifications import jobs, queries, services, words
from portal.notifications.queries import NoticeRow
from portal.notifications.rules.kinds import Kind, Level, Way, kinds_for, ways_of
from portal.notifications.rules.times import QUIET_FROM, QUIET_TO, Rhythm
from portal.notifications.services import digesting, preferences
from portal.notifications.services.preferences import Wishes


class NoticesWanted(Paged):
    """Which notices."""

    unread: Annotated[bool, Field(description="Only those that are new")] = False
    kind: Annotated[list[Kind], Field(default_factory=list, description="Only these kinds")]


class NoticeOut(Output):
    """A notice, as its reader is told it."""

    id: int
    kind: str
    text: str
    reason: str
    subject: Annotated[str | None, Field(description="`idea:7`")]
    board: int | None
    people: Annotated[int, Field(description="How many people did it")]
    url: str
    at: datetime
    read: bool


class NoticesOut(Output):
    """A page of notices."""

    items: list[NoticeOut]
    next: Annotated[str | None, Field(description="Cursor of the page that follows; null at the end")] = None
    unread: Annotated[int, Field(description="How many are new in all")] = 0


def _as_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a moment is written as 2026-11-22T08:00:00Z")  # noqa: TRY004 - what pydantic takes as a refusal
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_as_text)]


class Marking(Input):
    """Which notices to mark."""

    ids: Annotated[list[Id] | None, Field(max_length=1000, description="All, when not given")] = None
    until: Annotated[
        Moment | None, Field(description="Leave alone what came after: the `at` of the first that you have seen")
    ] = None


class Marked(Output):
    """What was marked."""

    marked: int
    unread: int


@endpoint(
    "GET", "/notifications", query=NoticesWanted, response=NoticesOut, signed_in=True, summary="What you were told"
)
def list_notifications(query: NoticesWanted) -> dict[str, Any]:
    """Return your notices, the freshest first, in your language."""
    viewer = current_viewer()
    kinds = [kind.value for kind in query.kind] or None
    page = queries.notices_of(viewer.id, kinds=kinds, unread=query.unread, cursor=query.cursor, size=query.limit)
    shown = words.show(viewer, page.items, words.PLAIN)
    return {"items": [_out(one) for one in shown], "next": page.next, "unread": queries.unread_of(viewer.id)}


def _out(one: words.Notice) -> dict[str, Any]:
    row: NoticeRow = one.row
    return {
        "id": one.id,
        "kind": one.kind,
        "text": one.sentence,
        "reason": one.reason,
        "subject": f"{row.subject_kind}:{row.subject_id}" if row.subject_id is not None else None,
        "board": row.board_id,
        "people": row.people,
        "url": one.url,
        "at": row.fresh_at,
        "read": not one.is_new,
    }


@endpoint("POST", "/notifications/read", body=Marking, response=Marked, status=200, summary="Mark notices as read")
def read_notifications(body: Marking) -> dict[str, int]:
    """Mark notices as read: those named, or all. Those that are not yours are left out."""
    viewer = current_viewer()
    return _marked(viewer.id, body.ids, until=body.until)


def _marked(member_id: int, ids: list[int] | None, until: datetime | None = None) -> dict[str, int]:
    """Mark as read, and let her open pages know."""
    marked = services.mark_read(member_id, ids, until=until)
    if marked:
        jobs.ring_bell.once(str(member_id), member_id)
    return {"marked": marked, "unread": queries.unread_of(member_id)}


@endpoint("PUT", "/notifications/<int:notification_id>/read", response=Marked, summary="Mark one notice as read")
def read_notification(notification_id: int) -> dict[str, int]:
    """Mark a notice as read; a second time changes nothing."""
    viewer = current_viewer()
    if queries.notice_of(viewer.id, notification_id) is None:
        raise NotFound(_("There is no such notice."))
    return _marked(viewer.id, [notification_id])


@endpoint(
    "DELETE", "/notifications/<int:notification_id>/read", response=Marked, summary="Mark one notice as new again"
)
def unread_notification(notification_id: int) -> dict[str, int]:
    """Mark a notice as new again, for later."""
    viewer = current_viewer()
    services.mark_unread(viewer.id, notification_id)
    jobs.ring_bell.once(str(viewer.id), viewer.id)
    return {"marked": 1, "unread": queries.unread_of(viewer.id)}


class Unread(Output):
    """How much is new."""

    unread: int
    by_kind: dict[Kind, int]


@endpoint("GET", "/notifications/unread", response=Unread, signed_in=True, summary="How much is new")
def count_notifications() -> dict[str, Any]:
    """Return how many notices are new, in all and by kind."""
    viewer = current_viewer()
    return {"unread": queries.unread_of(viewer.id), "by_kind": queries.unread_by_kind(viewer.id)}


# What one wants to hear

Hour = Annotated[int, Field(ge=0, le=23)]


class PlaceOut(Output):
    """A board, a thing or a person of which one wants to hear all, or nothing."""

    kind: str
    id: int
    level: Level


class WishesOut(Output):
    """What you hear, by which ways and when."""

    kinds: Annotated[dict[Kind, list[Way]], Field(description="By which ways each kind reaches you")]
    places: list[PlaceOut]
    mails: Annotated[bool, Field(description="Whether you get mails at all")]
    digest: Rhythm
    weekday: Annotated[int, Field(description="Day of the weekly digest; Monday is 0")]
    hour: Annotated[int, Field(description="Hour of the digest, by your clock")]
    quiet_from: int
    quiet_to: int
    time_zone: str
    refused_address: Annotated[str | None, Field(description="Your address, when mails to it do not arrive")] = None


class WishesIn(Input):
    """What is to change; the rest stays."""

    kinds: Annotated[
        dict[Kind, list[Way]], Field(default_factory=dict, description="By which ways each of these kinds reaches you")
    ]
    mails: bool | None = None
    digest: Annotated[Rhythm | None, Field(description="With a rhythm you agree to digests; `off` ends that")] = None
    weekday: Annotated[int | None, Field(ge=0, le=6)] = None
    hour: Hour | None = None
    quiet_from: Hour | None = None
    quiet_to: Hour | None = None
    time_zone: Annotated[str | None, Field(max_length=60)] = None


@endpoint("GET", "/notifications/wishes", response=WishesOut, signed_in=True, summary="What you want to hear, and how")
def get_wishes() -> dict[str, Any]:
    """Return by which ways each kind of news reaches you, when, and what you have muted."""
    return _wishes()


def _wishes() -> dict[str, Any]:
    viewer = current_viewer()
    chosen = queries.choices_of([viewer.id]).get(viewer.id, {})
    settings, agrees = queries.settings_of(viewer.id), digesting.agrees(viewer.id)
    return {
        "kinds": {kind: sorted(ways_of(kind, chosen)) for kind in kinds_for(is_staff=viewer.is_staff)},
        "places": [
            {"kind": kind, "id": thing_id, "level": level}
            for (kind, thing_id), level in queries.places_of(viewer.id).items()
        ],
        "mails": settings.mails,
        "digest": settings.rhythm if agrees else Rhythm.OFF,
        "weekday": settings.weekday,
        "hour": settings.hour,
        "quiet_from": QUIET_FROM if settings.quiet_from is None else settings.quiet_from,
        "quiet_to": QUIET_TO if settings.quiet_to is None else settings.quiet_to,
        "time_zone": settings.time_zone,
        "refused_address": settings.refused_address,
    }


@endpoint("PATCH", "/notifications/wishes", body=WishesIn, response=WishesOut, summary="Choose what you want to hear")
def change_wishes(body: WishesIn) -> dict[str, Any]:
    """Change what you want to hear and how. A kind that is named reaches you by the ways given, and by no other."""
    viewer, before = current_viewer(), _wishes()
    changed = body.model_dump(exclude_none=True, exclude={"kinds", "digest"})
    rhythm = body.digest or before["digest"]
    wishes: dict[str, Any] = {name: changed.get(name, before.get(name)) for name in Wishes.__dataclass_fields__}
    preferences.set_times(viewer.id, Wishes(**(wishes | {"rhythm": str(rhythm)})))
    if body.digest is not None:
        preferences.want_digests(viewer.id, wanted=body.digest is not Rhythm.OFF)
    among = [kind for kind in body.kinds if kind in kinds_for(is_staff=viewer.is_staff)]
    preferences.choose(viewer.id, [(kind, way) for kind in among for way in body.kinds[kind]], among=among)
    return _wishes()
