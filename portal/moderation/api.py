"""Moderation over the API: flagging, and for tokens of moderators what the queue holds and what is decided."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from portal.api.endpoints import Input, Listing, Output, Paged, endpoint
from portal.kernel.errors import Invalid
from portal.kernel.paging import Page
from portal.members.rules import Role
from portal.members.session import current_viewer
from portal.moderation import queries, rules, things
from portal.moderation.services import appeals, deciding, flags, suspending

TAG = "moderation"
Kind = Literal["idea", "question", "answer", "comment", "member"]
Reason = Literal["spam", "abuse", "private", "off_topic", "duplicate", "other"]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]


class FlagIn(Input):
    """What is wrong with what."""

    kind: Kind
    id: Id
    reason: Reason
    words: Annotated[str, Field(max_length=rules.FLAG_WORDS_MAX)] = ""


class FlagOut(Output):
    """A flag."""

    id: int
    kind: Kind
    target: int
    reason: Reason


class Wanted(Paged):
    """Which part of the queue."""

    queue: Literal["post", "duplicate", "appeal"] = "post"
    kind: Annotated[str, Field(max_length=20)] = ""
    why: Annotated[Literal["", "flags", "held", "spam"], Field(description="What brought it there")] = ""


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
    why: dict[str, Any]
    urgency: float
    opened_at: datetime


class DecisionIn(Input):
    """What a moderator does with what."""

    verb: Literal["approve", "hide", "restore", "rephrase", "suspend", "lift", "purge"]
    kind: Kind
    id: Id
    item: Annotated[
        int | None, Field(description="The item before you: if somebody decided first, this answers 409")
    ] = None
    reason: Reason | None = None
    term: Literal["day", "3_days", "week", "month", "quarter", "good"] | None = None
    words: Annotated[str, Field(max_length=rules.WORDS_MAX, description="What the author reads")] = ""


class DecisionOut(Output):
    """A decision."""

    id: int
    verb: str
    kind: str
    target: int
    author: int | None
    reason: str
    at: datetime
    undone_at: datetime | None


class AppealIn(Input):
    """Why somebody should look again."""

    words: Annotated[str, Field(min_length=1, max_length=rules.WORDS_MAX)]


class AppealOut(Output):
    """An appeal."""

    id: int
    decision: int


@endpoint("POST", "/flags", body=FlagIn, response=FlagOut, summary="Flag something", tag=TAG, errors=(404, 409, 429))
def flag(body: FlagIn) -> FlagOut:
    """Say that something should be looked at by moderators. A second time changes the reason."""
    made = flags.flag(current_viewer(), body.kind, body.id, reason=body.reason, words=body.words)
    return FlagOut(id=made, kind=body.kind, target=body.id, reason=body.reason)


@endpoint("DELETE", "/flags/<int:flag_id>", status=204, summary="Take a flag back", tag=TAG, errors=(404, 409))
def unflag(flag_id: int) -> None:
    """Take one's own flag back."""
    flags.withdraw(current_viewer(), flag_id)


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
            urgency=row.urgency,
            opened_at=row.opened_at,
        )
        for row in rows
    ]


@endpoint(
    "POST",
    "/moderation/decisions",
    body=DecisionIn,
    response=DecisionOut,
    summary="Decide",
    tag=TAG,
    roles=(Role.MODERATOR,),
    errors=(404, 409),
)
def decide(body: DecisionIn) -> DecisionOut:
    """Decide about a contribution or a member."""
    viewer, kind, thing, item = current_viewer(), body.kind, body.id, body.item
    if body.verb in {"hide", "suspend"} and body.reason is None:
        raise Invalid(fields={"reason": "Field required"})
    reason = body.reason or ""
    match body.verb:
        case "approve":
            made = deciding.approve(viewer, kind, thing, item_id=item)
        case "hide":
            made = deciding.hide(viewer, kind, thing, reason=reason, words=body.words, item_id=item)
        case "restore":
            made = deciding.restore(viewer, kind, thing)
        case "rephrase":
            made = deciding.rephrase(viewer, kind, thing, words=body.words, item_id=item)
        case "suspend":
            author = things.seen_by(viewer, kind, thing).author_id
            made = suspending.suspend(viewer, author, term=body.term or "", reason=reason, words=body.words)
        case "lift":
            made = suspending.lift(viewer, things.seen_by(viewer, kind, thing).author_id)
        case "purge":
            made = suspending.purge(viewer, things.seen_by(viewer, kind, thing).author_id, words=body.words)
    return _decision(made)


@endpoint(
    "POST",
    "/moderation/decisions/<int:decision_id>/undo",
    response=DecisionOut,
    status=200,
    summary="Undo a decision",
    tag=TAG,
    roles=(Role.MODERATOR,),
    errors=(404, 409),
)
def undo(decision_id: int) -> DecisionOut:
    """Reverse a decision: everything stands as it stood before."""
    deciding.undo(decision_id, current_viewer())
    return _decision(decision_id)


@endpoint(
    "POST",
    "/moderation/decisions/<int:decision_id>/appeal",
    body=AppealIn,
    response=AppealOut,
    summary="Appeal against a decision about something of your own",
    tag=TAG,
    errors=(404, 409),
    suspended=True,
)
def appeal(decision_id: int, body: AppealIn) -> AppealOut:
    """Ask another moderator to look again; once a decision."""
    return AppealOut(id=appeals.appeal(current_viewer(), decision_id, words=body.words), decision=decision_id)


def _decision(decision_id: int) -> DecisionOut:
    found = deciding.for_update(decision_id)
    return DecisionOut(
        id=found.id,
        verb=found.verb,
        kind=found.target_kind,
        target=found.target_id,
        author=found.author_id,
        reason=found.reason,
        at=found.at,
        undone_at=found.undone_at,
    )
