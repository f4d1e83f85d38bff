"""What of peer support is more than a row when two accounts are one person's: nobody helps, thanks or joins herself."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from portal.kernel.database import db
from portal.kernel.events import Event
from portal.kernel.outbox import publish
from portal.members.services.merging import Joining, Told, joins, parts
from portal.support import rules
from portal.support.events import AnswerVoted, SameProblemSaid, SameProblemUnsaid

# Answers of the one to questions of the other become follow-ups of who asked.
_OWN_ANSWERS = text("""
UPDATE answer a SET by_asker = true FROM question q
WHERE q.id = a.question_id AND NOT a.by_asker
  AND ((a.author_id = :kept AND q.author_id = :gone) OR (a.author_id = :gone AND q.author_id = :kept))
RETURNING a.id, a.question_id, a.hidden_at IS NULL AS seen""")
_NOT_OWN = text("UPDATE answer SET by_asker = false WHERE id = :id RETURNING question_id, hidden_at IS NULL AS seen")
_BY_OTHERS = text("UPDATE question_tally SET by_others = by_others + :by WHERE question_id = :question")
# Verdicts that do not count any more: on one's own answer, or said by both accounts (the kept one's stands).
_VERDICTS = text("""
DELETE FROM answer_vote v USING answer a
WHERE a.id = v.answer_id AND (
    (v.member_id = :gone AND (a.author_id = :kept OR EXISTS (
        SELECT FROM answer_vote k WHERE k.answer_id = v.answer_id AND k.member_id = :kept)))
    OR (v.member_id = :kept AND a.author_id = :gone))
RETURNING v.answer_id, v.member_id, v.value, v.at, a.author_id, a.question_id, a.board_id""")
_VERDICT_AGAIN = text("""
INSERT INTO answer_vote (answer_id, member_id, value, at)
SELECT a.id, :member, :value, :at FROM answer a WHERE a.id = :answer ON CONFLICT DO NOTHING
RETURNING answer_id""")
_ANSWER = text("SELECT author_id, question_id, board_id FROM answer WHERE id = :answer")
_TALLY = text("""
UPDATE answer_tally SET helped = helped + :helped, unhelped = unhelped + :unhelped WHERE answer_id = :answer
RETURNING helped + imported_helped AS up, unhelped + imported_unhelped AS down""")
_BOUND = text("UPDATE answer_tally SET bound = :bound WHERE answer_id = :answer")
_SAME = text("""
DELETE FROM same_problem s USING question q
WHERE q.id = s.question_id AND (
    (s.member_id = :gone AND (q.author_id = :kept OR EXISTS (
        SELECT FROM same_problem k WHERE k.question_id = s.question_id AND k.member_id = :kept)))
    OR (s.member_id = :kept AND q.author_id = :gone))
RETURNING s.question_id, s.member_id, s.at, q.board_id, q.author_id""")
_SAME_AGAIN = text("""
INSERT INTO same_problem (question_id, member_id, at)
SELECT q.id, :member, :at FROM question q WHERE q.id = :question ON CONFLICT DO NOTHING RETURNING question_id""")
_QUESTION = text("SELECT board_id, author_id FROM question WHERE id = :question")
_SAME_TALLY = text("UPDATE question_tally SET same_problem = same_problem + :by WHERE question_id = :question")


def _pair(joining: Joining) -> dict[str, int]:
    return {"kept": joining.kept_id, "gone": joining.gone_id}


def _tell(event: Event, at: datetime) -> None:
    """Record what does not count any more, or again, on the day on which it was done."""
    publish(event, at=at, quiet=True)


@joins("own_answer")
def join_answers(joining: Joining) -> None:
    """Count answers to one's own question as follow-ups."""
    for row in db.session.execute(_OWN_ANSWERS, _pair(joining)).all():
        db.session.execute(_BY_OTHERS, {"by": -int(row.seen), "question": row.question_id})
        joining.tell("own_answer", {"id": row.id})


@parts("own_answer")
def part_answers(_joining: Joining, told: list[Told]) -> None:
    """Count them as help again."""
    for one in told:
        if (row := db.session.execute(_NOT_OWN, {"id": one.key["id"]}).one_or_none()) is not None:
            db.session.execute(_BY_OTHERS, {"by": int(row.seen), "question": row.question_id})


@joins("verdict")
def join_verdicts(joining: Joining) -> None:
    """Leave one verdict an answer, and none on one's own."""
    for row in db.session.execute(_VERDICTS, _pair(joining)).all():
        _count(row.answer_id, row.value, -1)
        about = {"answer_id": row.answer_id, "question_id": row.question_id, "board_id": row.board_id}
        _tell(AnswerVoted(actor_id=row.member_id, author_id=row.author_id, value=0, before=row.value, **about), row.at)
        key = {"answer_id": row.answer_id, "member_id": row.member_id}
        joining.tell("verdict", key, {"value": row.value, "at": row.at.isoformat()})


@parts("verdict")
def part_verdicts(_joining: Joining, told: list[Told]) -> None:
    """Let each account's verdict stand again."""
    for one in told:
        at, value, answer = datetime.fromisoformat(one.before["at"]), one.before["value"], one.key["answer_id"]
        values: dict[str, Any] = {"answer": answer, "member": one.key["member_id"], "value": value, "at": at}
        if db.session.execute(_VERDICT_AGAIN, values).one_or_none() is None:
            continue
        _count(answer, value, 1)
        row = db.session.execute(_ANSWER, {"answer": answer}).one()
        about = {"answer_id": answer, "question_id": row.question_id, "board_id": row.board_id}
        actor = one.key["member_id"]
        _tell(AnswerVoted(actor_id=actor, author_id=row.author_id, value=value, before=0, **about), at)


def _count(answer_id: int, value: int, by: int) -> None:
    steps = {"answer": answer_id, "helped": by * (value == 1), "unhelped": by * (value == -1)}
    row = db.session.execute(_TALLY, steps).one()
    db.session.execute(_BOUND, {"answer": answer_id, "bound": rules.lower_bound(row.up, row.down)})


@joins("same_problem")
def join_same_problems(joining: Joining) -> None:
    """Let one person have a problem once, and not besides having asked."""
    for row in db.session.execute(_SAME, _pair(joining)).all():
        db.session.execute(_SAME_TALLY, {"by": -1, "question": row.question_id})
        about = {"question_id": row.question_id, "board_id": row.board_id, "author_id": row.author_id}
        _tell(SameProblemUnsaid(actor_id=row.member_id, **about), row.at)
        key = {"question_id": row.question_id, "member_id": row.member_id}
        joining.tell("same_problem", key, {"at": row.at.isoformat()})


@parts("same_problem")
def part_same_problems(_joining: Joining, told: list[Told]) -> None:
    """Let each account say so again."""
    for one in told:
        at, question, member = datetime.fromisoformat(one.before["at"]), one.key["question_id"], one.key["member_id"]
        values = {"question": question, "member": member, "at": at}
        if db.session.execute(_SAME_AGAIN, values).one_or_none() is None:
            continue
        db.session.execute(_SAME_TALLY, {"by": 1, "question": question})
        row = db.session.execute(_QUESTION, {"question": question}).one()
        about = {"question_id": question, "board_id": row.board_id, "author_id": row.author_id}
        _tell(SameProblemSaid(actor_id=member, **about), at)


# Who wrote what, for those who keep it in another form.

_QUESTIONS = text("SELECT id, author_id FROM question WHERE author_id = ANY(CAST(:members AS bigint[]))")
_ANSWERS = text("""
SELECT a.id, a.author_id, q.author_id AS asker_id FROM answer a JOIN question q ON q.id = a.question_id
WHERE a.author_id = ANY(CAST(:members AS bigint[])) OR q.author_id = ANY(CAST(:members AS bigint[]))""")
_SAID = text("""
SELECT answer_id, member_id, value, at FROM answer_vote WHERE member_id = ANY(CAST(:members AS bigint[]))""")


@dataclass(frozen=True, slots=True)
class Written:
    """What some members wrote and said, hidden things included.

    ``questions`` are by id with their authors, ``answers`` with author and asker: theirs, and those to their questions.
    ``verdicts`` are answer, member, value and time.
    """

    questions: dict[int, int]
    answers: dict[int, tuple[int, int]]
    verdicts: list[tuple[int, int, int, datetime]]


def written_by(member_ids: Collection[int]) -> Written:
    """Return whose each question, answer and verdict of these members is now."""
    bound = {"members": list(member_ids)}
    return Written(
        {row.id: row.author_id for row in db.session.execute(_QUESTIONS, bound)},
        {row.id: (row.author_id, row.asker_id) for row in db.session.execute(_ANSWERS, bound)},
        [(row.answer_id, row.member_id, row.value, row.at) for row in db.session.execute(_SAID, bound)],
    )
