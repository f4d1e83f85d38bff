"""What concerns whoever asks: flagging, what was decided about her own things, appeals, her voice in a merge."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from portal.api.endpoints import Id, Input, Output, endpoint
from portal.community.screening import Posted
from portal.members.session import current_viewer
from portal.moderation import queries, rules
from portal.moderation.api.shapes import TAG, AppealOut, DecisionOut, Kind, Reason, decision_out
from portal.moderation.models import Appeal, Flag
from portal.moderation.services import appeals, flags, joining, suspending


class FlagIn(Input):
    """What is wrong with what."""

    kind: Kind
    id: Id
    reason: Reason
    words: Annotated[str, Field(max_length=rules.FLAG_WORDS_MAX)] = ""


class FlagOut(Output):
    """A flag. ``outcome`` is upheld or rejected; null while nobody has looked."""

    id: int
    kind: Kind
    target: int
    reason: Reason
    outcome: str | None = None


class AppealIn(Input):
    """Why somebody should look again."""

    words: Annotated[str, Field(min_length=1, max_length=rules.WORDS_MAX)]


class SuspensionOut(Output):
    """Until when she reads and does not write, and why."""

    until: datetime
    since: datetime
    reason: str
    words: str
    decision: int


class WaitingOut(Output):
    """Something that is looked at before others see it."""

    kind: str
    id: int
    title: str
    url: str
    created_at: datetime


class OwnDecisionOut(DecisionOut):
    """A decision about something of hers, and her appeal against it."""

    appeal: AppealOut | None
    may_appeal: bool


class MineOut(Output):
    """What moderation holds on whoever asks: the latest fifty of each."""

    suspension: SuspensionOut | None
    waiting: list[WaitingOut]
    decisions: list[OwnDecisionOut]
    flags: list[FlagOut]


@endpoint("POST", "/flags", body=FlagIn, response=FlagOut, summary="Flag something", tag=TAG, errors=(404, 409, 429))
def flag(body: FlagIn) -> FlagOut:
    """Say that something should be looked at by moderators. A second time changes the reason."""
    made = flags.flag(current_viewer(), body.kind, body.id, reason=body.reason, words=body.words)
    return FlagOut(id=made, kind=body.kind, target=body.id, reason=body.reason)


@endpoint("DELETE", "/flags/<int:flag_id>", status=204, summary="Take a flag back", tag=TAG, errors=(404, 409),
          suspended=True)  # fmt: skip
def unflag(flag_id: int) -> None:
    """Take one's own flag back."""
    flags.withdraw(current_viewer(), flag_id)


@endpoint("GET", "/moderation/mine", response=MineOut, summary="What moderation holds on you", tag=TAG, signed_in=True)
def mine() -> MineOut:
    """Return what of yours waits, what was decided about it, what came of your flags, and whether you are suspended."""
    viewer = current_viewer()
    held = suspending.current(viewer.id)
    return MineOut(
        suspension=SuspensionOut(
            until=held.until, since=held.since, reason=held.reason, words=held.words, decision=held.decision_id
        )
        if held
        else None,
        waiting=[_waiting(thing) for thing in queries.waiting_of(viewer)],
        decisions=[_own(one) for one in queries.decisions_about(viewer)],
        flags=[_flag(row) for row, _thing in queries.flags_by(viewer)],
    )


@endpoint("GET", "/moderation/mine/<int:decision_id>", response=OwnDecisionOut, summary="A decision about you", tag=TAG,
          signed_in=True, errors=(404,))  # fmt: skip
def own_decision(decision_id: int) -> OwnDecisionOut:
    """Return one decision about something of yours, with your appeal."""
    return _own(queries.decision_about(current_viewer(), decision_id))


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
    appeals.appeal(current_viewer(), decision_id, words=body.words)
    made = queries.decision_about(current_viewer(), decision_id).appeal
    assert made is not None  # noqa: S101 - it has just been made
    return appeal_out(made)


@endpoint("DELETE", "/moderation/merges/<int:decision_id>/voice", status=204, summary="Stay out of a merge", tag=TAG,
          errors=(404, 409), suspended=True)  # fmt: skip
def opt_out(decision_id: int) -> None:
    """Take your support out of the idea or question that a merge moved it to, within 14 days."""
    joining.opt_out(current_viewer(), decision_id)


def appeal_out(made: Appeal) -> AppealOut:
    """Return an appeal as the API says it."""
    return AppealOut(
        id=made.id, decision=made.decision_id, words=made.words, at=made.at, granted=made.granted, answer=made.answer
    )


def _own(one: queries.Mine) -> OwnDecisionOut:
    why_not = rules.why_not_appeal(
        one.decision.verb,
        author_id=one.decision.author_id,
        member_id=current_viewer().id,
        undone=one.decision.undone_at is not None,
        appealed=one.appeal is not None,
    )
    appealed = appeal_out(one.appeal) if one.appeal else None
    return OwnDecisionOut(**dict(decision_out(one.decision)), appeal=appealed, may_appeal=why_not is None)


def _waiting(thing: Posted) -> WaitingOut:
    return WaitingOut(kind=thing.kind, id=thing.id, title=thing.title, url=thing.url, created_at=thing.created_at)


def _flag(row: Flag) -> FlagOut:
    return FlagOut.model_validate(
        {"id": row.id, "kind": row.target_kind, "target": row.target_id, "reason": row.reason, "outcome": row.outcome}
    )
