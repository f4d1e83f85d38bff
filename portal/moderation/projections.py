"""Looking at what was posted, in the order in which it was posted, once the index of search knows it."""

from collections.abc import Sequence

from portal.community.events import CommentPosted
from portal.ideas.events import IdeaPosted
from portal.kernel.projections import FactRow, projection
from portal.moderation.services import watching
from portal.support.events import AnswerGiven, QuestionAsked


@projection("suspicions", on=(IdeaPosted, QuestionAsked, AnswerGiven, CommentPosted), batch=100)
def look(facts: Sequence[FactRow]) -> None:
    """Look at what was posted just now; what an import or a demo brought is history. A repeat changes nothing."""
    for fact in facts:
        kind, thing_id = type(fact.event).subject, fact.event.subject_id()
        if not fact.quiet and thing_id is not None:
            watching.look(kind, thing_id)
