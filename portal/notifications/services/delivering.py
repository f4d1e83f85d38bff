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
REST = timedelta(minutes=20)
"""So long waits what goes beyond a member's share of the hour."""
REFUSALS = 3
"""So many refusals of an address in a row, whatever for, and nothing more goes there."""


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
WITH oldest AS (
    SELECT id, member_id FROM notification_delivery WHERE way = ANY(:ways) AND state = 'waiting' AND due_at <= :now
    ORDER BY due_at, id LIMIT :most FOR UPDATE SKIP LOCKED
), theirs AS (
    SELECT id FROM notification_delivery WHERE way = ANY(:ways) AND state = 'waiting' AND due_at <= :now
    AND member_id IN (SELECT member_id FROM oldest) FOR UPDATE SKIP LOCKED
)
UPDATE notification_delivery SET due_at = :until, tries = tries + 1
WHERE id IN (SELECT id FROM oldest UNION ALL SELECT id FROM theirs)
RETURNING id, key, member_id, notification_id, way, made_at, tries""")


def claim(ways: Sequence[Way], most: int) -> list[Claimed]:
    """Take some deliveries that are due, the oldest first, and all that is due to the same members.

    Nobody else gets them before the lease is over.
    """
    values = {"ways": [way.value for way in ways], "now": now(), "until": now() + LEASE, "most": most}
    return sorted((Claimed(*row) for row in db.session.execute(_CLAIM, values)), key=lambda one: one.id)


_BEGIN = text("""
UPDATE notification_delivery SET state = 'sending', began_at = :now WHERE id = ANY(:ids) AND state = 'waiting'
RETURNING id""")
_END = text("UPDATE notification_delivery SET state = :state, said = :said, ended_at = :now WHERE id = ANY(:ids)")


def begin(parts: Sequence[Claimed]) -> bool:
    """Note that the text of one message goes out now; False when somebody else has a part of it."""
    ids = [one.id for one in parts]
    return len(db.session.execute(_BEGIN, {"ids": ids, "now": now()}).all()) == len(ids)


def end(parts: Sequence[Claimed], state: State, said: str = "") -> None:
    """Note how it ended: for all parts of one message at the same moment."""
    ended = {"ids": [one.id for one in parts], "state": state.value, "said": said[:500] or None, "now": now()}
    db.session.execute(_END, ended)


def rest(parts: Sequence[Claimed]) -> None:
    """Let these wait a while, because their member has had enough for now; that is no failure."""
    later = {"due_at": now() + REST, "tries": Delivery.tries - 1, "said": "enough for this hour"}
    db.session.execute(update(Delivery).where(Delivery.id.in_([one.id for one in parts])).values(later))


def postpone(one: Claimed, said: str, *, patient: bool = False) -> None:
    """Try again later; give up what is too old to be news, or was refused too often.

    It may have been begun: a server that goes away without an answer has not taken it over (RFC 5321, 4.5.4.1).

    :param patient: nobody refused it, so it may be tried as often as it takes.
    """
    if now() - one.made_at > GIVEN_UP_AFTER or (one.tries >= TRIES and not patient):
        end([one], State.DROPPED, said)
        return
    later = {"state": State.WAITING.value, "due_at": now() + pause_after(one.tries), "said": said[:500] or None}
    db.session.execute(update(Delivery).filter_by(id=one.id).values(later))


def doubt() -> list[int]:
    """Settle what a worker had begun to send when it died: it may have arrived, so it is not sent again."""
    lost = update(Delivery).where(Delivery.state == State.SENDING.value, Delivery.began_at < now() - DOUBTFUL_AFTER)
    settled = lost.values(state=State.DOUBTFUL.value, ended_at=now(), said="the worker died while it was sending")
    return list(db.session.scalars(settled.returning(Delivery.id)))


def note_refusal(member_id: int, address: str, why: str, *, for_good: bool) -> None:
    """Count that an address was refused. After some in a row nothing goes there until she says that it works.

    :param for_good: its server says that there is no such mailbox: once is enough.
    """
    written = insert(Settings).values(member_id=member_id, refusals=1)
    counted = written.on_conflict_do_update(index_elements=["member_id"], set_={"refusals": Settings.refusals + 1})
    if for_good or (db.session.scalar(counted.returning(Settings.refusals)) or 0) >= REFUSALS:
        row = {"refused_address": address, "refused_why": why[:500], "refused_at": now(), "refusals": 0}
        kept = insert(Settings).values(member_id=member_id, **row)
        db.session.execute(kept.on_conflict_do_update(index_elements=["member_id"], set_=row))


def note_arrival(member_id: int) -> None:
    """Forget that an address was refused before: a mail has arrived there."""
    db.session.execute(update(Settings).filter_by(member_id=member_id).values(refusals=0))
