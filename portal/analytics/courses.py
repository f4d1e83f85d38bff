"""The course of ideas, questions and answers, kept from facts: a batch in, a few statements out."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, text, update
from sqlalchemy.dialects.postgresql import insert

from portal.analytics.models import AnswerCourse, AnswerThanks, IdeaCourse, QuestionCourse
from portal.ideas.events import IdeaHidden, IdeaPosted, IdeaShown, IdeaStageChanged
from portal.kernel.database import db
from portal.kernel.events import Event
from portal.kernel.projections import FactRow
from portal.support.events import (
    AnswerAccepted,
    AnswerGiven,
    AnswerHidden,
    AnswerMarked,
    AnswerShown,
    AnswerUnaccepted,
    AnswerVoted,
    QuestionAsked,
    QuestionHidden,
    QuestionShown,
)

STAGE_TIMES = {
    "review": "reviewed_at",
    "planned": "planned_at",
    "making": "making_at",
    "shipped": "shipped_at",
    "declined": "declined_at",
}
TABLES = (IdeaCourse, QuestionCourse, AnswerCourse, AnswerThanks)
_FIRST_ANSWERS = text("""
UPDATE question_course q SET answered_at = least(q.answered_at, n.at)
FROM (SELECT id, min(at) AS at
      FROM unnest(CAST(:ids AS bigint[]), CAST(:times AS timestamptz[])) AS u (id, at) GROUP BY id) n
WHERE q.question_id = n.id""")


def keep(facts: Sequence[FactRow]) -> None:
    """Bring the courses up to date: what began first, then what became of it, in order."""
    _begin(IdeaCourse, [_idea(fact) for fact in facts if isinstance(fact.event, IdeaPosted)])
    _begin(QuestionCourse, [_question(fact) for fact in facts if isinstance(fact.event, QuestionAsked)])
    given = [fact for fact in facts if isinstance(fact.event, AnswerGiven) and not fact.event.by_asker]
    _begin(AnswerCourse, [_answer(fact) for fact in given])
    _note_first_answers(given)
    for fact in facts:
        if (follow := _FOLLOW.get(type(fact.event))) is not None:
            follow(fact.event, fact.happened_at)


def forget() -> None:
    """Empty the tables."""
    for table in TABLES:
        db.session.execute(delete(table))


def touched(events: Iterable[Event]) -> set[int]:
    """Return the members whose figures depend on what became of an idea or an answer."""
    return {
        author
        for event in events
        if type(event) in _FOLLOW and (author := getattr(event, "author_id", None)) is not None
    }


def _begin(table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        db.session.execute(insert(table).on_conflict_do_nothing(), rows)


def _idea(fact: FactRow) -> dict[str, Any]:
    event: Any = fact.event
    return {
        "idea_id": event.idea_id, "board_id": event.board_id, "author_id": event.author_id,
        "posted_at": fact.happened_at, "stage": "submitted", "hidden": False,
    }  # fmt: skip


def _question(fact: FactRow) -> dict[str, Any]:
    event: Any = fact.event
    return {
        "question_id": event.question_id, "board_id": event.board_id, "asker_id": event.actor_id,
        "asked_at": fact.happened_at, "hidden": False,
    }  # fmt: skip


def _answer(fact: FactRow) -> dict[str, Any]:
    event: Any = fact.event
    return {
        "answer_id": event.answer_id, "question_id": event.question_id, "board_id": event.board_id,
        "author_id": event.actor_id, "asker_id": event.asker_id, "given_at": fact.happened_at,
        "verified": False, "outdated": False, "hidden": False,
    }  # fmt: skip


def _note_first_answers(given: Sequence[FactRow]) -> None:
    if given:
        ids = [fact.event.question_id for fact in given if isinstance(fact.event, AnswerGiven)]
        db.session.execute(_FIRST_ANSWERS, {"ids": ids, "times": [fact.happened_at for fact in given]})


def _moved(event: IdeaStageChanged, at: datetime) -> None:
    values: dict[str, Any] = {"stage": event.stage}
    if (column := STAGE_TIMES.get(event.stage)) is not None:
        values[column] = func.coalesce(getattr(IdeaCourse, column), at)
    db.session.execute(update(IdeaCourse).where(IdeaCourse.idea_id == event.idea_id).values(values))


def _idea_seen(*, hidden: bool) -> Callable[[Any, datetime], None]:
    def follow(event: Any, at: datetime) -> None:
        del at
        db.session.execute(update(IdeaCourse).where(IdeaCourse.idea_id == event.idea_id).values(hidden=hidden))

    return follow


def _question_seen(*, hidden: bool) -> Callable[[Any, datetime], None]:
    def follow(event: Any, at: datetime) -> None:
        del at
        here = QuestionCourse.question_id == event.question_id
        db.session.execute(update(QuestionCourse).where(here).values(hidden=hidden))

    return follow


def _answer_is(**values: Any) -> Callable[[Any, datetime], None]:
    def follow(event: Any, at: datetime) -> None:
        del at
        db.session.execute(update(AnswerCourse).where(AnswerCourse.answer_id == event.answer_id).values(values))

    return follow


def _accepted(event: AnswerAccepted, at: datetime) -> None:
    db.session.execute(update(AnswerCourse).where(AnswerCourse.answer_id == event.answer_id).values(accepted_at=at))


def _marked(event: AnswerMarked, at: datetime) -> None:
    if event.mark in {"verified", "outdated"}:
        _answer_is(**{event.mark: event.on})(event, at)


def _thanked(event: AnswerVoted, at: datetime) -> None:
    here = (AnswerThanks.answer_id == event.answer_id) & (AnswerThanks.member_id == event.actor_id)
    db.session.execute(delete(AnswerThanks).where(here))
    if event.value and event.actor_id is not None:
        db.session.add(AnswerThanks(answer_id=event.answer_id, member_id=event.actor_id, value=event.value, at=at))
        db.session.flush()


_FOLLOW: dict[type[Event], Callable[[Any, datetime], None]] = {
    IdeaStageChanged: _moved,
    IdeaHidden: _idea_seen(hidden=True),
    IdeaShown: _idea_seen(hidden=False),
    QuestionHidden: _question_seen(hidden=True),
    QuestionShown: _question_seen(hidden=False),
    AnswerHidden: _answer_is(hidden=True),
    AnswerShown: _answer_is(hidden=False),
    AnswerAccepted: _accepted,
    AnswerUnaccepted: _answer_is(accepted_at=None),
    AnswerMarked: _marked,
    AnswerVoted: _thanked,
}
FOLLOWED: tuple[type[Event], ...] = (IdeaPosted, QuestionAsked, AnswerGiven, *_FOLLOW)
"""The events that the courses are kept from."""
