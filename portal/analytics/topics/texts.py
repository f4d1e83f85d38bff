"""What the topics are found in: everything people write where others may read it, and nothing of closed rooms."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from portal.community import facade as community
from portal.community.models import Comment, ContributionTag
from portal.ideas import facade as ideas
from portal.kernel.database import db
from portal.support import facade as support

CHUNK = 2_000
Key = tuple[str, int]
Hints = dict[Key, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Text:
    """One contribution, as the topics read it; ``thread`` is the idea or the question it belongs to."""

    key: Key
    thread: Key
    board_id: int
    author_id: int
    written_at: datetime
    text: str
    lang: str | None
    external_id: str | None
    hints: tuple[tuple[str, str], ...] = ()

    @property
    def opens(self) -> bool:
        """Return whether it opened its thread."""
        return self.key == self.thread


def every_board_id() -> list[int]:
    """Return the boards whose texts topics may be found in."""
    return [board.id for board in community.every_board()]


def everything_on(board_ids: Collection[int]) -> Iterator[Text]:
    """Yield what can be seen on some boards: ideas and questions first, then answers, then comments on all of these."""
    boards = [board for board in community.every_board() if board.id in set(board_ids)]
    known: dict[Key, Key] = {}
    hints = _hints()
    for board in boards:
        for text in _openings(board, hints):
            known[text.key] = text.key
            yield text
    for board in boards:
        if board.type == community.BoardType.SUPPORT:
            for answer in support.answer_texts(board.id):
                text = _answer(answer)
                known[text.key] = text.thread
                yield text
    for board in boards:
        comments = _comments().where(Comment.board_id == board.id).execution_options(yield_per=CHUNK)
        for row in db.session.execute(comments):
            if (thread := known.get((row.target_kind, row.target_id))) is not None:
                yield _comment(row, thread)


def some(kind: str, ids: Collection[int]) -> list[Text]:
    """Return some contributions of one kind that can be seen."""
    wanted = sorted(ids)
    if kind == "idea":
        hints = _hints(kind, wanted)
        found = (ideas.idea_record(one) for one in wanted)
        return [_idea(idea, hints) for idea in found if idea is not None]
    if kind == "question":
        hints = _hints(kind, wanted)
        return [_question(question, hints) for question in support.texts_of(wanted)]
    if kind == "answer":
        return [_answer(answer) for answer in support.answer_texts_of(wanted)]
    rows = db.session.execute(_comments().where(Comment.id.in_(wanted))).all()
    answers = {row.target_id for row in rows if row.target_kind == "answer"}
    threads = {answer.id: ("question", answer.thread_id) for answer in support.answer_texts_of(sorted(answers))}
    return [_comment(row, threads.get(row.target_id, (row.target_kind, row.target_id))) for row in rows]


def _openings(board: community.BoardCard, hints: Hints) -> Iterator[Text]:
    if board.type == community.BoardType.IDEAS:
        return (_idea(idea, hints) for idea in ideas.texts(board.id))
    return (_question(question, hints) for question in support.texts(board.id))


def _idea(idea: ideas.IdeaRecord, hints: Hints) -> Text:
    key = ("idea", idea.id)
    return Text(
        key,
        key,
        idea.board_id,
        idea.author_id,
        idea.created_at,
        f"{idea.title}\n{idea.body}",
        idea.lang,
        idea.external_id,
        hints.get(key, ()),
    )


def _question(question: support.TextRecord, hints: Hints) -> Text:
    key = ("question", question.id)
    return Text(
        key,
        key,
        question.board_id,
        question.author_id,
        question.created_at,
        f"{question.title}\n{question.body}",
        question.lang,
        question.external_id,
        hints.get(key, ()),
    )


def _answer(answer: support.TextRecord) -> Text:
    return Text(
        ("answer", answer.id),
        ("question", answer.thread_id),
        answer.board_id,
        answer.author_id,
        answer.created_at,
        answer.body,
        answer.lang,
        answer.external_id,
    )


def _comments() -> Any:
    columns = (Comment.id, Comment.board_id, Comment.target_kind, Comment.target_id, Comment.author_id,
               Comment.created_at, Comment.body, Comment.lang, Comment.external_id)  # fmt: skip
    return select(*columns).where(Comment.hidden_at.is_(None)).order_by(Comment.id)


def _comment(row: Any, thread: Key) -> Text:
    return Text(
        ("comment", row.id), thread, row.board_id, row.author_id, row.created_at, row.body, row.lang, row.external_id
    )


def _hints(kind: str | None = None, ids: Collection[int] = ()) -> Hints:
    """Return the names of the tags that contributions carry, by contribution.

    Only of tags that somebody has named in several languages: these tie the languages together. A word that was
    merely typed as a tag says no more than the text.
    """
    named = {
        tag.id: tuple((str(words), lang) for lang, words in sorted(tag.name.items()) if words)
        for tag in community.all_tags()
        if len({str(words) for words in tag.name.values() if words}) > 1
    }
    wanted = select(ContributionTag).where(ContributionTag.tag_id.in_(named))
    if kind is not None:
        wanted = wanted.where(ContributionTag.target_kind == kind, ContributionTag.target_id.in_(ids))
    found: Hints = {}
    for carried in db.session.scalars(wanted.order_by(ContributionTag.tag_id)):
        key = (carried.target_kind, carried.target_id)
        found[key] = found.get(key, ()) + named[carried.tag_id]
    return found
