"""What analytics derives from facts: daily figures, courses, members' figures, what routing learns."""

from collections import defaultdict
from collections.abc import Sequence

from portal.analytics import courses, jobs, joining
from portal.analytics.folding import COUNTED
from portal.analytics.routing.memory import Answered
from portal.analytics.services import figures, routing
from portal.kernel.projections import FactRow, projection
from portal.support import facade as support
from portal.support.events import AnswerGiven, QuestionAsked

READ = tuple(dict.fromkeys((*COUNTED, *courses.FOLLOWED, *joining.JOINED)))


def _forget() -> None:
    courses.forget()
    figures.forget()


@projection(figures.CURSOR, on=READ, reset=_forget)
def count(facts: Sequence[FactRow]) -> None:
    """Bring daily figures, courses and the figures of the members concerned up to date."""
    joined = joining.concerned(facts)
    figures.count_anew(joined)
    facts = joining.as_one(facts)
    courses.keep(facts)
    joining.rehome(joined)
    figures.refresh(figures.count(facts) | courses.touched(fact.event for fact in facts) | joined)


@projection("analytics.routing", on=(QuestionAsked, AnswerGiven), reset=lambda: None, batch=200)
def follow_questions(facts: Sequence[FactRow]) -> None:
    """Let routing learn from new questions and answers; what an import brings is learned in one walk, later."""
    news: dict[int, list[routing.Happening]] = defaultdict(list)
    anew: set[int] = set()
    for fact in facts:
        event = fact.event
        if fact.recorded_at - fact.happened_at > routing.OUT_OF_ORDER:
            anew.add(getattr(event, "board_id", 0))
        elif isinstance(event, QuestionAsked) and (record := support.question_record(event.question_id)) is not None:
            news[event.board_id].append(routing.asked(record))
        elif isinstance(event, AnswerGiven) and not event.by_asker and event.actor_id is not None:
            answer = Answered(event.question_id, event.actor_id, fact.happened_at.timestamp())
            news[event.board_id].append(answer)
    for board_id, happened in news.items():
        if board_id not in anew and not routing.follow(board_id, happened):
            anew.add(board_id)
    for board_id in anew:
        jobs.learn_soon(board_id)
