"""Tickets: what can be used once and not for long. A mailed link, a challenge, the way back from a provider."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from portal.kernel.clock import now
from portal.kernel.database import db, transaction
from portal.members.models import Ticket as Row

TICKET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket was issued for."""

    member_id: int | None
    data: dict[str, Any]


def issue(
    purpose: str, *, member_id: int | None = None, data: Mapping[str, Any] | None = None, minutes: float = 60
) -> str:
    """Return a new ticket's secret; what is kept does not tell it."""
    secret = secrets.token_urlsafe(TICKET_BYTES)
    until = now() + timedelta(minutes=minutes)
    row = Row(digest=_digest(secret), purpose=purpose, member_id=member_id, data=dict(data or {}), expires_at=until)
    db.session.add(row)
    return secret


def look_at(purpose: str, secret: str) -> Ticket | None:
    """Return what a ticket is for without using it; None when it is unknown, used or too old."""
    found = db.session.execute(
        select(Row.member_id, Row.data).where(
            Row.digest == _digest(secret), Row.purpose == purpose, Row.expires_at > now()
        )
    ).one_or_none()
    return Ticket(found.member_id, dict(found.data)) if found is not None else None


def redeem(purpose: str, secret: str) -> Ticket | None:
    """Use a ticket up; None when it is unknown, used or too old. Of two who come at once, one gets it."""
    gone = delete(Row).where(Row.digest == _digest(secret), Row.purpose == purpose)
    found = db.session.execute(gone.returning(Row.member_id, Row.data, Row.expires_at)).one_or_none()
    if found is None or found.expires_at <= now():
        return None
    return Ticket(found.member_id, dict(found.data))


def redeem_at_once(purpose: str, secret: str) -> Ticket | None:
    """Use a ticket up, whatever becomes of the request that brought it."""
    with transaction():
        return redeem(purpose, secret)


def drop_of(member_id: int, purpose: str | None = None) -> None:
    """Make a member's tickets useless: those of one purpose, or all."""
    gone = delete(Row).where(Row.member_id == member_id)
    db.session.execute(gone.where(Row.purpose == purpose) if purpose else gone)


def drop_expired() -> None:
    """Forget what nobody used in time."""
    db.session.execute(delete(Row).where(Row.expires_at <= now()))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
