"""Whether something helped: the same problem, votes on answers, acceptance, marks, deflection."""

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid, NotFound, Refused
from portal.kernel.outbox import publish
from portal.members.policy import Viewer
from portal.members.services import audit
from portal.support import queries, rules
from portal.support.events import (
    AnswerAccepted,
    AnswerMarked,
    AnswerUnaccepted,
    AnswerVoted,
    QuestionDeflected,
    SameProblemSaid,
    SameProblemUnsaid,
)
from portal.support.models import Answer, AnswerTally, AnswerVote, QuestionTally, SameProblem
from portal.support.services.ground import (
    allow,
    answer_to_change,
    change_counts,
    is_agent,
    question_to_change,
    tell,
    where,
)


def same_problem(question_id: int, viewer: Viewer, *, on: bool = True, at: datetime | None = None) -> int:
    """Say that one has the same problem, or take it back; return how many say so. A second time changes nothing.

    :raise Refused: when the viewer asked the question herself.
    """
    question = question_to_change(question_id, viewer)
    allow(rules.why_not_same_problem(author_id=question.author_id, member_id=viewer.id), Refused)
    if _say_same(question.id, viewer.id, on=on, at=at):
        change_counts(question.id, same_problem=QuestionTally.same_problem + (1 if on else -1))
        fact = SameProblemSaid if on else SameProblemUnsaid
        ids = {"question_id": question.id, "board_id": question.board_id, "author_id": question.author_id}
        tell(fact(actor_id=viewer.id, **ids), at)
    return db.session.scalars(select(QuestionTally.same_problem).filter_by(question_id=question.id)).one()


def _say_same(question_id: int, member_id: int, *, on: bool, at: datetime | None) -> bool:
    """Write or remove the row; return whether that changed anything."""
    if on:
        row = insert(SameProblem).values(question_id=question_id, member_id=member_id, at=at or now())
        changed = db.session.execute(row.on_conflict_do_nothing().returning(SameProblem.member_id)).scalar()
    else:
        mine = delete(SameProblem).filter_by(question_id=question_id, member_id=member_id)
        changed = db.session.execute(mine.returning(SameProblem.member_id)).scalar()
    return changed is not None


def vote_answer(answer_id: int, viewer: Viewer, *, value: int, at: datetime | None = None) -> None:
    """Say that an answer helped (1), did not (-1), or take that back (0). A second time changes nothing.

    :raise Refused: when the viewer wrote the answer.
    :raise Invalid: for another value.
    """
    if value not in (-1, 0, 1):
        raise Invalid(fields={"value": _l("Say 1, -1 or 0.")})
    answer = answer_to_change(answer_id, viewer)
    allow(rules.why_not_vote(author_id=answer.author_id, voter_id=viewer.id), Refused)
    key = {"answer_id": answer.id, "member_id": viewer.id}
    before = db.session.scalar(select(AnswerVote.value).filter_by(**key)) or 0
    if before == value:
        return
    if value:
        row = insert(AnswerVote).values(**key, value=value, at=at or now())
        db.session.execute(
            row.on_conflict_do_update(index_elements=list(key), set_={"value": value, "at": row.excluded.at})
        )
    else:
        db.session.execute(delete(AnswerVote).filter_by(**key))
    _count_vote(answer.id, before, value)
    tell(AnswerVoted(actor_id=viewer.id, author_id=answer.author_id, value=value, before=before, **where(answer)), at)


def _count_vote(answer_id: int, before: int, value: int) -> None:
    """Move the counts from one vote to another; the answer is locked, so nobody else does."""
    tally = db.session.scalars(select(AnswerTally).filter_by(answer_id=answer_id).with_for_update()).one()
    tally.helped += (value == 1) - (before == 1)
    tally.unhelped += (value == -1) - (before == -1)
    tally.bound = rules.lower_bound(tally.helped + tally.imported_helped, tally.unhelped + tally.imported_unhelped)
    db.session.flush()


def accept_answer(answer_id: int, viewer: Viewer, *, at: datetime | None = None) -> None:
    """Accept an answer as the one that solved it; one accepted before gives way. A second time changes nothing.

    :raise Forbidden: when the viewer neither asked nor is of the company's support.
    """
    answer = answer_to_change(answer_id, viewer)
    question = queries.question_for_update(answer.question_id)
    agent = is_agent(viewer)
    allow(rules.why_not_accept(asker_id=question.author_id, member_id=viewer.id, is_agent=agent))
    if answer.accepted_at is not None:
        return
    _withdraw_acceptance(question.id, viewer.id, at)
    answer.accepted_at = at or now()
    change_counts(question.id, accepted_id=answer.id)
    tell(AnswerAccepted(actor_id=viewer.id, author_id=answer.author_id, **where(answer)), at)


def unaccept_answer(answer_id: int, viewer: Viewer) -> None:
    """Take an acceptance back. A second time changes nothing.

    :raise Forbidden: when the viewer neither asked nor is of the company's support.
    """
    answer = answer_to_change(answer_id, viewer)
    question = queries.question_for_update(answer.question_id)
    agent = is_agent(viewer)
    allow(rules.why_not_accept(asker_id=question.author_id, member_id=viewer.id, is_agent=agent))
    if answer.accepted_at is not None:
        _withdraw_acceptance(question.id, viewer.id, None)


def _withdraw_acceptance(question_id: int, actor_id: int, at: datetime | None) -> None:
    accepted = select(Answer).where(Answer.question_id == question_id, Answer.accepted_at.is_not(None))
    for other in db.session.scalars(accepted.with_for_update()):
        other.accepted_at = None
        tell(AnswerUnaccepted(actor_id=actor_id, author_id=other.author_id, **where(other)), at)
    change_counts(question_id, accepted_id=None)
    db.session.flush()


def mark_answer(answer_id: int, viewer: Viewer, *, mark: str, on: bool = True, at: datetime | None = None) -> None:
    """Mark an answer as verified, official or outdated, or take the mark back. A second time changes nothing.

    :raise Forbidden: when the viewer is not of the company's support.
    :raise Refused: when a text that no staff member wrote should become official.
    """
    allow(None if viewer.is_staff or is_agent(viewer) else rules.Why.STAFF_ONLY)
    answer = answer_to_change(answer_id, viewer)
    kind = _mark(mark)
    if kind is rules.Mark.OFFICIAL and on and queries.answer_row(answer_id, viewer).author_kind != "staff":
        raise Refused(_l("Only what staff wrote can be official; verify this answer instead."))
    before = answer.verified_by is not None if kind is rules.Mark.VERIFIED else bool(getattr(answer, kind))
    if before == on:
        return
    if kind is rules.Mark.VERIFIED:
        answer.verified_by = viewer.id if on else None
    else:
        setattr(answer, kind, on)
    if at is None:
        audit.note(viewer.id, "answer.mark", "answer", answer.id, mark=kind.value, on=on)
    tell(AnswerMarked(actor_id=viewer.id, author_id=answer.author_id, mark=kind.value, on=on, **where(answer)), at)


def _mark(word: str) -> rules.Mark:
    try:
        return rules.Mark(word)
    except ValueError as error:
        raise Invalid(fields={"mark": _l("Say verified, official or outdated.")}) from error


def deflect(question_id: int, viewer: Viewer, *, answer_id: int | None = None) -> None:
    """Record that an earlier question, or one answer to it, solved what the viewer was about to ask.

    The author of the answer is credited: it counts as a vote that it helped, unless the viewer wrote it.
    """
    found = queries.question_page(viewer, question_id)
    author_id = None
    if answer_id is not None:
        answer = queries.answer_row(answer_id, viewer)
        if answer.question_id != question_id:
            raise NotFound(_l("There is no such answer."))
        author_id = answer.author_id
        if author_id != viewer.id:
            vote_answer(answer_id, viewer, value=1)
    ids = {"question_id": question_id, "board_id": found.board_id, "answer_id": answer_id, "author_id": author_id}
    publish(QuestionDeflected(actor_id=viewer.id, **ids))  # type: ignore[arg-type]
