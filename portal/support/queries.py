"""Reading questions and answers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ARRAY, BigInteger, ColumnElement, and_, bindparam, case, exists, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on

from portal.community import facade as community
from portal.community.models import ContributionTag, Follow, Tag
from portal.community.queries.conversation import REACTIONS
from portal.community.screening import AUTHORS_OWN, Why
from portal.kernel.database import db
from portal.kernel.errors import NotFound
from portal.kernel.paging import Page, decode_cursor, page_of
from portal.members.models import Member
from portal.members.policy import Viewer, may_see_hidden
from portal.support.models import Answer, AnswerTally, AnswerVote, Question, QuestionTally, SameProblem
from portal.support.rules import Listing

KIND = "question"
PAGE = 20
FOUND_MOST = 1000


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A question in a list."""

    id: int
    board_id: int
    title: str
    lang: str | None
    category: str
    created_at: datetime
    author_id: int
    author_name: str
    author_kind: str
    answers: int
    by_others: int
    same_problem: int
    accepted_id: int | None
    active_at: datetime
    external_id: str | None

    @property
    def solved(self) -> bool:
        """Return whether an answer has been accepted."""
        return self.accepted_id is not None


@dataclass(frozen=True, slots=True)
class QuestionPage(QuestionRow):
    """A question with its text, and what the viewer has done to it."""

    body: str
    html: str
    edited_at: datetime | None
    hidden: str | None
    """Why it is out of sight; None while everybody in the board's audience sees it."""
    author_job: str
    imported_score: int
    mine_too: bool
    following: bool
    reactions: str | None
    """As `community.queries.conversation.REACTIONS` writes them."""
    tags: tuple[community.TagCard, ...]


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """An answer with its author and counts. ``voted`` is what the viewer said: 1, -1 or 0."""

    id: int
    question_id: int
    board_id: int
    author_id: int
    author_name: str
    author_kind: str
    author_job: str
    body: str
    html: str
    lang: str | None
    by_asker: bool
    accepted_at: datetime | None
    verified: bool
    official: bool
    outdated: bool
    created_at: datetime
    edited_at: datetime | None
    hidden: str | None
    helped: int
    unhelped: int
    imported_helped: int
    imported_unhelped: int
    bound: float
    voted: int
    external_id: str | None
    reactions: str | None = None

    @property
    def accepted(self) -> bool:
        """Return whether the asker accepted it."""
        return self.accepted_at is not None

    @property
    def useful(self) -> int:
        """Return how often it helped, counts of an import's source included."""
        return self.helped + self.imported_helped

    @property
    def useless(self) -> int:
        """Return how often it did not help, counts of an import's source included."""
        return self.unhelped + self.imported_unhelped


_ROW = (Question.id, Question.board_id, Question.title, Question.lang, Question.category, Question.created_at,
        Question.author_id, Member.name.label("author_name"), Member.kind.label("author_kind"), QuestionTally.answers,
        QuestionTally.by_others, QuestionTally.same_problem, QuestionTally.accepted_id, QuestionTally.active_at,
        Question.external_id)  # fmt: skip


def _questions(*more: Any) -> Any:
    return (
        select(*_ROW, *more)
        .join(QuestionTally, QuestionTally.question_id == Question.id)
        .join(Member, Member.id == Question.author_id)
    )


# Statements that stand ready: to put one together costs a page more than to run it.
_MEMBER = bindparam("member", type_=BigInteger)
_TAGS = (
    select(func.json_agg(aggregate_order_by(func.json_build_object(
        "id", Tag.id, "key", Tag.key, "name", Tag.name), Tag.key)))
    .join(ContributionTag, ContributionTag.tag_id == Tag.id)
    .where(ContributionTag.target_kind == KIND, ContributionTag.target_id == Question.id)
    .scalar_subquery()
)  # fmt: skip


def _reactions(kind: str) -> Any:
    """Select the reactions to a text of this kind, with the viewer's own marked."""
    return text(REACTIONS.format(kind=f"'{kind}'", id=f"{kind}.id").replace(":viewer", ":member"))


def _why(model: Any) -> Any:
    """Select why something is out of sight; null while it can be seen."""
    return case((model.hidden_at.is_not(None), func.coalesce(model.hidden_why, "hidden")))


_PAGES = _questions(
    Question.body, Question.html, Question.edited_at, _why(Question), Member.job,
    QuestionTally.imported_score,
    exists().where(SameProblem.question_id == Question.id, SameProblem.member_id == _MEMBER),
    exists().where(Follow.target_kind == KIND, Follow.target_id == Question.id, Follow.member_id == _MEMBER),
    _reactions(KIND),
    _TAGS,
).where(Question.id == func.any(bindparam("ids", type_=ARRAY(BigInteger))))  # fmt: skip


def list_questions(
    boards: Collection[int],
    listing: str,
    *,
    tag_id: int | None = None,
    solved: bool | None = None,
    category: str | None = None,
    q: str = "",
    cursor: str | None = None,
    size: int = PAGE,
) -> Page[QuestionRow]:
    """Return one page of the questions on these boards, by key; one query, and those of the search for ``q``.

    :raise Invalid: when the cursor is not of this list.
    """
    one = len(boards) == 1
    wanted = _listed(listing, one=one)
    if tag_id is not None:
        wanted = wanted.join(ContributionTag, and_(ContributionTag.target_id == Question.id, _carries(tag_id)))
    if solved is not None:
        column = QuestionTally.accepted_id
        wanted = wanted.where(column.is_not(None) if solved else column.is_(None))
    if category is not None:
        wanted = wanted.where(Question.category == category)
    if q:
        wanted = wanted.where(Question.id.in_(_by_words(q, boards)))
    kinds = (int, int) if listing == Listing.UNANSWERED else (datetime.fromisoformat, int)
    if (last := decode_cursor(cursor, *kinds)) is not None:
        wanted = wanted.where(func.row(*_keys(listing)) < func.row(*last))
    values = {"boards": next(iter(boards)) if one else list(boards), "most": size + 1}
    rows = db.session.execute(wanted, values).all()
    return page_of([QuestionRow(*row) for row in rows], size=size, key=lambda row: _key_of(row, listing))


@lru_cache(maxsize=16)
def _listed(listing: str, *, one: bool) -> Any:
    """Return the statement of a list, which stands ready; the board, or boards, and the length are bound.

    The board is compared in the table whose index gives the order.
    """
    column = Question.board_id if listing == Listing.NEWEST else QuestionTally.board_id
    here = column == bindparam("boards") if one else column.in_(bindparam("boards", expanding=True))
    wanted = _questions().where(Question.hidden_at.is_(None), here)
    if listing == Listing.UNANSWERED:
        wanted = wanted.where(QuestionTally.by_others == 0)
    return wanted.order_by(*(key.desc() for key in _keys(listing))).limit(bindparam("most", type_=BigInteger))


def _by_words(q: str, boards: Collection[int]) -> Sequence[int]:
    """Return the questions that the search finds; none while it is not wired."""
    find = community.finder_of(KIND)
    return find(q, list(boards), FOUND_MOST) if find is not None else ()


def _carries(tag_id: int) -> ColumnElement[bool]:
    return and_(ContributionTag.target_kind == KIND, ContributionTag.tag_id == tag_id)


def _keys(listing: str) -> tuple[Any, Any]:
    if listing == Listing.UNANSWERED:
        return QuestionTally.same_problem, QuestionTally.question_id
    if listing == Listing.ACTIVE:
        return QuestionTally.active_at, QuestionTally.question_id
    return Question.created_at, Question.id


def _key_of(row: QuestionRow, listing: str) -> tuple[object, ...]:
    if listing == Listing.UNANSWERED:
        return row.same_problem, row.id
    return (row.active_at if listing == Listing.ACTIVE else row.created_at), row.id


def question_page(viewer: Viewer, question_id: int) -> QuestionPage:
    """Return a question that this viewer may see, with what she did to it; one query.

    :raise NotFound: when there is none, it is hidden, or its board is not for this viewer.
    """
    found = question_pages(viewer, [question_id]).get(question_id)
    if found is None:
        raise NotFound(_l("There is no such question."))
    return found


def question_pages(viewer: Viewer, ids: Sequence[int]) -> dict[int, QuestionPage]:
    """Return the questions that this viewer may see, by id, with what she did to them; one query."""
    if not ids:
        return {}
    rows = db.session.execute(_PAGES, {"ids": list(ids), "member": viewer.member_id})
    found = (_page(*row) for row in rows)
    return {page.id: page for page in found if _may_see(viewer, page.board_id, page.author_id, hidden=page.hidden)}


def _page(*columns: Any) -> QuestionPage:
    *plain, tags = columns
    values: Any = (*plain, tuple(community.TagCard(**tag) for tag in tags or ()))
    return QuestionPage(*values)


def _may_see(viewer: Viewer, board_id: int, author_id: int, *, hidden: str | None) -> bool:
    """Return whether a viewer belongs to the board's audience, and may see what is out of sight, if it is."""
    if board_id not in community.visible_board_ids(viewer):
        return False
    return hidden is None or may_see_hidden(viewer, author_id=author_id, why=hidden)


_ANSWER = (Answer.id, Answer.question_id, Answer.board_id, Answer.author_id, Member.name, Member.kind, Member.job,
           Answer.body, Answer.html, Answer.lang, Answer.by_asker, Answer.accepted_at,
           Answer.verified_by.is_not(None), Answer.official, Answer.outdated, Answer.created_at, Answer.edited_at,
           _why(Answer), AnswerTally.helped, AnswerTally.unhelped, AnswerTally.imported_helped,
           AnswerTally.imported_unhelped, AnswerTally.bound)  # fmt: skip


_VOTED = (
    select(AnswerVote.value).where(AnswerVote.answer_id == Answer.id, AnswerVote.member_id == _MEMBER).scalar_subquery()
)
_ANSWERS: Any = (
    select(*_ANSWER, func.coalesce(_VOTED, 0).label("voted"), Answer.external_id, _reactions("answer"))
    .join(AnswerTally, AnswerTally.answer_id == Answer.id)
    .join(Member, Member.id == Answer.author_id)
)
_SAME = select(Question.id).where(
    (Question.id == bindparam("question")) | (Question.merged_into_id == bindparam("question"))
)
"""A question, and those that were found to be the same and lead to it."""
_SHOWN = Answer.hidden_at.is_(None) | ((Answer.author_id == _MEMBER) & Answer.hidden_why.in_(sorted(AUTHORS_OWN)))
"""What everybody sees; and what the viewer wrote herself and others do not see, which stands in its place for her."""
_ANSWERS_TO = _ANSWERS.where(Answer.question_id.in_(_SAME), _SHOWN).order_by(
    AnswerTally.bound.desc(), Answer.created_at, Answer.id
)


def answers_to(question_id: int, viewer: Viewer) -> list[AnswerRow]:
    """Return the answers to a question that the viewer sees, the surest help first; one query.

    Whether the viewer may see the question is for the caller to ask.
    """
    rows = db.session.execute(_ANSWERS_TO, {"question": question_id, "member": viewer.member_id})
    return [AnswerRow(*row) for row in rows]


def answers_page(question_id: int, viewer: Viewer, *, cursor: str | None = None, size: int = PAGE) -> Page[AnswerRow]:
    """Return one page of the answers to a question, the surest help first.

    :raise Invalid: when the cursor is not of this list.
    """
    wanted = _ANSWERS.where(Answer.question_id.in_(_SAME), _SHOWN)
    keys = (-AnswerTally.bound, Answer.created_at, Answer.id)
    if (last := decode_cursor(cursor, float, datetime.fromisoformat, int)) is not None:  # type: ignore[arg-type]
        wanted = wanted.where(func.row(*keys) > func.row(*last))
    values = {"question": question_id, "member": viewer.member_id}
    rows = db.session.execute(wanted.order_by(*keys).limit(size + 1), values).all()
    answers = [AnswerRow(*row) for row in rows]
    return page_of(answers, size=size, key=lambda row: (-row.bound, row.created_at, row.id))


def answer_row(answer_id: int, viewer: Viewer) -> AnswerRow:
    """Return one answer that this viewer may see.

    :raise NotFound: when there is none, it or its question is hidden, or its board is not for this viewer.
    """
    seen = Question.hidden_at.is_(None) | (Question.hidden_why == Why.MERGED.value)
    visible = select(seen).where(Question.id == Answer.question_id).scalar_subquery()
    wanted = _ANSWERS.add_columns(visible).where(Answer.id == answer_id)
    row = db.session.execute(wanted, {"member": viewer.member_id}).one_or_none()
    found = AnswerRow(*row[:-1]) if row is not None else None
    if found is None or not row[-1] or not _may_see(viewer, found.board_id, found.author_id, hidden=found.hidden):  # type: ignore[index]
        raise NotFound(_l("There is no such answer."))
    return found


def best_answers(question_ids: Collection[int]) -> dict[int, AnswerRow]:
    """Return the answer to show for each question: the accepted one, else the surest help by another member."""
    if not question_ids:
        return {}
    chosen = (
        _ANSWERS.where(Answer.question_id.in_(question_ids), Answer.hidden_at.is_(None))
        .where(~Answer.by_asker | Answer.accepted_at.is_not(None), ~Answer.outdated)
        .ext(distinct_on(Answer.question_id))
        .order_by(Answer.question_id, Answer.accepted_at.is_(None), AnswerTally.bound.desc(), Answer.id)
    )
    return {
        row.question_id: row for row in (AnswerRow(*found) for found in db.session.execute(chosen, {"member": None}))
    }


def questions_by_id(ids: Collection[int], boards: Collection[int] | None = None) -> dict[int, QuestionRow]:
    """Return visible questions by id, only those on ``boards`` if given; one query."""
    if not ids:
        return {}
    wanted = _questions().where(Question.id.in_(ids), Question.hidden_at.is_(None))
    if boards is not None:
        wanted = wanted.where(Question.board_id.in_(boards))
    return {row.id: QuestionRow(*row) for row in db.session.execute(wanted)}


def question_for_update(question_id: int) -> Question:
    """Return a question, locked until the transaction ends.

    :raise NotFound: when there is none.
    """
    found = db.session.scalar(select(Question).filter_by(id=question_id).with_for_update(key_share=True))
    if found is None:
        raise NotFound(_l("There is no such question."))
    return found


def answer_for_update(answer_id: int) -> Answer:
    """Return an answer, locked until the transaction ends.

    :raise NotFound: when there is none.
    """
    found = db.session.scalar(select(Answer).filter_by(id=answer_id).with_for_update(key_share=True))
    if found is None:
        raise NotFound(_l("There is no such answer."))
    return found


def asker_of(question_id: int) -> int:
    """Return who asked a question."""
    return db.session.scalars(select(Question.author_id).filter_by(id=question_id)).one()


def answers_of_member(viewer: Viewer, member_id: int, limit: int = 20) -> Sequence[Any]:
    """Return the latest answers of a member that the viewer may see: id, question, its title, accepted, time."""
    return db.session.execute(
        select(Answer.id, Answer.question_id, Question.title, Question.lang, Answer.accepted_at, Answer.created_at)
        .join(Question, Question.id == Answer.question_id)
        .where(Answer.author_id == member_id, Answer.hidden_at.is_(None), Question.hidden_at.is_(None))
        .where(Answer.board_id.in_(community.visible_board_ids(viewer)))
        .order_by(Answer.id.desc())
        .limit(limit)
    ).all()


def questions_of_member(boards: Collection[int], member_id: int, limit: int = 20) -> list[QuestionRow]:
    """Return the latest questions of a member on these boards."""
    wanted = _questions().where(
        Question.author_id == member_id, Question.hidden_at.is_(None), Question.board_id.in_(boards)
    )
    return [QuestionRow(*row) for row in db.session.execute(wanted.order_by(Question.id.desc()).limit(limit))]


def answers_by_id(ids: Collection[int], boards: Collection[int]) -> Sequence[Any]:
    """Return visible answers on these boards: id, question_id, board_id, author_id, lang and the question's title."""
    return db.session.execute(
        select(Answer.id, Answer.question_id, Answer.board_id, Answer.author_id, Answer.lang, Question.title)
        .join(Question, Question.id == Answer.question_id)
        .where(Answer.id.in_(ids), Answer.hidden_at.is_(None), Question.hidden_at.is_(None))
        .where(Answer.board_id.in_(boards))
    ).all()
