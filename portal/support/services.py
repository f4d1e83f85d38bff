"""What people do in peer support. An act that comes with its own time (``at``) is history: it wakes nobody."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from portal.community import facade as community
from portal.community.screening import WAITING, Why, keep_waiting, screen
from portal.community.services import mentions, writing
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.kernel.events import Event
from portal.kernel.language import language_of
from portal.kernel.outbox import has_happened, publish
from portal.kernel.text import clean_line, clean_text
from portal.members.policy import Viewer
from portal.members.rules import Role
from portal.support import queries, rules
from portal.support.events import (
    AnswerAccepted,
    AnswerEdited,
    AnswerGiven,
    AnswerHidden,
    AnswerMarked,
    AnswerShown,
    AnswerUnaccepted,
    AnswerVoted,
    QuestionAsked,
    QuestionDeflected,
    QuestionEdited,
    QuestionHidden,
    QuestionShown,
    SameProblemSaid,
    SameProblemUnsaid,
)
from portal.support.models import Answer, AnswerTally, AnswerVote, Question, QuestionTally, SameProblem

OURS = ("it", "en")
FEW_WORDS = 12
_WHY = {
    rules.Why.OWN_ANSWER: _l("You wrote this answer; whether it helped is for others to say."),
    rules.Why.OWN_QUESTION: _l("You asked this question, so your problem counts already."),
    rules.Why.NOT_YOURS: _l("Only the person who asked, or the company's support, can do this."),
    rules.Why.STAFF_ONLY: _l("Only the company's support can do this."),
}


def check_question(viewer: Viewer, *, board: str, title: str, body: str, category: str) -> None:
    """Look at what somebody would ask, without asking it: she has to confirm her address first.

    :raise NotFound: when the viewer may not see such a board.
    :raise Invalid: when the title is empty, or something is too long or holds control characters.
    """
    _checked(title, body)
    _category(category, community.board_by_key(viewer, board, community.BoardType.SUPPORT).categories)


def ask_question(
    viewer: Viewer,
    *,
    board: str,
    title: str,
    body: str = "",
    category: str = "",
    tags: Iterable[str] = (),
    lang: str | None = None,
    at: datetime | None = None,
    external_id: str | None = None,
) -> int:
    """Put a question to a board; return its id. Who asks follows it. One that waits for somebody's eyes is not told of.

    :raise NotFound: when the viewer may not see such a board.
    :raise Invalid: when the title is empty, or something is too long or holds control characters.
    """
    place = community.board_by_key(viewer, board, community.BoardType.SUPPORT)
    title, text = _checked(title, body)
    written = writing.compose(text, board_id=place.id, author=viewer if at is None else None)
    question = Question(
        board_id=place.id,
        author_id=viewer.id,
        title=title,
        body=written.body,
        html=written.html,
        lang=lang or _language(f"{title}\n{text}", viewer),
        category=_category(category, place.categories),
        created_at=at or now(),
        external_id=external_id,
    )
    if at is None and (why := _screened(question, viewer)) is not None:
        question.hidden_at, question.hidden_why = question.created_at, why
    db.session.add(question)
    db.session.flush()
    db.session.add(QuestionTally(question_id=question.id, board_id=place.id, active_at=question.created_at))
    community.tag(queries.KIND, question.id, tags)
    writing.settle(
        written, queries.KIND, question.id, author_id=viewer.id, board_id=place.id, past=at is not None
    )
    if question.hidden_why is None:
        _announce_question(question, at)
    else:
        _keep_waiting(question, question.hidden_why)
    return question.id


def _announce_question(question: Question, at: datetime | None = None) -> None:
    """Tell of a question for the first time; who asked it follows it."""
    community.follow(question.author_id, queries.KIND, question.id, at=at)
    _tell(QuestionAsked(actor_id=question.author_id, question_id=question.id, board_id=question.board_id), at)
    mentions.announce(queries.KIND, question.id, question.body)


def _keep_waiting(thing: Question | Answer, why: str) -> None:
    kind = "question" if isinstance(thing, Question) else "answer"
    keep_waiting(kind, thing.id, board_id=thing.board_id, author_id=thing.author_id, why=why)


def _screened(thing: Question | Answer, viewer: Viewer) -> str | None:
    words = f"{thing.title}\n{thing.body}" if isinstance(thing, Question) else thing.body
    kind = "question" if isinstance(thing, Question) else "answer"
    return screen(viewer, kind=kind, board_id=thing.board_id, text=words, html=thing.html, thing_id=thing.id)


def edit_question(
    question_id: int,
    viewer: Viewer,
    *,
    title: str,
    body: str,
    tags: Iterable[str] | None = None,
    as_moderator: bool = False,
) -> None:
    """Change one's own question, or as the company's support or as a moderator anybody's.

    :raise Forbidden: when it is somebody else's.
    :raise Invalid: when the title is empty, or something is too long or holds control characters.
    """
    question = _my_question(question_id, viewer, waiting=True)
    agent = _is_agent(viewer) or (as_moderator and viewer.has_role(Role.MODERATOR))
    _allow(rules.why_not_edit(author_id=question.author_id, member_id=viewer.id, is_agent=agent))
    title, text = _checked(title, body)
    writing.rewrite(question, queries.KIND, viewer, title=title, body=text)
    if tags is not None:
        community.tag(queries.KIND, question.id, tags)
    if question.hidden_at is None:
        publish(QuestionEdited(actor_id=viewer.id, question_id=question.id, board_id=question.board_id))
        if (why := _screened(question, viewer)) is not None:
            hide_question(question.id, actor_id=None, why=why)
            _keep_waiting(question, why)


def answer_question(
    question_id: int,
    viewer: Viewer,
    *,
    body: str,
    lang: str | None = None,
    official: bool = False,
    at: datetime | None = None,
    external_id: str | None = None,
) -> int:
    """Answer a question; return the answer's id. Who answers follows the question.

    :raise NotFound: when the viewer may not see such a question.
    :raise Forbidden: when somebody who is not staff speaks officially.
    :raise Invalid: when the text is empty, too long or holds control characters.
    """
    question = _my_question(question_id, viewer)
    if official:
        _allow(None if viewer.is_staff else rules.Why.STAFF_ONLY)
    text = clean_text(body, field="body")
    written = writing.compose(text, board_id=question.board_id, author=viewer if at is None else None)
    answer = Answer(
        question_id=question.id,
        board_id=question.board_id,
        author_id=viewer.id,
        body=written.body,
        html=written.html,
        lang=lang or _language(text, viewer),
        by_asker=viewer.id == question.author_id,
        official=official,
        created_at=at or now(),
        external_id=external_id,
    )
    if at is None and (why := _screened(answer, viewer)) is not None:
        answer.hidden_at, answer.hidden_why = answer.created_at, why
    db.session.add(answer)
    db.session.flush()
    db.session.add(AnswerTally(answer_id=answer.id, bound=rules.lower_bound(0, 0)))
    writing.settle(
        written, "answer", answer.id, author_id=viewer.id, board_id=answer.board_id, past=at is not None
    )
    if answer.hidden_why is None:
        _announce_answer(answer, question.author_id, at)
    else:
        _keep_waiting(answer, answer.hidden_why)
    return answer.id


def _announce_answer(answer: Answer, asker_id: int, at: datetime | None = None) -> None:
    """Count an answer and tell of it for the first time; who wrote it follows the question."""
    _count_answer(answer.question_id, 1, by_asker=answer.by_asker, at=answer.created_at)
    community.follow(answer.author_id, queries.KIND, answer.question_id, at=at)
    event = AnswerGiven(actor_id=answer.author_id, asker_id=asker_id, by_asker=answer.by_asker, **_where(answer))
    _tell(event, at)
    mentions.announce("answer", answer.id, answer.body)


def edit_answer(answer_id: int, viewer: Viewer, *, body: str, as_moderator: bool = False) -> None:
    """Change one's own answer, or as the company's support or as a moderator anybody's.

    :raise Forbidden: when it is somebody else's.
    :raise Invalid: when the text is empty, too long or holds control characters.
    """
    answer = _my_answer(answer_id, viewer, waiting=True)
    agent = _is_agent(viewer) or (as_moderator and viewer.has_role(Role.MODERATOR))
    _allow(rules.why_not_edit(author_id=answer.author_id, member_id=viewer.id, is_agent=agent))
    writing.rewrite(answer, "answer", viewer, body=clean_text(body, field="body"))
    if answer.hidden_at is None:
        publish(AnswerEdited(actor_id=viewer.id, **_where(answer)))
        if (why := _screened(answer, viewer)) is not None:
            hide_answer(answer.id, actor_id=None, why=why)
            _keep_waiting(answer, why)


def same_problem(question_id: int, viewer: Viewer, *, on: bool = True, at: datetime | None = None) -> int:
    """Say that one has the same problem, or take it back; return how many say so. A second time changes nothing.

    :raise Refused: when the viewer asked the question herself.
    """
    question = _my_question(question_id, viewer)
    _allow(rules.why_not_same_problem(author_id=question.author_id, member_id=viewer.id), Refused)
    if _say_same(question.id, viewer.id, on=on, at=at):
        _change(question.id, same_problem=QuestionTally.same_problem + (1 if on else -1))
        fact = SameProblemSaid if on else SameProblemUnsaid
        ids = {"question_id": question.id, "board_id": question.board_id, "author_id": question.author_id}
        _tell(fact(actor_id=viewer.id, **ids), at)
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
    answer = _my_answer(answer_id, viewer)
    _allow(rules.why_not_vote(author_id=answer.author_id, voter_id=viewer.id), Refused)
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
    _tell(AnswerVoted(actor_id=viewer.id, author_id=answer.author_id, value=value, before=before, **_where(answer)), at)


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
    answer = _my_answer(answer_id, viewer)
    question = queries.question_for_update(answer.question_id)
    agent = _is_agent(viewer)
    _allow(rules.why_not_accept(asker_id=question.author_id, member_id=viewer.id, is_agent=agent))
    if answer.accepted_at is not None:
        return
    _withdraw_acceptance(question.id, viewer.id, at)
    answer.accepted_at = at or now()
    _change(question.id, accepted_id=answer.id)
    _tell(AnswerAccepted(actor_id=viewer.id, author_id=answer.author_id, **_where(answer)), at)


def unaccept_answer(answer_id: int, viewer: Viewer) -> None:
    """Take an acceptance back. A second time changes nothing.

    :raise Forbidden: when the viewer neither asked nor is of the company's support.
    """
    answer = _my_answer(answer_id, viewer)
    question = queries.question_for_update(answer.question_id)
    agent = _is_agent(viewer)
    _allow(rules.why_not_accept(asker_id=question.author_id, member_id=viewer.id, is_agent=agent))
    if answer.accepted_at is not None:
        _withdraw_acceptance(question.id, viewer.id, None)


def _withdraw_acceptance(question_id: int, actor_id: int, at: datetime | None) -> None:
    accepted = select(Answer).where(Answer.question_id == question_id, Answer.accepted_at.is_not(None))
    for other in db.session.scalars(accepted.with_for_update()):
        other.accepted_at = None
        _tell(AnswerUnaccepted(actor_id=actor_id, author_id=other.author_id, **_where(other)), at)
    _change(question_id, accepted_id=None)
    db.session.flush()


def mark_answer(answer_id: int, viewer: Viewer, *, mark: str, on: bool = True, at: datetime | None = None) -> None:
    """Mark an answer as verified, official or outdated, or take the mark back. A second time changes nothing.

    :raise Forbidden: when the viewer is not of the company's support.
    :raise Refused: when a text that no staff member wrote should become official.
    """
    _allow(None if viewer.is_staff or _is_agent(viewer) else rules.Why.STAFF_ONLY)
    answer = _my_answer(answer_id, viewer)
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
    _tell(AnswerMarked(actor_id=viewer.id, author_id=answer.author_id, mark=kind.value, on=on, **_where(answer)), at)


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


def hide_question(question_id: int, *, actor_id: int | None, why: str = "") -> None:
    """Take a question out of sight. A second time changes nothing but the reason.

    :param why: one of `community.screening.Why`; by default whether its author or somebody else did it.
    """
    question = queries.question_for_update(question_id)
    if _take_away(question, actor_id, why):
        publish(QuestionHidden(actor_id=actor_id, question_id=question.id, board_id=question.board_id))


def _take_away(thing: Question | Answer, actor_id: int | None, why: str) -> bool:
    """Take a thing out of sight; return whether it could be seen before."""
    reason = why or (Why.AUTHOR if thing.author_id == actor_id else Why.HIDDEN).value
    seen = thing.hidden_at is None
    if seen:
        thing.hidden_at = now()
    if seen or why or thing.hidden_why != Why.HIDDEN:
        thing.hidden_why = reason
    return seen


def show_question(question_id: int, *, actor_id: int | None) -> None:
    """Show a hidden question again."""
    release_question(question_id, actor_id=actor_id)


def release_question(question_id: int, *, actor_id: int | None, viewer: Viewer | None = None) -> bool:
    """Let a question be seen: one that never was is told of now, as if it were asked now. Return whether it is seen.

    :param viewer: its author, to ask the screens once more first: what made it wait may not be all.
    """
    question = queries.question_for_update(question_id)
    if viewer is not None and (why := _screened(question, viewer)) is not None:
        question.hidden_why = why
    elif question.hidden_at is not None:
        question.hidden_at, question.hidden_why = None, None
        db.session.flush()
        if has_happened("QuestionAsked", queries.KIND, question.id):
            publish(QuestionShown(actor_id=actor_id, question_id=question.id, board_id=question.board_id))
        else:
            _announce_question(question)
    return question.hidden_at is None


def hide_answer(answer_id: int, *, actor_id: int | None, why: str = "") -> None:
    """Take an answer out of sight, and out of the count. A second time changes nothing but the reason."""
    answer = queries.answer_for_update(answer_id)
    if _take_away(answer, actor_id, why):
        _count_answer(answer.question_id, -1, by_asker=answer.by_asker)
        publish(AnswerHidden(actor_id=actor_id, **_where(answer)))


def show_answer(answer_id: int, *, actor_id: int | None) -> None:
    """Show a hidden answer again."""
    release_answer(answer_id, actor_id=actor_id)


def release_answer(answer_id: int, *, actor_id: int | None, viewer: Viewer | None = None) -> bool:
    """Let an answer be seen: one that never was is told of now, as if it were given now. Return whether it is seen.

    :param viewer: its author, to ask the screens once more first: what made it wait may not be all.
    """
    answer = queries.answer_for_update(answer_id)
    if viewer is not None and (why := _screened(answer, viewer)) is not None:
        answer.hidden_why = why
    elif answer.hidden_at is not None:
        answer.hidden_at, answer.hidden_why = None, None
        db.session.flush()
        if has_happened("AnswerGiven", "answer", answer.id):
            _count_answer(answer.question_id, 1, by_asker=answer.by_asker)
            publish(AnswerShown(actor_id=actor_id, **_where(answer)))
        else:
            _announce_answer(answer, queries.asker_of(answer.question_id))
    return answer.hidden_at is None


def withdraw(viewer: Viewer, *, question_id: int | None = None, answer_id: int | None = None) -> None:
    """Hide one's own question or answer, or anybody's as a moderator.

    :raise Forbidden: when the viewer is neither its author nor a moderator.
    """
    thing = _my_answer(answer_id, viewer) if answer_id is not None else _my_question(question_id or 0, viewer)
    if thing.author_id != viewer.id and not viewer.has_role(Role.MODERATOR):
        raise Forbidden(_l("Only its author or a moderator can hide this."))
    if isinstance(thing, Answer):
        hide_answer(thing.id, actor_id=viewer.id)
    else:
        hide_question(thing.id, actor_id=viewer.id)


# Small helpers


def check_may_edit(viewer: Viewer, author_id: int) -> None:
    """Let those pass who may change what this author wrote.

    :raise Forbidden: when it is somebody else's.
    """
    _allow(rules.why_not_edit(author_id=author_id, member_id=viewer.id, is_agent=_is_agent(viewer)))


def _my_question(question_id: int, viewer: Viewer, *, waiting: bool = False) -> Question:
    """Return a question that the viewer may see, locked; with ``waiting`` also her own that waits to be seen."""
    question = queries.question_for_update(question_id)
    if question.board_id not in community.visible_board_ids(viewer) or not _is_there(question, viewer, waiting=waiting):
        raise NotFound(_l("There is no such question."))
    return question


def _is_there(thing: Question | Answer, viewer: Viewer, *, waiting: bool) -> bool:
    if waiting and viewer.has_role(Role.MODERATOR):
        return True
    mine = waiting and thing.author_id == viewer.member_id and thing.hidden_why in WAITING
    return thing.hidden_at is None or mine


def _my_answer(answer_id: int, viewer: Viewer, *, waiting: bool = False) -> Answer:
    """Return an answer that the viewer may see, locked; with ``waiting`` also her own that waits to be seen."""
    answer = queries.answer_for_update(answer_id)
    if answer.board_id not in community.visible_board_ids(viewer) or not _is_there(answer, viewer, waiting=waiting):
        raise NotFound(_l("There is no such answer."))
    return answer


def _is_agent(viewer: Viewer) -> bool:
    return viewer.has_role(Role.SUPPORT_AGENT)


def _allow(why: rules.Why | None, kind: type[Forbidden | Refused] = Forbidden) -> None:
    if why is not None:
        raise kind(_WHY[why])


def _checked(title: str, body: str) -> tuple[str, str]:
    line = clean_line(title, field="title", most=rules.TITLE_MAX)
    return line, clean_text(body, field="body", least=0)


def _language(words: str, viewer: Viewer) -> str | None:
    """Return the language of a text; a few words in neither of ours are taken for the writer's own."""
    found = language_of(words, otherwise=viewer.lang)
    return viewer.lang if found not in OURS and len(words.split()) < FEW_WORDS else found


def _category(category: str, known: Iterable[str]) -> str:
    """Return a category of the board; none is allowed.

    :raise Invalid: when the board has categories and this is not one of them.
    """
    chosen = clean_line(category, field="category", most=rules.CATEGORY_MAX, least=0)
    choices = list(known)
    if chosen and choices and chosen not in choices:
        raise Invalid(fields={"category": _l("This board has no such category.")})
    return chosen


def _where(answer: Answer) -> dict[str, int]:
    return {"answer_id": answer.id, "question_id": answer.question_id, "board_id": answer.board_id}


def _count_answer(question_id: int, step: int, *, by_asker: bool, at: datetime | None = None) -> None:
    changes: dict[str, Any] = {"answers": QuestionTally.answers + step}
    if not by_asker:
        changes["by_others"] = QuestionTally.by_others + step
    if at is not None:
        changes["active_at"] = func.greatest(QuestionTally.active_at, at)
    _change(question_id, **changes)


def _change(question_id: int, **changes: Any) -> None:
    db.session.execute(update(QuestionTally).filter_by(question_id=question_id).values(**changes))


def _tell(event: Event, at: datetime | None) -> None:
    publish(event, at=at, quiet=at is not None)
