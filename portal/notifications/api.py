"""Notices for programs: read what one was told, and mark it."""

from datetime import datetime
from typing import Annotated, Any

from flask_babel import gettext as _
from pydantic import Field

from portal.api.endpoints import Id, Input, Output, Paged, endpoint
from portal.kernel.errors import NotFound
from portal.members.session import current_viewer
from portal.notifications import queries, services, words
from portal.notifications.queries import NoticeRow
from portal.notifications.rules.kinds import Kind


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


class Marking(Input):
    """Which notices to mark."""

    ids: Annotated[list[Id] | None, Field(max_length=1000, description="All, when not given")] = None


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
    marked = services.mark_read(viewer.id, body.ids)
    return {"marked": marked, "unread": queries.unread_of(viewer.id)}


@endpoint("PUT", "/notifications/<int:notification_id>/read", response=Marked, summary="Mark one notice as read")
def read_notification(notification_id: int) -> dict[str, int]:
    """Mark a notice as read; a second time changes nothing."""
    viewer = current_viewer()
    if queries.notice_of(viewer.id, notification_id) is None:
        raise NotFound(_("There is no such notice."))
    marked = services.mark_read(viewer.id, [notification_id])
    return {"marked": marked, "unread": queries.unread_of(viewer.id)}


@endpoint(
    "DELETE", "/notifications/<int:notification_id>/read", response=Marked, summary="Mark one notice as new again"
)
def unread_notification(notification_id: int) -> dict[str, int]:
    """Mark a notice as new again, for later."""
    viewer = current_viewer()
    services.mark_unread(viewer.id, notification_id)
    return {"marked": 1, "unread": queries.unread_of(viewer.id)}
