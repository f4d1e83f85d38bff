"""What people do in peer support. An act that comes with its own time (``at``) is history: it wakes nobody."""

from collections.abc import Iterable
from datetime import datetime

from flask_babel import lazy_gettext as _l

from portal.community import facade as community
from portal.community.screening import WAITING, Why, keep_waiting, screen, stop_waiting
from portal.community.services import mentions, writing
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden
from portal.kernel.outbox import has_happened, publish
from portal.kernel.text import clean_text
from portal.members.policy import Viewer
from portal.members.rules import Role
from portal.members.services import audit
from portal.support import queries, rules
from portal.support.events import (
    AnswerEdited,
    AnswerGiven,
    AnswerHidden,
    AnswerShown,
    QuestionAsked,
    QuestionEdited,
    QuestionHidden,
    QuestionShown,
)
from portal.support.models import Answer, AnswerTally, Question, QuestionTally
from portal.support.services.ground import (
    allow,
    answer_to_change,
    category_of,
    check_may_edit,
    checked,
    count_answer,
    is_agent,
    language_of_text,
    question_to_change,
    tell,
    where,
)
from portal.support.services.helping import (
    accept_answer,
    deflect,
    mark_answer,
    same_problem,
    unaccept_answer,
    vote_answer,
)

__all__ = [
    "accept_answer",
    "answer_question",
    "ask_question",
    "check_may_edit",
    "check_question",
    "deflect",
    "edit_answer",
    "edit_question",
    "hide_answer",
    "hide_question",
    "mark_answer",
    "release_answer",
    "release_question",
    "same_problem",
    "show_answer",
    "show_question",
    "unaccept_answer",
    "vote_answer",
    "withdraw",
]


def check_question(viewer: Viewer, *, board: str, title: str, body: str, category: str) -> None:
    """Look at what somebody would ask, without asking it: she has to confirm her address first.

    :raise NotFound: when the viewer may not see such a board.
    :raise Invalid: when the title is empty, or something is too long or holds control characters.
    """
    checked(title, body)
    category_of(category, community.board_by_key(viewer, board, community.BoardType.SUPPORT).categories)


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
    title, text = checked(title, body)
    written = writing.compose(text, board_id=place.id, author=viewer if at is None else None)
    question = Question(
        board_id=place.id,
        author_id=viewer.id,
        title=title,
        body=written.body,
        html=written.html,
        lang=lang or language_of_text(f"{title}\n{text}", viewer),
        category=category_of(category, place.categories),
        created_at=at or now(),
        external_id=external_id,
    )
    if at is None and (why := _screened(question, viewer)) is not None:
        question.hidden_at, question.hidden_why = question.created_at, why
    db.session.add(question)
    db.session.flush()
    db.session.add(QuestionTally(question_id=question.id, board_id=place.id, active_at=question.created_at))
    community.tag(queries.KIND, question.id, tags)
    writing.settle(written, queries.KIND, question.id, author_id=viewer.id, board_id=place.id, past=at is not None)
    if question.hidden_why is None:
        _announce_question(question, at)
    else:
        _keep_waiting(question, question.hidden_why)
    return question.id


def _announce_question(question: Question, at: datetime | None = None) -> None:
    """Tell of a question for the first time; who asked it follows it."""
    community.follow(question.author_id, queries.KIND, question.id, at=at)
    tell(QuestionAsked(actor_id=question.author_id, question_id=question.id, board_id=question.board_id), at)
    mentions.announce(queries.KIND, question.id, question.body)


def _keep_waiting(thing: Question | Answer, why: str) -> None:
    keep_waiting(_kind_of(thing), thing.id, board_id=thing.board_id, author_id=thing.author_id, why=why)


def _kind_of(thing: Question | Answer) -> str:
    return queries.KIND if isinstance(thing, Question) else "answer"


def _screened(thing: Question | Answer, viewer: Viewer) -> str | None:
    words = f"{thing.title}\n{thing.body}" if isinstance(thing, Question) else thing.body
    return screen(viewer, kind=_kind_of(thing), board_id=thing.board_id, text=words, html=thing.html, thing_id=thing.id)


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
    question = question_to_change(question_id, viewer, waiting=True)
    agent = is_agent(viewer) or (as_moderator and viewer.has_role(Role.MODERATOR))
    allow(rules.why_not_edit(author_id=question.author_id, member_id=viewer.id, is_agent=agent))
    if question.author_id != viewer.id:
        audit.note(viewer.id, "question.edit", "question", question.id)
    title, text = checked(title, body)
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
    question = question_to_change(question_id, viewer)
    if official:
        allow(None if viewer.is_staff else rules.Why.STAFF_ONLY)
    text = clean_text(body, field="body")
    written = writing.compose(text, board_id=question.board_id, author=viewer if at is None else None)
    answer = Answer(
        question_id=question.id,
        board_id=question.board_id,
        author_id=viewer.id,
        body=written.body,
        html=written.html,
        lang=lang or language_of_text(text, viewer),
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
    writing.settle(written, "answer", answer.id, author_id=viewer.id, board_id=answer.board_id, past=at is not None)
    if answer.hidden_why is None:
        _announce_answer(answer, question.author_id, at)
    else:
        _keep_waiting(answer, answer.hidden_why)
    return answer.id


def _announce_answer(answer: Answer, asker_id: int, at: datetime | None = None) -> None:
    """Count an answer and tell of it for the first time; who wrote it follows the question."""
    count_answer(answer.question_id, 1, by_asker=answer.by_asker, at=answer.created_at)
    community.follow(answer.author_id, queries.KIND, answer.question_id, at=at)
    event = AnswerGiven(actor_id=answer.author_id, asker_id=asker_id, by_asker=answer.by_asker, **where(answer))
    tell(event, at)
    mentions.announce("answer", answer.id, answer.body)


def edit_answer(answer_id: int, viewer: Viewer, *, body: str, as_moderator: bool = False) -> None:
    """Change one's own answer, or as the company's support or as a moderator anybody's.

    :raise Forbidden: when it is somebody else's.
    :raise Invalid: when the text is empty, too long or holds control characters.
    """
    answer = answer_to_change(answer_id, viewer, waiting=True)
    agent = is_agent(viewer) or (as_moderator and viewer.has_role(Role.MODERATOR))
    allow(rules.why_not_edit(author_id=answer.author_id, member_id=viewer.id, is_agent=agent))
    if answer.author_id != viewer.id:
        audit.note(viewer.id, "answer.edit", "answer", answer.id)
    writing.rewrite(answer, "answer", viewer, body=clean_text(body, field="body"))
    if answer.hidden_at is None:
        publish(AnswerEdited(actor_id=viewer.id, **where(answer)))
        if (why := _screened(answer, viewer)) is not None:
            hide_answer(answer.id, actor_id=None, why=why)
            _keep_waiting(answer, why)


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
    if not seen and reason == Why.AUTHOR and thing.hidden_why in WAITING:
        stop_waiting(_kind_of(thing), thing.id)
    if seen or why or thing.hidden_why in WAITING:
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
        count_answer(answer.question_id, -1, by_asker=answer.by_asker)
        publish(AnswerHidden(actor_id=actor_id, **where(answer)))


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
        writing.bring_uploads(answer.body, "answer", answer.id, owner_id=answer.author_id)
        if has_happened("AnswerGiven", "answer", answer.id):
            count_answer(answer.question_id, 1, by_asker=answer.by_asker)
            publish(AnswerShown(actor_id=actor_id, **where(answer)))
        else:
            _announce_answer(answer, queries.asker_of(answer.question_id))
    return answer.hidden_at is None


def withdraw(viewer: Viewer, *, question_id: int | None = None, answer_id: int | None = None) -> None:
    """Hide one's own question or answer, or anybody's as a moderator.

    :raise Forbidden: when the viewer is neither its author nor a moderator.
    """
    own = not viewer.has_role(Role.MODERATOR)  # moderators have their queue for what waits
    thing: Question | Answer = (
        answer_to_change(answer_id, viewer, waiting=own)
        if answer_id is not None
        else question_to_change(question_id or 0, viewer, waiting=own)
    )
    if thing.author_id != viewer.id and not viewer.has_role(Role.MODERATOR):
        raise Forbidden(_l("Only its author or a moderator can hide this."))
    if thing.author_id != viewer.id:
        kind = "answer" if isinstance(thing, Answer) else "question"
        audit.note_unless_noted(viewer.id, f"{kind}.hide", kind, thing.id)
    if isinstance(thing, Answer):
        hide_answer(thing.id, actor_id=viewer.id)
    else:
        hide_question(thing.id, actor_id=viewer.id)
