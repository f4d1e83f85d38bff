"""What of the exchange with CRMs is whose."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, select, update

import portal.crm.merging  # noqa: F401 - what a join of two accounts does besides moving rows
from portal.crm.models import CrmEvent, DeadLetter, Link
from portal.crm.services import marking
from portal.kernel.database import db
from portal.kernel.personal import Erase, Erasing, Move, declare, erases, finds_rows, nobodys

declare(
    "crm_link",
    owner=None,
    export="crm",
    erase=Erase.BY_HAND,
    move=Move.STAY,
    again=False,
    why="What was told to the CRM; taken back there first, then forgotten here.",
)
declare(
    "crm_event",
    owner=None,
    export="crm_events",
    erase=Erase.BY_HAND,
    move=Move.STAY,
    again=False,
    why="What the CRM was told that happened; its words go.",
)
nobodys(
    "crm_news",
    "Of a contact a hash of what the CRM said last, so that the same again is no news; of accounts the news.",
)
declare(
    "crm_dead_letter",
    owner=None,
    export="crm_letters",
    erase=Erase.BY_HAND,
    move=Move.STAY,
    again=False,
    why="What the CRM would not take.",
)
declare(
    "crm_wanted",
    owner=None,
    erase=Erase.BY_HAND,
    move=Move.STAY,
    again=False,
    why="A mark that lasts for seconds: this member's figures may have changed.",
)
nobodys("crm_gateway", "How the connection is doing.")
nobodys("crm_hour", "How many rows an hour.")


EMPTY: dict[str, Any] = {"crm_id": None, "sent": {}, "sent_hash": None, "there": None, "there_at": None}


@finds_rows("crm_link")
def links_of(member_id: int) -> Iterable[Mapping[str, Any]]:
    """Return what CRMs were told of a member."""
    return _rows(Link, member_id)


@finds_rows("crm_event")
def events_of(member_id: int) -> Iterable[Mapping[str, Any]]:
    """Return what CRMs were told that happened to a member."""
    return _rows(CrmEvent, member_id)


@finds_rows("crm_dead_letter")
def letters_of(member_id: int) -> Iterable[Mapping[str, Any]]:
    """Return what CRMs would not take of a member."""
    return _rows(DeadLetter, member_id)


def _rows(model: type[Link | CrmEvent | DeadLetter], member_id: int) -> list[Mapping[str, Any]]:
    table = model.__table__
    wanted = select(table).where(table.c.kind == "contact", table.c.subject_id == member_id)
    return [dict(row) for row in db.session.execute(wanted).mappings()]


@erases
def take_back(erasing: Erasing) -> None:
    """Have every CRM forget a member: what waits is dropped, what was sent is taken back.

    The next dispatch does so, which the fact of the erasure wakes.

    The link stays, empty, until the CRM has said that it is done; see `state_lane.note_forgotten`.
    """
    hers = {"kind": "contact", "subject_id": erasing.member_id}
    db.session.execute(delete(CrmEvent).filter_by(**hers))
    db.session.execute(delete(DeadLetter).filter_by(**hers))
    db.session.execute(update(Link).filter_by(**hers).values(**EMPTY))
    marking.want("contact", [erasing.member_id])
