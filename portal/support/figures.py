"""Counts about members and boards, for their pages and for those who measure."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from portal.kernel.database import db
from portal.support.models import Answer, AnswerTally, Question, QuestionTally


@dataclass(frozen=True, slots=True)
class MemberFigures:
    """What a member did in peer support; what is hidden does not count. ``helped``: votes that an answer helped."""

    questions: int = 0
    answers: int = 0
    accepted: int = 0
    helped: int = 0
    unhelped: int = 0


@dataclass(frozen=True, slots=True)
class BoardFigures:
    """How a board of questions stands."""

    questions: int = 0
    answers: int = 0
    unanswered: int = 0
    solved: int = 0


def of_members(member_ids: Collection[int]) -> dict[int, MemberFigures]:
    """Return the figures of members; those who did nothing have zeros. Answers to one's own questions do not count."""
    if not member_ids:
        return {}
    asked = {
        row.author_id: row.questions
        for row in db.session.execute(
            select(Question.author_id, func.count().label("questions"))
            .where(Question.author_id.in_(member_ids), Question.hidden_at.is_(None))
            .group_by(Question.author_id)
        )
    }
    gave = {
        row.author_id: row
        for row in db.session.execute(
            select(
                Answer.author_id,
                func.count().label("answers"),
                func.count(Answer.accepted_at).label("accepted"),
                func.coalesce(func.sum(AnswerTally.helped + AnswerTally.imported_helped), 0).label("helped"),
                func.coalesce(func.sum(AnswerTally.unhelped + AnswerTally.imported_unhelped), 0).label("unhelped"),
            )
            .join(AnswerTally, AnswerTally.answer_id == Answer.id)
            .where(Answer.author_id.in_(member_ids), Answer.hidden_at.is_(None), ~Answer.by_asker)
            .group_by(Answer.author_id)
        )
    }
    return {
        member_id: MemberFigures(
            asked.get(member_id, 0),
            *((int(n) for n in gave[member_id][1:]) if member_id in gave else ()),
        )
        for member_id in member_ids
    }


def of_boards(board_ids: Collection[int]) -> dict[int, BoardFigures]:
    """Return the figures of boards, those without questions with zeros; one query."""
    rows = db.session.execute(
        select(
            QuestionTally.board_id,
            func.count(),
            func.coalesce(func.sum(QuestionTally.answers), 0),
            func.count().filter(QuestionTally.by_others == 0),
            func.count(QuestionTally.accepted_id),
        )
        .join(Question, Question.id == QuestionTally.question_id)
        .where(QuestionTally.board_id.in_(board_ids), Question.hidden_at.is_(None))
        .group_by(QuestionTally.board_id)
    )
    found = {board_id: BoardFigures(*(int(n) for n in counts)) for board_id, *counts in rows}
    return {board_id: found.get(board_id, BoardFigures()) for board_id in board_ids}
