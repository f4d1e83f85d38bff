"""The index follows the record: it is derived, and can be built again from the first fact."""

from collections.abc import Sequence

from portal.ideas import facade as ideas_facade
from portal.ideas.events import IdeaEdited, IdeaHidden, IdeaPosted, IdeaShown, IdeaStageChanged
from portal.kernel.projections import FactRow, projection
from portal.members.events.people import MembersMerged, MembersUnmerged
from portal.search import services
from portal.support import facade as support
from portal.support.events import (
    AnswerAccepted,
    AnswerEdited,
    AnswerGiven,
    AnswerHidden,
    AnswerShown,
    AnswerUnaccepted,
    QuestionAsked,
    QuestionEdited,
    QuestionHidden,
    QuestionShown,
)

IDEAS = (IdeaPosted, IdeaEdited, IdeaHidden, IdeaShown, IdeaStageChanged)
QUESTIONS = (QuestionAsked, QuestionEdited, QuestionHidden, QuestionShown)
ANSWERS = (AnswerGiven, AnswerEdited, AnswerHidden, AnswerShown)
JOINED = (MembersMerged, MembersUnmerged)
BATCH = 3000
STATES = (AnswerGiven, AnswerHidden, AnswerShown, AnswerAccepted, AnswerUnaccepted)


@projection(
    "search",
    on=(*IDEAS, *QUESTIONS, *ANSWERS, AnswerAccepted, AnswerUnaccepted, *JOINED),
    reset=services.forget_everything,
    batch=BATCH,
)
def follow(facts: Sequence[FactRow]) -> None:
    """Read anew whatever these facts are about; a second time gives the same."""
    events = [fact.event for fact in facts]
    ideas = {event.idea_id for event in events if isinstance(event, IDEAS)}
    questions = {event.question_id for event in events if isinstance(event, QUESTIONS)}
    answers = {event.answer_id for event in events if isinstance(event, ANSWERS)}
    hidden = {event.question_id for event in events if isinstance(event, QuestionHidden)}
    shown = {event.question_id for event in events if isinstance(event, QuestionShown)}
    changed = {event.question_id for event in events if isinstance(event, STATES)}
    if hidden:
        services.forget_answers_to(sorted(hidden))
    if joined := {who for event in events if isinstance(event, JOINED) for who in (event.member_id, event.gone_id)}:
        written = support.written_by(joined)
        ideas |= ideas_facade.ideas_by(joined).keys()
        questions |= written.questions.keys()
        answers |= {answer_id for answer_id, (author_id, _) in written.answers.items() if author_id in joined}
    if shown:
        answers |= set(support.answer_ids_of(sorted(shown)))
    for ids, index in (
        (ideas, services.index_ideas),
        (questions, services.index_questions),
        (answers, services.index_answers),
        (changed - questions, services.refresh_states),
    ):
        if ids:
            index(sorted(ids))
