"""The record of what staff did, for tokens of admins."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from portal.api.endpoints import BIGGEST_ID, Listing, Output, Paged, endpoint
from portal.kernel.paging import Page, decode_cursor, page_of
from portal.members.rules import Role
from portal.members.services import audit
from portal.moderation.api.shapes import TAG

WORD_MOST = 60


class RecordWanted(Paged):
    """Which part of the record."""

    actor: Annotated[int | None, Field(ge=1, le=BIGGEST_ID, description="Who did it")] = None
    act: Annotated[str, Field(max_length=WORD_MOST, description="Acts that begin so: `moderation.`")] = ""
    kind: Annotated[str, Field(max_length=WORD_MOST, description="Of what it was done to")] = ""
    id: Annotated[int | None, Field(ge=1, le=BIGGEST_ID, description="With `kind`: to this thing")] = None


class EntryOut(Output):
    """One act of staff. ``hash`` covers it and the hash before it."""

    id: int
    at: datetime
    actor: int | None
    act: str
    kind: str
    target: int | None
    details: dict[str, Any]
    seq: int | None
    hash: str


@endpoint("GET", "/moderation/record", query=RecordWanted, response=Listing[EntryOut], summary="What staff did",
          tag=TAG, roles=(Role.ADMIN,))  # fmt: skip
def staff_record(query: RecordWanted) -> Page[EntryOut]:
    """Return the record of what staff did, the latest first."""
    last = decode_cursor(query.cursor, lambda part: int(str(part)))
    rows = audit.entries(
        actor_id=query.actor,
        act=query.act,
        subject=(query.kind, query.id) if query.kind else None,
        before_id=last[0] if last else None,
        size=query.limit,
    )
    page = page_of(rows, size=query.limit, key=lambda row: (row.id,))
    return Page([_entry(row) for row in page.items], page.next)


def _entry(row: Any) -> EntryOut:
    return EntryOut(
        id=row.id,
        at=row.at,
        actor=row.actor_id,
        act=row.act,
        kind=row.subject_kind,
        target=row.subject_id,
        details=row.details,
        seq=row.seq,
        hash=row.hash.hex() if row.hash else "",
    )
