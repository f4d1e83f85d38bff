"""What a fact means for the ledger. Pure: an event in, moves out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.analytics.reputation.rules import Cause, Kind
from portal.community.events import CommentHidden, CommentShown
from portal.ideas.events import IdeaHidden, IdeaShown, IdeaStageChanged, VoteCast, VoteWithdrawn
from portal.kernel.events import Event
from portal.support.events import (
    AnswerAccepted,
    AnswerHidden,
    AnswerMarked,
    AnswerShown,
    AnswerUnaccepted,
    AnswerVoted,
    QuestionDeflected,
    QuestionHidden,
    QuestionShown,
)

SUPPORT = "support"
STEPS: Mapping[str, tuple[Kind, ...]] = {
    "planned": (Kind.PLANNED,),
    "making": (Kind.PLANNED, Kind.MAKING),
    "shipped": (Kind.PLANNED, Kind.MAKING, Kind.SHIPPED),
}
"""What an idea in a stage has earned; whoever skips a stage earns it, too."""
ON_THE_WAY = (Kind.PLANNED, Kind.MAKING, Kind.SHIPPED)
ANSWERS_FLAGS = frozenset({"hide", "spam", "rephrase", "edit", "suspend", "purge"})
"""Acts of moderators by which flags turn out to be right."""
MARKS = {"verified": Kind.VERIFIED, "official": Kind.VERIFIED}


@dataclass(frozen=True, slots=True)
class Thing:
    """What an act was done to."""

    kind: str
    id: int


@dataclass(frozen=True, slots=True)
class Credit:
    """Somebody did something for the benefit of whoever made a thing; one line of the kind stands at a time."""

    thing: Thing
    kind: Kind
    actor_id: int | None
    beneficiary_id: int


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Lines of some kinds on a thing stand no more; ``actor_id`` None: whoever gave them."""

    thing: Thing
    kinds: tuple[Kind, ...]
    cause: Cause
    actor_id: int | None = None
    by_anybody: bool = False


@dataclass(frozen=True, slots=True)
class GoneFromSight:
    """Every line on a thing stands no more; if somebody else than its author hid it, that is a line of its own."""

    thing: Thing
    by_id: int | None


@dataclass(frozen=True, slots=True)
class BackInSight:
    """What was reversed because the thing was hidden stands again."""

    thing: Thing


Move = Credit | TakenBack | GoneFromSight | BackInSight


def moves(event: Event) -> Iterator[Move]:
    """Yield what a fact changes in the ledger, in order. Nobody earns anything from herself."""
    read = _READERS.get(type(event)) or _BY_NAME.get(type(event).__name__)
    for move in read(event) if read is not None else ():
        if not (isinstance(move, Credit) and move.actor_id == move.beneficiary_id):
            yield move


def _vote(event: VoteCast) -> Iterator[Move]:
    if event.kind == SUPPORT:
        yield Credit(Thing("idea", event.idea_id), Kind.VOTE, event.actor_id, event.author_id)


def _vote_back(event: VoteWithdrawn) -> Iterator[Move]:
    if event.kind == SUPPORT:
        yield TakenBack(Thing("idea", event.idea_id), (Kind.VOTE,), Cause.WITHDRAWN, event.actor_id)


def _stage(event: IdeaStageChanged) -> Iterator[Move]:
    idea = Thing("idea", event.idea_id)
    earned, before = STEPS.get(event.stage, ()), STEPS.get(event.before, ())
    lost = tuple(kind for kind in ON_THE_WAY if kind in before and kind not in earned)
    if lost:
        yield TakenBack(idea, lost, Cause.MOVED_BACK, by_anybody=True)
    for kind in earned:
        if kind not in before:
            yield Credit(idea, kind, event.actor_id, event.author_id)


def _accepted(event: AnswerAccepted) -> Iterator[Move]:
    yield Credit(Thing("answer", event.answer_id), Kind.ACCEPTED, event.actor_id, event.author_id)


def _unaccepted(event: AnswerUnaccepted) -> Iterator[Move]:
    yield TakenBack(Thing("answer", event.answer_id), (Kind.ACCEPTED,), Cause.UNDONE, by_anybody=True)


def _answer_vote(event: AnswerVoted) -> Iterator[Move]:
    answer = Thing("answer", event.answer_id)
    if event.before == 1 and event.value != 1:
        yield TakenBack(answer, (Kind.HELPED,), Cause.WITHDRAWN, event.actor_id)
    if event.value == 1 and event.before != 1:
        yield Credit(answer, Kind.HELPED, event.actor_id, event.author_id)


def _marked(event: AnswerMarked) -> Iterator[Move]:
    kind = MARKS.get(event.mark)
    answer = Thing("answer", event.answer_id)
    if kind is not None and event.on:
        yield Credit(answer, kind, event.actor_id, event.author_id)
    elif kind is not None:
        yield TakenBack(answer, (kind,), Cause.UNDONE, by_anybody=True)


def _spared(event: QuestionDeflected) -> Iterator[Move]:
    if event.answer_id is not None and event.author_id is not None:
        yield Credit(Thing("answer", event.answer_id), Kind.SPARED, event.actor_id, event.author_id)


def _hidden(kind: str) -> Callable[[Any], Iterator[Move]]:
    def read(event: Any) -> Iterator[Move]:
        yield GoneFromSight(Thing(kind, getattr(event, f"{kind}_id")), event.actor_id)

    return read


def _shown(kind: str) -> Callable[[Any], Iterator[Move]]:
    def read(event: Any) -> Iterator[Move]:
        yield BackInSight(Thing(kind, getattr(event, f"{kind}_id")))

    return read


def _flags(event: Any) -> Iterator[Move]:
    """Read an answer to flags; moderation stands beside analytics, therefore it is known by its name only."""
    if event.upheld:
        for flagger in event.flaggers:
            yield Credit(Thing(event.target_kind, event.target_id), Kind.FLAG, event.actor_id, flagger)


def _decision_back(event: Any) -> Iterator[Move]:
    """Take back what flags brought when the decision that answered them is undone: they wait for an answer again."""
    if event.verb in ANSWERS_FLAGS:
        yield TakenBack(Thing(event.target_kind, event.target_id), (Kind.FLAG,), Cause.UNDONE, by_anybody=True)


_BY_NAME: dict[str, Callable[[Any], Iterator[Move]]] = {"FlagsAnswered": _flags, "DecisionUndone": _decision_back}
_READERS: dict[type[Event], Callable[[Any], Iterator[Move]]] = {
    VoteCast: _vote,
    VoteWithdrawn: _vote_back,
    IdeaStageChanged: _stage,
    AnswerAccepted: _accepted,
    AnswerUnaccepted: _unaccepted,
    AnswerVoted: _answer_vote,
    AnswerMarked: _marked,
    QuestionDeflected: _spared,
    IdeaHidden: _hidden("idea"),
    QuestionHidden: _hidden("question"),
    AnswerHidden: _hidden("answer"),
    CommentHidden: _hidden("comment"),
    IdeaShown: _shown("idea"),
    QuestionShown: _shown("question"),
    AnswerShown: _shown("answer"),
    CommentShown: _shown("comment"),
}
READ: tuple[type[Event] | str, ...] = (*_READERS, *_BY_NAME)
"""The events that the ledger is written from."""
