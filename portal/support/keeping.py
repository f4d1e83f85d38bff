"""Questions and answers as moderators meet them: seen and hidden alike, taken away, let be seen, reworded."""

from collections.abc import Sequence

from sqlalchemy import func, select, update

from portal.community.registry import redraws
from portal.community.screening import Keeper, Posted, keeps
from portal.kernel.database import db
from portal.members.policy import Viewer
from portal.support import services
from portal.support.models import Answer, Question


def read_questions(ids: Sequence[int]) -> dict[int, Posted]:
    """Return questions, hidden or not."""
    rows = db.session.execute(
        select(Question.id, Question.board_id, Question.author_id, Question.title, Question.body, Question.html,
               Question.lang, Question.created_at, Question.hidden_why, Question.merged_into_id,
               Question.edited_at)
        .where(Question.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: Posted("question", *row[:7], f"/questions/{row.id}", row.created_at, row.hidden_why, None, *row[9:])
        for row in rows
    }


def read_answers(ids: Sequence[int]) -> dict[int, Posted]:
    """Return answers, hidden or not, each under its question's title."""
    rows = db.session.execute(
        select(Answer.id, Answer.board_id, Answer.author_id, Question.title, Answer.body, Answer.html, Answer.lang,
               Answer.question_id, Answer.created_at, Answer.hidden_why, Answer.edited_at)
        .join(Question, Question.id == Answer.question_id)
        .where(Answer.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: Posted(
            "answer",
            *row[:7],
            f"/questions/{row.question_id}#answer-{row.id}",
            row.created_at,
            row.hidden_why,
            ("question", row.question_id),
            edited_at=row.edited_at,
        )
        for row in rows
    }


def _release_question(question_id: int, actor: Viewer) -> None:
    services.release_question(question_id, actor_id=actor.member_id)


def _release_answer(answer_id: int, actor: Viewer) -> None:
    services.release_answer(answer_id, actor_id=actor.member_id)


def _of_author(thing: type[Question | Answer], member_id: int, limit: int) -> Sequence[int]:
    wanted = select(thing.id).where(thing.author_id == member_id).order_by(thing.id.desc()).limit(limit)
    return db.session.scalars(wanted).all()


def _count_seen(thing: type[Question | Answer], member_id: int, limit: int) -> int:
    few = select(thing.id).where(thing.author_id == member_id, thing.hidden_at.is_(None)).limit(limit).subquery()
    return db.session.scalar(select(func.count()).select_from(few)) or 0


@redraws("question")
def redraw_question(question_id: int, body: str, html: str) -> None:
    """Give a question another HTML: somebody it mentions has another name. Its words are not changed by that."""
    db.session.execute(update(Question).filter_by(id=question_id).values(body=body, html=html))


@redraws("answer")
def redraw_answer(answer_id: int, body: str, html: str) -> None:
    """Give an answer another HTML."""
    db.session.execute(update(Answer).filter_by(id=answer_id).values(body=body, html=html))


keeps(
    Keeper(
        "question",
        read_questions,
        lambda question_id, actor, why: services.hide_question(question_id, actor_id=actor.member_id, why=why),
        _release_question,
        lambda question_id, actor, title, body: services.edit_question(
            question_id, actor, title=title, body=body, as_moderator=True
        ),
        lambda member_id, limit: _of_author(Question, member_id, limit),
        lambda member_id, limit: _count_seen(Question, member_id, limit),
    )
)
keeps(
    Keeper(
        "answer",
        read_answers,
        lambda answer_id, actor, why: services.hide_answer(answer_id, actor_id=actor.member_id, why=why),
        _release_answer,
        lambda answer_id, actor, _title, body: services.edit_answer(answer_id, actor, body=body, as_moderator=True),
        lambda member_id, limit: _of_author(Answer, member_id, limit),
        lambda member_id, limit: _count_seen(Answer, member_id, limit),
    )
)
