"""The queue: what comes into it, and who has decided first."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import NotFound, Refused
from portal.members import queries as members
from portal.moderation import rules
from portal.moderation.models import Decision, QueueItem

LOOKING = timedelta(minutes=5)
Change = Callable[[dict[str, Any]], Mapping[str, Any]]


def lock(kind: str, thing_id: int) -> None:
    """Let nobody else decide about a thing, or bring it into the queue, until this transaction ends.

    Whoever acts twice takes it twice: it is the first lock of every act, so that two never wait for each other.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"portal.moderation {kind} {thing_id}"))))


def bring(
    queue: rules.Queue,
    kind: str,
    thing_id: int,
    change: Change,
    *,
    board_id: int | None,
    author_id: int | None,
    visible: bool = True,
) -> QueueItem | None:
    """Put a thing into the queue, or change why it is there; it leaves when nothing is left of why. One item a thing.

    :param change: gets what is known so far and returns what is known now.
    """
    lock(kind, thing_id)
    found = select(QueueItem).filter_by(queue=queue, target_kind=kind, target_id=thing_id, closed_at=None)
    item = db.session.scalar(found.with_for_update())
    why = dict(change(dict(item.why) if item else {}))
    if item is None:
        if not why:
            return None
        item = QueueItem(
            queue=queue, target_kind=kind, target_id=thing_id, board_id=board_id or None, author_id=author_id
        )
        db.session.add(item)
    item.why = why
    item.urgency = rules.urgency(why, opened_at=item.opened_at, visible=visible)
    if not why:
        item.closed_at = now()
    db.session.flush()
    return item


def take(item_id: int | None, *, kind: str, thing_id: int, queue: rules.Queue = rules.Queue.POST) -> QueueItem | None:
    """Return the item that a decision closes, locked; None when the thing is not in the queue.

    :param item_id: the item the moderator has before her; None when she acts on the thing's own page.
    :raise Refused: when somebody else has decided meanwhile; says who.
    """
    lock(kind, thing_id)
    wanted = select(QueueItem).with_for_update()
    if item_id is None:
        wanted = wanted.filter_by(queue=queue, target_kind=kind, target_id=thing_id, closed_at=None)
    item = db.session.scalar(wanted if item_id is None else wanted.filter_by(id=item_id))
    if item_id is None:
        return item
    if item is None or (item.target_kind, item.target_id) != (kind, thing_id):
        raise NotFound(_l("This is not in the queue."))
    if item.closed_at is not None:
        raise Refused(_said_by_whom(item.id))
    return item


def _said_by_whom(item_id: int) -> object:
    latest = select(Decision).filter_by(item_id=item_id).order_by(Decision.id.desc()).limit(1)
    decision = db.session.scalar(latest)
    if decision is None:
        return _("This is not in the queue any more.")
    who = members.member_cards([decision.actor_id]).get(decision.actor_id or 0)
    return _("%(name)s was quicker: this has been decided. Look at the decision first.", name=who.name if who else "—")


def close(item: QueueItem | None) -> None:
    """Take an item out of the queue."""
    if item is not None:
        item.closed_at = now()
        db.session.flush()


def close_all_about(kind: str, thing_id: int, queue: rules.Queue = rules.Queue.POST) -> list[int]:
    """Take a thing out of a queue: what it waited for has come otherwise. Return the items."""
    closed = db.session.scalars(
        update(QueueItem)
        .filter_by(queue=queue, target_kind=kind, target_id=thing_id, closed_at=None)
        .values(closed_at=now())
        .returning(QueueItem.id)
    )
    return list(closed)


def reopen(item_id: int) -> None:
    """Put an item back where it was, unless the thing waits there again already."""
    item = db.session.get_one(QueueItem, item_id)
    waits = select(QueueItem.id).filter_by(
        queue=item.queue, target_kind=item.target_kind, target_id=item.target_id, closed_at=None
    )
    if item.closed_at is not None and db.session.scalar(waits) is None:
        item.closed_at = None
        db.session.flush()


def look_at(item_id: int, *, actor_id: int) -> int | None:
    """Say that a moderator has opened an item; return who else has it open, if somebody does."""
    item = db.session.scalar(select(QueueItem).filter_by(id=item_id, closed_at=None).with_for_update())
    if item is None:
        return None
    fresh = item.looked_at is not None and now() - item.looked_at < LOOKING
    other = item.looked_by_id if fresh and item.looked_by_id != actor_id else None
    if other is None:
        item.looked_by_id, item.looked_at = actor_id, now()
    return other
