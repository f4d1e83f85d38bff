"""What one fact adds to the daily figures of members. Pure: an event in, additions out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from portal.community.events import CommentPosted, Followed, Unfollowed
from portal.ideas.events import IdeaPosted, VoteCast, VoteWithdrawn
from portal.kernel.events import Event
from portal.support.events import (
    AnswerAccepted,
    AnswerGiven,
    AnswerUnaccepted,
    AnswerVoted,
    QuestionAsked,
    QuestionDeflected,
    SameProblemSaid,
    SameProblemUnsaid,
)

SUPPORT = "support"
NO_BOARD = 0


class Did(StrEnum):
    """What a member did in a day, or (`ACCEPTED`, `HELPED`, `SPARED`) what others owe to her."""

    IDEA = "idea"
    COMMENT = "comment"
    QUESTION = "question"
    ANSWER = "answer"
    FOLLOW_UP = "follow_up"
    VOTE = "vote"
    THANKS = "thanks"
    SAME_PROBLEM = "same_problem"
    FOLLOW = "follow"
    ACCEPTED = "accepted"
    HELPED = "helped"
    SPARED = "spared"


WRITTEN = (Did.IDEA, Did.COMMENT, Did.QUESTION, Did.ANSWER, Did.FOLLOW_UP)
"""Contributions: what a member wrote."""
ACTS = (*WRITTEN, Did.VOTE, Did.THANKS, Did.SAME_PROBLEM, Did.FOLLOW)
"""Everything a member does that makes her active."""


@dataclass(frozen=True, slots=True)
class Addition:
    """``n`` more of something for a member on a day."""

    member_id: int
    day: date
    board_id: int
    kind: Did
    n: int = 1


def additions(event: Event, happened_at: datetime) -> Iterator[Addition]:
    """Yield what a fact adds; what was taken back is subtracted on the day it was, votes on the day of the vote."""
    fold = _FOLDS.get(type(event))
    for member_id, kind, n, day in fold(event) if fold is not None else ():
        if member_id is not None and n:
            board_id = getattr(event, "board_id", NO_BOARD)
            yield Addition(member_id, day or happened_at.date(), board_id, kind, n)


Found = tuple[int | None, Did, int, date | None]


def _did(kind: Did, n: int = 1) -> Callable[[Any], Iterator[Found]]:
    def fold(event: Any) -> Iterator[Found]:
        yield event.actor_id, kind, n, None

    return fold


def _given(kind: Did, n: int) -> Callable[[Any], Iterator[Found]]:
    def fold(event: Any) -> Iterator[Found]:
        yield event.author_id, kind, n, None

    return fold


def _answer(event: AnswerGiven) -> Iterator[Found]:
    own = event.by_asker or event.actor_id == event.asker_id  # two accounts that turned out to be one person's
    yield event.actor_id, Did.FOLLOW_UP if own else Did.ANSWER, 1, None


def _vote(event: VoteCast) -> Iterator[Found]:
    yield event.actor_id, Did.VOTE, int(event.kind == SUPPORT), None


def _withdrawn(event: VoteWithdrawn) -> Iterator[Found]:
    yield event.actor_id, Did.VOTE, -int(event.kind == SUPPORT), date.fromisoformat(event.cast_on)


def _thanks(event: AnswerVoted) -> Iterator[Found]:
    yield event.actor_id, Did.THANKS, int(event.value != 0) - int(event.before != 0), None
    yield event.author_id, Did.HELPED, int(event.value == 1) - int(event.before == 1), None


_FOLDS: dict[type[Event], Callable[[Any], Iterator[Found]]] = {
    IdeaPosted: _did(Did.IDEA),
    CommentPosted: _did(Did.COMMENT),
    QuestionAsked: _did(Did.QUESTION),
    AnswerGiven: _answer,
    VoteCast: _vote,
    VoteWithdrawn: _withdrawn,
    AnswerVoted: _thanks,
    SameProblemSaid: _did(Did.SAME_PROBLEM),
    SameProblemUnsaid: _did(Did.SAME_PROBLEM, -1),
    Followed: _did(Did.FOLLOW),
    Unfollowed: _did(Did.FOLLOW, -1),
    AnswerAccepted: _given(Did.ACCEPTED, 1),
    AnswerUnaccepted: _given(Did.ACCEPTED, -1),
    QuestionDeflected: _given(Did.SPARED, 1),
}
COUNTED: tuple[type[Event], ...] = tuple(_FOLDS)
"""The events that add to daily figures."""
