"""Reputation over the API."""

from datetime import datetime
from typing import Annotated, Any

from flask_babel import lazy_gettext as _l
from pydantic import Field

from portal.analytics.reputation import facade, queries, words
from portal.api.endpoints import Id, Listing, Output, Paged, endpoint
from portal.kernel.errors import Forbidden
from portal.members import facade as members
from portal.members.session import current_viewer

TAG = "reputation"


class BadgeOut(Output):
    """A badge that a member holds, and what it rests on."""

    key: str
    title: str
    ground: dict[str, Any]
    since: datetime


class ReputationLineOut(Output):
    """One line of the ledger."""

    id: Id
    kind: str
    object_kind: str
    object_id: int
    at: datetime
    points: Annotated[int, Field(description="What the policy gives for it")]
    weight: Annotated[float, Field(description="Trust of whoever gave it, 0 to 1")]
    counted: Annotated[float, Field(description="What it came to, under the caps")]
    cap: Annotated[str, Field(description="What held it back: reversed, unknown, object, pair, day; or empty")]
    policy: int
    reversed_at: datetime | None
    reversed_why: str | None


class NeedOut(Output):
    """What stands between a member and the next level."""

    need: str
    has: float
    wants: float


class ReputationOut(Listing[ReputationLineOut]):
    """A member's reputation with its lines, the newest first."""

    member: Id
    points: float
    people: Annotated[int, Field(description="Distinct trusted people who gave points")]
    days: int
    place: Annotated[int | None, Field(description="Public place; null while it is too early")]
    ranked: int
    trust_level: Annotated[int, Field(ge=0, le=4)]
    trust_level_name: str
    missing: list[NeedOut]
    badges: list[BadgeOut]


@endpoint("GET", "/members/<int:member_id>/reputation", query=Paged, response=ReputationOut,
          summary="A member's reputation", tag=TAG, signed_in=True, errors=(403, 404))  # fmt: skip
def reputation(member_id: int, query: Paged) -> dict[str, Any]:
    """Return a member's lines and what they add up to: to herself and to the company."""
    members.profile(member_id)
    viewer = current_viewer()
    if not facade.may_see_all(viewer, member_id):
        raise Forbidden(_l("Reputation is for the member herself and for the company."))
    page = queries.ledger_of(member_id, query.cursor, query.limit)
    standing, climb = facade.standing_of(member_id, viewer), facade.climb_of(member_id)
    total = standing.sum or queries.Sum()
    return {
        "member": member_id,
        "points": total.points,
        "people": total.people,
        "days": total.days,
        "place": total.place,
        "ranked": total.ranked,
        "trust_level": int(standing.level),
        "trust_level_name": str(words.LEVELS[standing.level]),
        "missing": [{"need": str(one.need), "has": one.has, "wants": one.wants} for one in climb.missing],
        "badges": [
            {"key": badge.key, "title": str(words.BADGES[badge.key]), "ground": badge.ground, "since": badge.since}
            for badge in standing.badges
        ],
        "items": page.items,
        "next": page.next,
    }
