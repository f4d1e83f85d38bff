"""What is written gets its topics a moment later."""

from collections.abc import Sequence

from portal.analytics.topics import fresh, queries
from portal.community.events import CommentHidden, CommentPosted, CommentShown
from portal.ideas.events import IdeaEdited, IdeaHidden, IdeaPosted, IdeaShown
from portal.kernel.events import Event
from portal.kernel.projections import FactRow, projection
from portal.support.events import (
    AnswerEdited,
    AnswerGiven,
    AnswerHidden,
    AnswerShown,
    QuestionAsked,
    QuestionEdited,
    QuestionHidden,
    QuestionShown,
)

WRITTEN: tuple[type[Event], ...] = (
    IdeaPosted,
    IdeaEdited,
    IdeaHidden,
    IdeaShown,
    QuestionAsked,
    QuestionEdited,
    QuestionHidden,
    QuestionShown,
    AnswerGiven,
    AnswerEdited,
    AnswerHidden,
    AnswerShown,
    CommentPosted,
    CommentHidden,
    CommentShown,
)
NEW = (IdeaPosted, QuestionAsked, AnswerGiven, CommentPosted)


@projection("topics", on=WRITTEN)
def read_what_was_written(facts: Sequence[FactRow]) -> None:
    """Read new and changed contributions with the model of their board.

    Trainings read everything by themselves: what the last one has read already is not read again because it is new.
    """
    told = [(fact.event, number) for fact in facts if (number := fact.event.subject_id())]
    new = {(event.subject, number) for event, number in told if isinstance(event, NEW)}
    changed = {(event.subject, number) for event, number in told if not isinstance(event, NEW)}
    fresh.read_keys(changed | (new - queries.read_by_the_last(new)))
