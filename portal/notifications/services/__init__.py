"""What a member does with her notices."""

from collections.abc import Collection
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, update

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import NotFound
from portal.notifications.models import Delivery, Notification
from portal.notifications.services.telling import count_unread, forget_where

KEPT_DAYS = 90
"""How long a read notice stays, and the record of what was sent."""
UNREAD_LONGER = timedelta(days=275)
"""So much longer stays what nobody has read: a year in all."""


def note_seen(member_id: int, ids: Collection[int]) -> None:
    """Note that notices were on the member's screen: what she has seen need not come in a digest, too."""
    if not ids:
        return
    mine = update(Notification).where(Notification.member_id == member_id, Notification.id.in_(ids))
    db.session.execute(mine.where(Notification.seen_at.is_(None)).values(seen_at=now()))


def mark_read(
    member_id: int,
    ids: Collection[int] | None = None,
    *,
    kinds: Collection[str] | None = None,
    until: datetime | None = None,
) -> int:
    """Mark notices as read, those given or all (of some kinds); return how many were unread.

    :param until: leave alone what came, or grew, after this moment: she has not seen it.
    """
    mine = update(Notification).where(Notification.member_id == member_id, Notification.read_at.is_(None))
    if ids is not None:
        mine = mine.where(Notification.id.in_(ids))
    if kinds is not None:
        mine = mine.where(Notification.kind.in_(kinds))
    if until is not None:
        mine = mine.where(Notification.fresh_at <= until)
    changed = list(db.session.scalars(mine.values(read_at=now(), seen_at=now()).returning(Notification.id)))
    if changed:
        count_unread([member_id])
    return len(changed)


def mark_read_before(member_id: int, moment: datetime) -> None:
    """Mark what a member was told before a moment as read then."""
    mine = update(Notification).where(Notification.member_id == member_id, Notification.read_at.is_(None))
    db.session.execute(mine.where(Notification.fresh_at < moment).values(read_at=moment, seen_at=moment))
    count_unread([member_id])


def mark_unread(member_id: int, notification_id: int) -> None:
    """Mark a notice as new again, for later.

    :raise NotFound: when it is not one of hers.
    """
    mine = update(Notification).where(Notification.member_id == member_id, Notification.id == notification_id)
    if db.session.scalar(mine.values(read_at=None).returning(Notification.id)) is None:
        raise NotFound(_l("There is no such notice."))
    count_unread([member_id])


def forget_old(before: datetime) -> None:
    """Remove notices that were read before a moment, or not within a year, and the record of what was sent."""
    db.session.execute(delete(Delivery).where(Delivery.ended_at < before, Delivery.notification_id.is_(None)))
    forget_where("read_at < :before OR fresh_at < :long_before", before=before, long_before=before - UNREAD_LONGER)
