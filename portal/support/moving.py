"""A question goes to another board with its answers and comments; its address is the same."""

from sqlalchemy import select, update

from portal.community import facade as community
from portal.kernel.database import db
from portal.kernel.outbox import publish
from portal.support import queries
from portal.support.events import AnswerEdited, QuestionEdited
from portal.support.models import Answer, QuestionTally


def move(question_id: int, board_id: int) -> None:
    """Put a question on a board."""
    question = queries.question_for_update(question_id)
    question.board_id = board_id
    answers = db.session.execute(select(Answer.id, Answer.hidden_at).filter_by(question_id=question_id)).all()
    db.session.execute(update(Answer).filter_by(question_id=question_id).values(board_id=board_id))
    db.session.execute(update(QuestionTally).filter_by(question_id=question_id).values(board_id=board_id))
    db.session.flush()
    community.move_comments([(queries.KIND, question_id), *(("answer", row.id) for row in answers)], board_id)
    if question.hidden_at is None:
        publish(QuestionEdited(actor_id=None, question_id=question_id, board_id=board_id))
        for row in answers:
            if row.hidden_at is None:
                publish(AnswerEdited(actor_id=None, answer_id=row.id, question_id=question_id, board_id=board_id))
