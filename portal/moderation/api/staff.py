"""What moderators read: the queue, decisions, and what boards hold of newcomers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from portal.api.endpoints import BIGGEST_ID, Input, Listing, Output, Paged, endpoint
from portal.community import facade as community
from portal.kernel.paging import Page
from portal.members.rules import Role
from portal.members.session import current_viewer
from portal.moderation import queries, rules
from portal.moderation.api.mine import appeal_out
from portal.moderation.api.shapes import TAG, AppealOut, DecisionOut, Kind, decision_out
from portal.moderation.services import holding


class Wanted(Paged):
    """Which part of the queue."""

    queue: Literal["post", "duplicate", "appeal"] = "post"
    kind: Annotated[str, Field(max_length=20)] = ""
    why: Annotated[Literal["", "flags", "held", "spam", "voters"], Field(description="What brought it there")] = ""


class ItemOut(Output):
    """One thing that waits."""

    id: int
    queue: str
    kind: str
    target: int
    author: int | None
    url: str | None
    title: str | None
    hidden: Annotated[str | None, Field(description="Why it is out of sight; null while it can be seen")]
    why: Annotated[
        dict[str, Any],
        Field(description="`flags` by reason, `held`, `spam` (0 to 1), `voters`, `other` and `same` of a duplicate"),
    ]
    appeal: AppealOut | None
    urgency: float
    opened_at: datetime


class DecisionsWanted(Paged):
    """Which decisions; all of them by default, the latest first."""

    kind: Kind | None = None
    id: Annotated[int | None, Field(ge=1, le=BIGGEST_ID, description="With `kind`: about this thing")] = None
    author: Annotated[int | None, Field(ge=1, le=BIGGEST_ID, description="Whom they concern")] = None
    actor: Annotated[int | None, Field(ge=1, le=BIGGEST_ID, description="Who decided")] = None


class HoldingIn(Input):
    """What a board holds of newcomers."""

    first_posts: Annotated[int, Field(ge=0, le=rules.NEWCOMER_POSTS, description="So many first posts wait")]
    links: Annotated[bool, Field(description="Whether links wait")]


class HoldingOut(Output):
    """What a board holds of newcomers."""

    board: str
    first_posts: int
    links: bool


@endpoint(
    "GET",
    "/moderation/queue",
    query=Wanted,
    response=Listing[ItemOut],
    summary="What waits for moderators",
    tag=TAG,
    roles=(Role.MODERATOR,),
)
def queue(query: Wanted) -> Page[ItemOut]:
    """Return what waits, the most urgent first."""
    wish = queries.Wish(
        queue=rules.Queue(query.queue), kind=query.kind, why=query.why, cursor=query.cursor, size=query.limit
    )
    page = queries.waiting_for(current_viewer(), wish)
    return Page(_items(page.items), page.next)


def _items(rows: Sequence[queries.Waiting]) -> list[ItemOut]:
    return [
        ItemOut(
            id=row.item_id,
            queue=row.queue,
            kind=row.kind,
            target=row.target_id,
            author=row.author.id if row.author else None,
            url=row.thing.url if row.thing else None,
            title=row.thing.title if row.thing else None,
            hidden=row.thing.why if row.thing else None,
            why=row.why,
            appeal=appeal_out(row.appeal) if row.appeal else None,
            urgency=row.urgency,
            opened_at=row.opened_at,
        )
        for row in rows
    ]


@endpoint("GET", "/moderation/decisions", query=DecisionsWanted, response=Listing[DecisionOut], summary="Decisions",
          tag=TAG, roles=(Role.MODERATOR,))  # fmt: skip
def list_decisions(query: DecisionsWanted) -> Page[DecisionOut]:
    """Return what moderators decided, the latest first."""
    page = queries.decisions_page(
        current_viewer(),
        kind=query.kind,
        target_id=query.id,
        author_id=query.author,
        actor_id=query.actor,
        cursor=query.cursor,
        size=query.limit,
    )
    return Page([decision_out(one) for one in page.items], page.next)


@endpoint("GET", "/moderation/newcomers/<key>", response=HoldingOut, summary="What a board holds of newcomers",
          tag=TAG, roles=(Role.MODERATOR,), errors=(404,))  # fmt: skip
def holding_rule(key: str) -> HoldingOut:
    """Return how many first posts of newcomers a board holds, and whether it holds links."""
    place = community.board_by_key(current_viewer(), key)
    first_posts, links = holding.rule_of(place.id)
    return HoldingOut(board=place.key, first_posts=first_posts, links=links)


@endpoint("PUT", "/moderation/newcomers/<key>", body=HoldingIn, response=HoldingOut, tag=TAG, errors=(404,),
          summary="Say what a board holds of newcomers", roles=(Role.MODERATOR,))  # fmt: skip
def set_holding_rule(key: str, body: HoldingIn) -> HoldingOut:
    """Say how many first posts of newcomers are looked at before they are shown, and whether links are."""
    place = community.board_by_key(current_viewer(), key)
    holding.set_rule(place.id, first_posts=body.first_posts, links=body.links, actor=current_viewer())
    return holding_rule(key)
