"""What a fact means for members: who is to be told of it, why, and as news of which kind.

A fact of a feature that this one may not import is known by its name.
"""

from collections.abc import Callable, Iterator
from typing import Any

from portal.community.events import CommentHidden
from portal.ideas.events import IdeaHidden
from portal.kernel.events import Event
from portal.kernel.projections import FactRow
from portal.members.events.people import MembersMerged, MembersUnmerged
from portal.notifications.occasions import posts, standing
from portal.notifications.services.telling import Telling, Thing
from portal.support.events import AnswerHidden, QuestionHidden

TELLERS: dict[str, Callable[[Any, FactRow], Iterator[Telling]]] = {**posts.TELLERS, **standing.TELLERS}
HIDERS = ("IdeaHidden", "QuestionHidden", "AnswerHidden", "CommentHidden")
MOVERS = ("MembersMerged", "MembersUnmerged")


def things_hidden(event: Event) -> list[Thing]:
    """Return what a fact takes out of sight whole."""
    match event:
        case IdeaHidden():
            return [("idea", event.idea_id)]
        case QuestionHidden():
            return [("question", event.question_id)]
        case AnswerHidden():
            return [("answer", event.answer_id)]
    return []


def sources_hidden(event: Event) -> list[str]:
    """Return what a fact takes out of sight of what was told."""
    match event:
        case CommentHidden():
            return [f"comment:{event.comment_id}"]
        case AnswerHidden():
            return [f"answer:{event.answer_id}"]
    return []


def tellings_of(fact: FactRow) -> Iterator[Telling]:
    """Yield what is to be told of a fact, and to whom."""
    event = fact.event
    teller = TELLERS.get(type(event).__name__)
    if teller is not None:
        yield from teller(event, fact)


def members_moved(event: Event) -> list[int]:
    """Return whose notices have become another's."""
    match event:
        case MembersMerged() | MembersUnmerged():
            return [event.member_id, event.gone_id]
    return []
