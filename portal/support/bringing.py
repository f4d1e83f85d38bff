"""What rows alone do not make when a member is brought from elsewhere: the counts of questions and answers."""

from sqlalchemy import text

from portal.kernel.database import db
from portal.kernel.personal import Brought
from portal.support import rules

_QUESTIONS = text("""
    INSERT INTO question_tally (question_id, board_id, active_at, answers, by_others, same_problem, accepted_id,
        imported_score)
    SELECT q.id, q.board_id, q.created_at, count(a.id), count(a.id) FILTER (WHERE NOT a.by_asker),
        (SELECT count(*) FROM same_problem s WHERE s.question_id = q.id),
        min(a.id) FILTER (WHERE a.accepted_at IS NOT NULL), 0
    FROM question q LEFT JOIN answer a ON a.question_id = q.id AND a.hidden_at IS NULL
    WHERE q.id = ANY(:ids) GROUP BY q.id ON CONFLICT DO NOTHING""")
_ANSWERS = text("""
    INSERT INTO answer_tally (answer_id, bound, helped, unhelped, imported_helped, imported_unhelped)
    SELECT a.id, 0, count(v.*) FILTER (WHERE v.value = 1), count(v.*) FILTER (WHERE v.value = -1), 0, 0
    FROM answer a LEFT JOIN answer_vote v ON v.answer_id = a.id
    WHERE a.id = ANY(:ids) GROUP BY a.id ON CONFLICT DO NOTHING
    RETURNING answer_id, helped, unhelped""")
_BOUND = text("UPDATE answer_tally SET bound = :bound WHERE answer_id = :id")


def stand_up(brought: Brought) -> None:
    """Give brought questions and answers their counts."""
    db.session.execute(_QUESTIONS, {"ids": list(brought.ids.get("question", {}).values())})
    made = db.session.execute(_ANSWERS, {"ids": list(brought.ids.get("answer", {}).values())}).all()
    for answer_id, helped, unhelped in made:
        db.session.execute(_BOUND, {"id": answer_id, "bound": rules.lower_bound(helped, unhelped)})
