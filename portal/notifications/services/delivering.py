"""How far each thing that leaves the portal has come. Every step is one statement, so that two workers never share one.

``waiting`` → (claimed: due a little later, so that a worker who dies leaves it to the next) → ``sending`` → ``sent``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.notifications.models import Delivery, Settings
from portal.notifications.rules.kinds import State, Way
from portal.notifications.rules.times import GIVEN_UP_AFTER, pause_after

LEASE = timedelta(minutes=5)
"""So long a claim holds."""
DOUBTFUL_AFTER = timedelta(minutes=15)
"""No conversation lasts so long: whoever began to send has died."""
TRIES = 12


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery in our hands for a while."""

    id: int
    key: str
    member_id: int
    notification_id: int | None
    way: str
    made_at: datetime
    tries: int


_CLAIM = text("""
UPDATE notification_delivery SET due_at = :until, tries = tries + 1
WHERE id IN (
    SELECT id FROM notification_delivery WHERE way = ANY(:ways) AND state = 'waiting' AND due_at <= :now
    ORDER BY due_at, id LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING id, key, member_id, notification_id, way, made_at, tries""")


def claim(ways: Sequence[Way], most: int) -> list[Claimed]:
    """Take some deliveries that are due, the oldest first; nobody else gets them before the lease is over."""
    values = {"ways": [way.value for way in ways], "now": now(), "until": now() + LEASE, "most": most}
    return sorted((Claimed(*row) for row in db.session.execute(_CLAIM, values)), key=lambda one: one.id)


def begin(delivery_id: int) -> bool:
    """Note that the text goes out now; False when somebody else has it."""
    mine = update(Delivery).filter_by(id=delivery_id, state=State.WAITING.value)
    taken = mine.values(state=State.SENDING.value, began_at=now()).returning(Delivery.id)
    return db.session.scalar(taken) is not None


def end(delivery_id: int, state: State, said: str = "") -> None:
    """Note how it ended."""
    ended = {"state": state.value, "said": said[:500] or None, "ended_at": now()}
    db.session.execute(update(Delivery).filter_by(id=delivery_id).values(ended))


def postpone(one: Claimed, said: str, *, patient: bool = False) -> None:
    """Try again later; give up what is too old to be news, or was refused too often.

    It may have been begun: a server that goes away without an answer has not taken it over (RFC 5321, 4.5.4.1).

    :param patient: nobody refused it, so it may be tried as often as it takes.
    """
    if now() - one.made_at > GIVEN_UP_AFTER or (one.tries >= TRIES and not patient):
        end(one.id, State.DROPPED, said)
        return
    later = {"state": State.WAITING.value, "due_at": now() + pause_after(one.tries), "said": said[:500] or None}
    db.session.execute(update(Delivery).filter_by(id=one.id).values(later))


def doubt() -> list[int]:
    """Settle what a worker had begun to send when it died: it may have arrived, so it is not sent again."""
    lost = update(Delivery).where(Delivery.state == State.SENDING.value, Delivery.began_at < now() - DOUBTFUL_AFTER)
    settled = lost.values(state=State.DOUBTFUL.value, ended_at=now(), said="the worker died while it was sending")
    return list(db.session.scalars(settled.returning(Delivery.id)))


def refuse_address(member_id: int, address: str, why: str) -> None:
    """Remember that an address does not exist: nothing goes there until the member has another or says it works."""
    row = {"refused_address": address, "refused_why": why[:500], "refused_at": now()}
    written = insert(Settings).values(member_id=member_id, **row)
    db.session.execute(written.on_conflict_do_update(index_elements=["member_id"], set_=row))
