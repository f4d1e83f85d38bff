"""Live hints: as soon as a fact is recorded, the pages that it changes are told to ask again."""

from collections.abc import Sequence
from datetime import timedelta

from flask import current_app
from prometheus_client import Counter

from portal.community.events import CommentPosted, Reacted, Unreacted
from portal.ideas.events import IdeaEdited, IdeaPosted, IdeaStageChanged, VoteCast, VoteWithdrawn
from portal.kernel.clock import now
from portal.kernel.projections import FactRow, projection
from portal.notifications import post, rules
from portal.support import facade as support
from portal.support.events import (
    AnswerAccepted,
    AnswerEdited,
    AnswerGiven,
    AnswerMarked,
    AnswerUnaccepted,
    AnswerVoted,
    QuestionAsked,
    SameProblemSaid,
    SameProblemUnsaid,
)

TOO_OLD = timedelta(minutes=2)
told = Counter("portal_live_hints_total", "Hints sent to pages", ("kind",))
CHANGES = (
    VoteCast,
    VoteWithdrawn,
    IdeaPosted,
    IdeaEdited,
    IdeaStageChanged,
    CommentPosted,
    QuestionAsked,
    SameProblemSaid,
    SameProblemUnsaid,
    AnswerGiven,
    AnswerEdited,
    AnswerVoted,
    AnswerAccepted,
    AnswerUnaccepted,
    AnswerMarked,
    Reacted,
    Unreacted,
)


@projection("live", on=CHANGES, first=True, quiet=False)
def tell_pages(facts: Sequence[FactRow]) -> None:
    """Tell the rooms of what has changed. A hint that is lost is made good when the page is looked at again."""
    fresh = [fact for fact in facts if now() - fact.recorded_at < TOO_OLD]
    places = _questions(fresh)
    hints = rules.without_repeats(
        hint for fact in fresh for hint in rules.hints_of(type(fact.event).__name__, fact.event.payload(), places)
    )
    for hint in hints:
        for room in hint.rooms:
            post.sending(current_app).emit("changed", hint.message(), namespace="/", room=room)
        told.labels(hint.kind).inc()


def _questions(facts: Sequence[FactRow]) -> dict[int, int]:
    """Return to which question each answer belongs that was commented on or reacted to."""
    comments = (fact.event for fact in facts if isinstance(fact.event, CommentPosted))
    answers = {comment.target_id for comment in comments if comment.target_kind == "answer"}
    reacted = (fact.event for fact in facts if isinstance(fact.event, Reacted | Unreacted))
    answers |= {reaction.on_id for reaction in reacted if reaction.on_kind == "answer"}
    return {text.id: text.thread_id for text in support.answer_texts_of(sorted(answers))}
