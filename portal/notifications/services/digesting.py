"""Whose digest is to be made, and which were."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members import queries as members
from portal.members.models import Consent
from portal.members.rules import Purpose
from portal.notifications import queries
from portal.notifications.models import Delivery, Notification, Settings
from portal.notifications.rules.kinds import State, Way


def agrees(member_id: int) -> bool:
    """Return whether a member has asked for digests."""
    return members.agrees(member_id, Purpose.DIGESTS)


def readers() -> list[tuple[int, Settings, datetime]]:
    """Return who has asked for digests, when each wants them, and since when: none is due before that."""
    last_word = select(Consent.member_id, func.max(Consent.at)).where(Consent.purpose == Purpose.DIGESTS.value)
    asked = {row[0]: row[1] for row in db.session.execute(last_word.group_by(Consent.member_id))}
    willing = members.who_agrees(asked, Purpose.DIGESTS)
    known = {one.member_id: one for one in db.session.scalars(select(Settings).where(Settings.member_id.in_(willing)))}
    return [(who, known.get(who) or queries.with_defaults(who), asked[who]) for who in sorted(willing)]


def put_down(member_id: int, *, slot: datetime, day: date, due: datetime) -> None:
    """Have a digest made, once a slot; and note that the slot is seen to."""
    row = {"key": f"{Way.DIGEST}:{member_id}:{day}", "member_id": member_id, "way": Way.DIGEST.value,
           "state": State.WAITING.value, "made_at": now(), "due_at": due}  # fmt: skip
    db.session.execute(insert(Delivery).values(row).on_conflict_do_nothing())
    seen = insert(Settings).values(member_id=member_id, digest_slot=slot)
    db.session.execute(seen.on_conflict_do_update(index_elements=["member_id"], set_={"digest_slot": slot}))


def last_sent(member_id: int) -> datetime | None:
    """Return when the last digest that was sent was made."""
    found = select(func.max(Delivery.made_at)).filter_by(
        member_id=member_id, way=Way.DIGEST.value, state=State.SENT.value
    )
    return db.session.scalar(found)


def unread_since(member_id: int, since: datetime, kinds: Collection[str], most: int) -> list[queries.NoticeRow]:
    """Return what is new to a member and was not sent to her by mail."""
    mailed = select(Delivery.id).where(
        Delivery.notification_id == Notification.id, Delivery.way == Way.MAIL.value,
        Delivery.state.in_([State.SENT.value, State.SENDING.value]),
    )  # fmt: skip
    found = select(Notification.id).where(
        Notification.member_id == member_id,
        Notification.read_at.is_(None),
        Notification.seen_at.is_(None),
        Notification.fresh_at > since,
        Notification.kind.in_(kinds),
        ~mailed.exists(),
    )
    ids = list(db.session.scalars(found.order_by(Notification.fresh_at.desc()).limit(most)))
    rows = queries.notices_by_id(ids)
    return [rows[one] for one in ids]
