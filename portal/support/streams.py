"""Long readings of everything on a board, for learning and measuring: read through a cursor of the server."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from portal.community.models import ContributionTag, Tag
from portal.kernel.database import db
from portal.support.models import Answer, AnswerTally, AnswerVote, Question, QuestionTally, SameProblem
from portal.support.queries import KIND

CHUNK = 2000


@dataclass(frozen=True, slots=True)
class QuestionRecord:
    """A question as the learners read it."""

    id: int
    board_id: int
    author_id: int
    created_at: datetime
    title: str
    body: str
    lang: str | None
    category: str
    external_id: str | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """An answer as the learners read it; ``helpful`` and ``unhelpful`` hold the counts of an import's source too."""

    id: int
    question_id: int
    author_id: int
    created_at: datetime
    by_asker: bool
    accepted: bool
    verified: bool
    official: bool
    outdated: bool
    helpful: int
    unhelpful: int
    external_id: str | None


@dataclass(frozen=True, slots=True)
class AnswerVoteRecord:
    """Somebody said that an answer helped (1) or did not (-1)."""

    answer_id: int
    author_id: int
    voter_id: int
    value: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SameProblemRecord:
    """Somebody has the problem that another asked about."""

    question_id: int
    member_id: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TextRecord:
    """Words that somebody wrote, for the topics: a question, or an answer with its question as ``thread_id``."""

    kind: str
    id: int
    board_id: int
    author_id: int
    created_at: datetime
    title: str
    body: str
    lang: str | None
    external_id: str | None
    thread_id: int


def questions(board_id: int) -> Iterator[QuestionRecord]:
    """Yield the visible questions of a board in order of time."""
    wanted = _questions().where(Question.board_id == board_id).order_by(Question.created_at, Question.id)
    return (_question(row) for row in _stream(wanted))


def question(question_id: int) -> QuestionRecord | None:
    """Return one visible question."""
    row = db.session.execute(_questions().where(Question.id == question_id)).one_or_none()
    return _question(row) if row is not None else None


def _questions() -> Any:
    tags = (
        select(func.array_agg(Tag.key))
        .join(ContributionTag, ContributionTag.tag_id == Tag.id)
        .where(ContributionTag.target_kind == KIND, ContributionTag.target_id == Question.id)
        .scalar_subquery()
        .label("tags")
    )
    columns = (Question.id, Question.board_id, Question.author_id, Question.created_at, Question.title, Question.body,
               Question.lang, Question.category, Question.external_id, tags)  # fmt: skip
    return select(*columns).where(Question.hidden_at.is_(None))


def _question(row: Any) -> QuestionRecord:
    return QuestionRecord(**row._asdict() | {"tags": tuple(sorted(row.tags or ()))})


def answers(board_id: int) -> Iterator[AnswerRecord]:
    """Yield the visible answers on a board in order of time."""
    helped = AnswerTally.helped + AnswerTally.imported_helped
    unhelped = AnswerTally.unhelped + AnswerTally.imported_unhelped
    columns = (Answer.id, Answer.question_id, Answer.author_id, Answer.created_at, Answer.by_asker,
               Answer.accepted_at.is_not(None), Answer.verified_by.is_not(None), Answer.official, Answer.outdated,
               helped, unhelped, Answer.external_id)  # fmt: skip
    wanted = (
        select(*columns)
        .join(AnswerTally, AnswerTally.answer_id == Answer.id)
        .where(Answer.board_id == board_id, Answer.hidden_at.is_(None))
        .order_by(Answer.created_at, Answer.id)
    )
    return (AnswerRecord(*row) for row in _stream(wanted))


def answer_votes(board_id: int) -> Iterator[AnswerVoteRecord]:
    """Yield who said of which answer on a board that it helped, in order of time."""
    wanted = (
        select(AnswerVote.answer_id, Answer.author_id, AnswerVote.member_id, AnswerVote.value, AnswerVote.at)
        .join(Answer, Answer.id == AnswerVote.answer_id)
        .where(Answer.board_id == board_id)
        .order_by(AnswerVote.at, AnswerVote.answer_id, AnswerVote.member_id)
    )
    return (AnswerVoteRecord(*row) for row in _stream(wanted))


def same_problems(board_id: int) -> Iterator[SameProblemRecord]:
    """Yield who has which problem on a board, in order of time."""
    wanted = (
        select(SameProblem.question_id, SameProblem.member_id, SameProblem.at)
        .join(Question, Question.id == SameProblem.question_id)
        .where(Question.board_id == board_id)
        .order_by(SameProblem.at, SameProblem.question_id, SameProblem.member_id)
    )
    return (SameProblemRecord(*row) for row in _stream(wanted))


def texts(board_id: int | None = None, after_id: int = 0) -> Iterator[TextRecord]:
    """Yield the words of visible questions with an id above ``after_id``, in order of id."""
    wanted = _texts().where(Question.id > after_id).order_by(Question.id)
    if board_id is not None:
        wanted = wanted.where(Question.board_id == board_id)
    return (_text(row) for row in _stream(wanted))


def texts_of(ids: Sequence[int]) -> list[TextRecord]:
    """Return the words of visible questions by id."""
    if not ids:
        return []
    rows = db.session.execute(_texts().where(Question.id.in_(ids)).order_by(Question.id))
    return [_text(row) for row in rows]


def _text(row: Any) -> TextRecord:
    return TextRecord(kind="question", thread_id=row.id, **row._asdict())


def _texts() -> Any:
    columns = (Question.id, Question.board_id, Question.author_id, Question.created_at, Question.title, Question.body,
               Question.lang, Question.external_id)  # fmt: skip
    return select(*columns).where(Question.hidden_at.is_(None))


def answer_texts(board_id: int | None = None, after_id: int = 0) -> Iterator[TextRecord]:
    """Yield the words of visible answers with an id above ``after_id``, in order of id."""
    wanted = _answer_texts().where(Answer.id > after_id).order_by(Answer.id)
    if board_id is not None:
        wanted = wanted.where(Answer.board_id == board_id)
    return (_answer_text(row) for row in _stream(wanted))


def answer_texts_of(ids: Sequence[int]) -> list[TextRecord]:
    """Return the words of visible answers by id."""
    if not ids:
        return []
    return [_answer_text(row) for row in db.session.execute(_answer_texts().where(Answer.id.in_(ids)))]


def _answer_texts() -> Any:
    columns = (Answer.id, Answer.board_id, Answer.author_id, Answer.created_at, Question.title, Answer.body,
               Answer.lang, Answer.external_id, Answer.question_id)  # fmt: skip
    return (
        select(*columns)
        .join(Question, Question.id == Answer.question_id)
        .where(Answer.hidden_at.is_(None), Question.hidden_at.is_(None))
    )


def answer_ids_of(question_ids: Sequence[int]) -> list[int]:
    """Return the visible answers to questions."""
    wanted = select(Answer.id).where(Answer.question_id.in_(question_ids), Answer.hidden_at.is_(None))
    return list(db.session.scalars(wanted))


def _answer_text(row: Any) -> TextRecord:
    return TextRecord("answer", *row)


def states_of(ids: Sequence[int]) -> dict[int, tuple[str, bool]]:
    """Return of questions by id whether each is ``solved``, ``answered`` or ``open``, and whether it can be seen."""
    if not ids:
        return {}
    rows = db.session.execute(
        select(Question.id, QuestionTally.accepted_id, QuestionTally.by_others, Question.hidden_at)
        .join(QuestionTally, QuestionTally.question_id == Question.id)
        .where(Question.id.in_(ids))
    )
    return {row.id: (_state(row.accepted_id, row.by_others), row.hidden_at is None) for row in rows}


def _state(accepted_id: int | None, by_others: int) -> str:
    if accepted_id is not None:
        return "solved"
    return "answered" if by_others else "open"


def _stream(wanted: Any) -> Iterator[Any]:
    return iter(db.session.execute(wanted.execution_options(yield_per=CHUNK)))
