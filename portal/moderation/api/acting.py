"""What moderators do: every act that the pages know, its undoing, and deciding appeals."""

from collections.abc import Callable
from typing import Annotated, Literal

from flask_babel import lazy_gettext as _l
from pydantic import Field

from portal.api.endpoints import BIGGEST_ID, Id, Input, endpoint
from portal.community import facade as community
from portal.kernel.errors import Invalid
from portal.members.policy import Viewer
from portal.members.rules import Role
from portal.members.session import current_viewer
from portal.moderation import rules, things
from portal.moderation.api.shapes import TAG, DecisionOut, Kind, Reason, Term, Words, decision_out
from portal.moderation.services import appeals, deciding, joining, rooms, suspending, voices

Verb = Literal[
    "approve", "hide", "spam", "restore", "rephrase", "edit", "move", "split", "merge", "distinct", "set_aside",
    "suspend", "lift", "purge",
]  # fmt: skip
TITLE_MOST, BODY_MOST, KEY_MOST = 200, 50_000, 60


class DecisionIn(Input):
    """What a moderator does with what. Which fields an act needs stands beside them."""

    verb: Verb
    kind: Kind
    id: Id
    item: Annotated[
        int | None,
        Field(ge=1, le=BIGGEST_ID, description="The item before you: if somebody decided first, this answers 409"),
    ] = None
    reason: Annotated[Reason | None, Field(description="For `hide` and `suspend`")] = None
    term: Annotated[Term | None, Field(description="For `suspend`")] = None
    title: Annotated[str | None, Field(max_length=TITLE_MOST, description="For `edit` and `split`")] = None
    body: Annotated[str | None, Field(max_length=BODY_MOST, description="For `edit`")] = None
    board: Annotated[str | None, Field(max_length=KEY_MOST, description="Key of a board, for `move` and `split`")] = (
        None
    )
    into: Annotated[
        int | None, Field(ge=1, le=BIGGEST_ID, description="For `merge`: the idea or question that stays")
    ] = None
    words: Words = ""


class AppealDecision(Input):
    """What comes of an appeal."""

    granted: bool
    words: Annotated[str, Field(max_length=rules.WORDS_MAX, description="What the member reads")] = ""
    item: Annotated[int | None, Field(ge=1, le=BIGGEST_ID, description="The item before you")] = None


Act = Callable[[Viewer, DecisionIn], int]
NEEDED = {
    "hide": ("reason",),
    "suspend": ("reason", "term"),
    "edit": ("body",),
    "move": ("board",),
    "split": ("board", "title"),
    "merge": ("into",),
}
"""What an act cannot do without."""


def _author(who: Viewer, wish: DecisionIn) -> int:
    return things.seen_by(who, wish.kind, wish.id).author_id


def _edit(who: Viewer, wish: DecisionIn) -> int:
    title = things.seen_by(who, wish.kind, wish.id).title if wish.title is None else wish.title
    return deciding.edit(
        who, wish.kind, wish.id, title=title, body=wish.body or "", words=wish.words, item_id=wish.item
    )


def _move(who: Viewer, wish: DecisionIn) -> int:
    board = community.board_by_key(who, wish.board or "")
    return rooms.move(who, wish.kind, wish.id, board.id, words=wish.words)


def _suspend(who: Viewer, wish: DecisionIn) -> int:
    item = wish.item if wish.kind == things.PROFILE else None
    return suspending.suspend(
        who, _author(who, wish), term=wish.term or "", reason=wish.reason or "", words=wish.words, item_id=item
    )


ACTS: dict[str, Act] = {
    "approve": lambda who, wish: deciding.approve(who, wish.kind, wish.id, item_id=wish.item),
    "hide": lambda who, wish: deciding.hide(
        who, wish.kind, wish.id, reason=wish.reason or "", words=wish.words, item_id=wish.item
    ),
    "spam": lambda who, wish: deciding.hide(
        who, wish.kind, wish.id, reason="spam", words=wish.words, item_id=wish.item
    ),
    "restore": lambda who, wish: deciding.restore(who, wish.kind, wish.id),
    "rephrase": lambda who, wish: deciding.rephrase(who, wish.kind, wish.id, words=wish.words, item_id=wish.item),
    "edit": _edit,
    "move": _move,
    "split": lambda who, wish: rooms.split(
        who, wish.kind, wish.id, board=wish.board or "", title=wish.title or "", words=wish.words
    ),
    "merge": lambda who, wish: joining.merge(who, wish.kind, wish.id, wish.into or 0, item_id=wish.item),
    "distinct": lambda who, wish: joining.distinct(who, wish.kind, wish.id, item_id=wish.item),
    "set_aside": lambda who, wish: voices.set_aside(who, wish.kind, wish.id, words=wish.words, item_id=wish.item),
    "suspend": _suspend,
    "lift": lambda who, wish: suspending.lift(who, _author(who, wish)),
    "purge": lambda who, wish: suspending.purge(who, _author(who, wish), words=wish.words),
}


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
    """Decide about a contribution or a member: all that moderators can do on the pages. Each act can be undone."""
    missing = [name for name in NEEDED.get(body.verb, ()) if getattr(body, name) in {None, ""}]
    if missing:
        raise Invalid(fields={name: _l("This act needs it.") for name in missing})
    made = ACTS[body.verb](current_viewer(), body)
    return decision_out(deciding.for_update(made))


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
    return decision_out(deciding.undo(decision_id, current_viewer()))


@endpoint(
    "POST",
    "/moderation/appeals/<int:appeal_id>/decision",
    body=AppealDecision,
    response=DecisionOut,
    summary="Decide an appeal",
    tag=TAG,
    roles=(Role.MODERATOR,),
    errors=(404, 409),
)
def decide_appeal(appeal_id: int, body: AppealDecision) -> DecisionOut:
    """Grant an appeal, which undoes the decision, or keep what was decided. Not for who decided the first time."""
    made = appeals.decide(current_viewer(), appeal_id, granted=body.granted, words=body.words, item_id=body.item)
    return decision_out(deciding.for_update(made))
