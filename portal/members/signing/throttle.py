"""Limits on what can be tried, counted in the database: one truth for all processes, whatever else is away.

A try is counted before it is made: of many that come together, no more get through than the limit says.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from portal.kernel.clock import now
from portal.kernel.database import db, transaction
from portal.members.signing.models import TryCount


@dataclass(frozen=True, slots=True)
class Limit:
    """How often something may be tried within some minutes, which begin with the first try."""

    name: str
    most: int
    minutes: int


SIGN_IN = Limit("sign-in", 10, minutes=5)
"""Failed attempts an account, and an address, in five minutes."""
CODE = Limit("code", 6, minutes=5)
"""Wrong codes of a second step an account, and an address, in five minutes: one in a thousand guesses a day hits."""
EVERYWHERE = Limit("everywhere", 1500, minutes=5)
"""Failed attempts of all together in five minutes: whoever tries one password on a million accounts is stopped, too."""
SIGN_UP = Limit("sign-up", 100, minutes=60)
"""New accounts an address in an hour."""
LINK = Limit("link", 5, minutes=60)
"""Mailed links an account, and an address, in an hour."""
LINKS_EVERYWHERE = Limit("links-everywhere", 1000, minutes=60)
"""Mailed links in an hour, all together: nobody floods others' boxes, or the table of counts, by way of us."""

Try = tuple[Limit, str]


def take(*tries: Try) -> bool:
    """Count one of each and return True; when one of them may not be tried any more, count none and return False.

    What is counted goes with the transaction: for mails and other acts, which are undone when that is.
    """
    with db.session.begin_nested() as counting:
        if _counted(tries):
            return True
        counting.rollback()
    return False


def take_at_once(*tries: Try) -> bool:
    """Count as `take` does, for good, whatever becomes of the request: for guesses, which are refused when wrong.

    Whatever the request has written until now is kept with it, and no lock is held while a password is hashed.
    """
    with transaction():
        return take(*tries)


def _counted(tries: tuple[Try, ...]) -> bool:
    moment = now()
    rows = [
        {
            "key": _digest(limit, key),
            "count": 1,
            "most": limit.most,
            "until": moment + timedelta(minutes=limit.minutes),
        }
        for limit, key in tries
    ]
    rows.sort(key=lambda row: str(row["key"]))  # in one order, so that no two wait for each other
    fresh = insert(TryCount).values(rows)
    is_over = TryCount.until <= moment
    counted = fresh.on_conflict_do_update(
        index_elements=[TryCount.key],
        set_={
            "count": case((is_over, 1), else_=TryCount.count + 1),
            "most": fresh.excluded.most,
            "until": case((is_over, fresh.excluded.until), else_=TryCount.until),
        },
        where=or_(is_over, TryCount.count < fresh.excluded.most),
    )
    return len(db.session.scalars(counted.returning(TryCount.key)).all()) == len(rows)


def give_back(*tries: Try) -> None:
    """Take back what was counted for a try that was right: right ones are nobody's guesses."""
    mine = select(TryCount.key).where(TryCount.key.in_([_digest(*one) for one in tries]), TryCount.count > 0)
    in_order = mine.order_by(TryCount.key).with_for_update().scalar_subquery()
    with transaction():
        db.session.execute(update(TryCount).where(TryCount.key.in_(in_order)).values(count=TryCount.count - 1))


def is_open(*tries: Try) -> bool:
    """Return whether each of these may be tried, without counting."""
    used_up = select(TryCount.key).where(
        TryCount.key.in_([_digest(*one) for one in tries]), TryCount.until > now(), TryCount.count >= TryCount.most
    )
    return db.session.scalar(used_up.limit(1)) is None


def drop_expired() -> None:
    """Forget counts whose time is over."""
    db.session.execute(delete(TryCount).where(TryCount.until <= now()))


def _digest(limit: Limit, key: str) -> str:
    """Return what is kept of whose tries are counted: addresses stand in no table of ours for having been typed."""
    return hashlib.sha256(f"{limit.name} {key}".encode("utf-8", "replace")).hexdigest()
