"""Segments over the API, for staff."""

from typing import Annotated, Any

from pydantic import Field

from portal.api.endpoints import Listing, Output, endpoint
from portal.kernel.paging import Page
from portal.members import queries
from portal.members.rules import Role

LEAST = 10
"""Cells with fewer members are withheld."""
STAFF = (Role.BRAND_MANAGER, Role.SUPPORT_AGENT, Role.MODERATOR)


class SegmentOut(Output):
    """A group of members by rule."""

    key: str
    name: Annotated[dict[str, str], Field(description="By language")]
    rule: dict[str, Any]
    members: Annotated[int | None, Field(description=f"Members in it; null when they are fewer than {LEAST}")]


@endpoint("GET", "/segments", response=Listing[SegmentOut], summary="Segments", tag="members", roles=STAFF)
def segments() -> Page[dict[str, Any]]:
    """List the segments by key, each with its rule and how many members are in it."""
    sizes = queries.count_by_segment()
    rows = [
        {"key": s.key, "name": s.name, "rule": s.rule, "members": n if (n := sizes.get(s.key, 0)) >= LEAST else None}
        for s in queries.segments()
    ]
    return Page(rows, None)
