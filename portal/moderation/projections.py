"""Looking at what was posted, and at who votes together, in the order of the facts."""

from collections.abc import Sequence

from portal.community.events import CommentPosted
from portal.ideas.events import IdeaPosted, VoteCast
from portal.kernel.events import Event
from portal.kernel.projections import FactRow, projection
from portal.moderation.services import voices, watching
from portal.support.events import AnswerGiven, QuestionAsked

POSTS = (IdeaPosted, QuestionAsked, AnswerGiven, CommentPosted)


@projection("suspicions", on=(*POSTS, VoteCast), batch=100)
def look(facts: Sequence[FactRow]) -> None:
    """Look at what happened just now; what an import or a demo brought is history. A repeat changes nothing."""
    ideas = set()
    for event in [fact.event for fact in facts if not fact.quiet]:
        if not isinstance(event, VoteCast):
            _look_at(event)
        elif event.fresh:
            ideas.add(event.idea_id)
    for idea_id in sorted(ideas):
        voices.look_for_crowd(idea_id)


def _look_at(event: Event) -> None:
    if (thing_id := event.subject_id()) is not None:
        watching.look(type(event).subject, thing_id)
