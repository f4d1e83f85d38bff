"""What every act in peer support needs: find the thing, ask whether it may be, count, tell."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, update

from portal.community import facade as community
from portal.community.screening import WAITING
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.kernel.events import Event
from portal.kernel.language import language_of
from portal.kernel.outbox import publish
from portal.kernel.text import clean_line, clean_text
from portal.members.policy import Viewer
from portal.members.rules import Role
from portal.support import queries, rules
from portal.support.models import Answer, Question, QuestionTally

OURS = ("it", "en")
FEW_WORDS = 12
_WHY = {
    rules.Why.OWN_ANSWER: _l("You wrote this answer; whether it helped is for others to say."),
    rules.Why.OWN_QUESTION: _l("You asked this question, so your problem counts already."),
    rules.Why.NOT_YOURS: _l("Only the person who asked, or the company's support, can do this."),
    rules.Why.STAFF_ONLY: _l("Only the company's support can do this."),
}


def check_may_edit(viewer: Viewer, author_id: int) -> None:
    """Let those pass who may change what this author wrote.

    :raise Forbidden: when it is somebody else's.
    """
    allow(rules.why_not_edit(author_id=author_id, member_id=viewer.id, is_agent=is_agent(viewer)))


def question_to_change(question_id: int, viewer: Viewer, *, waiting: bool = False) -> Question:
    """Return a question that the viewer may see, locked; with ``waiting`` also her own that waits to be seen."""
    question = queries.question_for_update(question_id)
    if question.board_id not in community.visible_board_ids(viewer) or not is_there(question, viewer, waiting=waiting):
        raise NotFound(_l("There is no such question."))
    return question


def is_there(thing: Question | Answer, viewer: Viewer, *, waiting: bool) -> bool:
    """Return whether the viewer may act on a thing: its board is hers, and it can be seen, or waits and is her own."""
    if waiting and viewer.has_role(Role.MODERATOR):
        return True
    mine = waiting and thing.author_id == viewer.member_id and thing.hidden_why in WAITING
    return thing.hidden_at is None or mine


def answer_to_change(answer_id: int, viewer: Viewer, *, waiting: bool = False) -> Answer:
    """Return an answer that the viewer may see, locked; with ``waiting`` also her own that waits to be seen."""
    answer = queries.answer_for_update(answer_id)
    if answer.board_id not in community.visible_board_ids(viewer) or not is_there(answer, viewer, waiting=waiting):
        raise NotFound(_l("There is no such answer."))
    return answer


def is_agent(viewer: Viewer) -> bool:
    """Return whether the viewer is of the company's support."""
    return viewer.has_role(Role.SUPPORT_AGENT)


def allow(why: rules.Why | None, kind: type[Forbidden | Refused] = Forbidden) -> None:
    """Let the act go on.

    :raise Forbidden: (or another kind) when there is a reason against it.
    """
    if why is not None:
        raise kind(_WHY[why])


def checked(title: str, body: str) -> tuple[str, str]:
    """Return a title and a text as they are kept.

    :raise Invalid: when one is too short, too long or holds control characters.
    """
    line = clean_line(title, field="title", most=rules.TITLE_MAX)
    return line, clean_text(body, field="body", least=0)


def language_of_text(words: str, viewer: Viewer) -> str | None:
    """Return the language of a text; a few words in neither of ours are taken for the writer's own."""
    found = language_of(words, otherwise=viewer.lang)
    return viewer.lang if found not in OURS and len(words.split()) < FEW_WORDS else found


def category_of(category: str, known: Iterable[str]) -> str:
    """Return a category of the board; none is allowed.

    :raise Invalid: when the board has categories and this is not one of them.
    """
    chosen = clean_line(category, field="category", most=rules.CATEGORY_MAX, least=0)
    choices = list(known)
    if chosen and choices and chosen not in choices:
        raise Invalid(fields={"category": _l("This board has no such category.")})
    return chosen


def where(answer: Answer) -> dict[str, int]:
    """Return the ids that every event of an answer carries."""
    return {"answer_id": answer.id, "question_id": answer.question_id, "board_id": answer.board_id}


def count_answer(question_id: int, step: int, *, by_asker: bool, at: datetime | None = None) -> None:
    """Move the counts of a question by one answer."""
    changes: dict[str, Any] = {"answers": QuestionTally.answers + step}
    if not by_asker:
        changes["by_others"] = QuestionTally.by_others + step
    if at is not None:
        changes["active_at"] = func.greatest(QuestionTally.active_at, at)
    change_counts(question_id, **changes)


def change_counts(question_id: int, **changes: Any) -> None:
    """Change counts of a question."""
    db.session.execute(update(QuestionTally).filter_by(question_id=question_id).values(**changes))


def tell(event: Event, at: datetime | None) -> None:
    """Publish an event; one of the past tells nobody."""
    publish(event, at=at, quiet=at is not None)
