"""The memory of routing in tables: what one ranking needs is read at once, what changed is written at the end."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from portal.analytics.models import (
    RoutingBoard,
    RoutingHelper,
    RoutingQuestion,
    RoutingWord,
    RoutingWordHelper,
)
from portal.analytics.routing.memory import Helper, InMemory
from portal.analytics.routing.model import Model
from portal.analytics.routing.router import CANDIDATES, InMemoryShelf, Pending, Router
from portal.kernel.database import db

WORDS_OF_HELPERS = 400
"""So many of the strongest helpers have their words kept when a board is learned anew."""
LONGEST_WORD = 60
UNKNOWN = -1e9
TABLES = (RoutingWordHelper, RoutingWord, RoutingQuestion, RoutingHelper, RoutingBoard)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


class StoredMemory:
    """The memory of one board. Call `save` when something was learned."""

    def __init__(self, board: RoutingBoard) -> None:
        self.board = board
        self.questions, self.answers = board.questions, board.answers
        self.tag_answers: dict[str, int] = dict(board.tag_answers)
        self._helpers: dict[int, Helper] = {}
        self._strongest: list[int] | None = None

    def helper(self, member_id: int) -> Helper:
        """Return a helper, new or known."""
        if member_id not in self._helpers:
            self._load(RoutingHelper.member_id == member_id)
        return self._helpers.setdefault(member_id, Helper(member_id))

    def _load(self, condition: Any) -> list[int]:
        wanted = select(RoutingHelper.member_id, RoutingHelper.state).where(
            RoutingHelper.board_id == self.board.board_id, condition
        )
        found = []
        for member_id, state in db.session.execute(wanted):
            self._helpers.setdefault(member_id, Helper.from_json(state))
            found.append(member_id)
        return found

    def strongest(self, count: int) -> Sequence[Helper]:
        """Return the helpers who answered most lately: those of the table and those that changed since."""
        if self._strongest is None:
            best = (
                select(RoutingHelper.member_id)
                .where(RoutingHelper.board_id == self.board.board_id)
                .order_by(RoutingHelper.strength.desc())
                .limit(max(count, CANDIDATES + 1))
            )
            self._strongest = self._load(RoutingHelper.member_id.in_(best))
        known = {*self._strongest, *self._helpers}
        return sorted((self._helpers[one] for one in known), key=lambda helper: -helper.strength)[:count]

    def asked(self, words: Iterable[str]) -> dict[str, int]:
        """Return in how many questions each of the words stood."""
        wanted = select(RoutingWord.word, RoutingWord.asked).where(
            RoutingWord.board_id == self.board.board_id, RoutingWord.word.in_(list(words))
        )
        return dict(db.session.execute(wanted).all())

    def answered(self, words: Sequence[str]) -> dict[str, Mapping[int, int]]:
        """Return for each word how many questions with it each of the candidates answered."""
        found: dict[str, dict[int, int]] = {word: {} for word in words}
        member_ids = [helper.id for helper in self.strongest(CANDIDATES + 1)]
        wanted = select(RoutingWordHelper.word, RoutingWordHelper.member_id, RoutingWordHelper.answered).where(
            RoutingWordHelper.board_id == self.board.board_id,
            RoutingWordHelper.word.in_(words),
            RoutingWordHelper.member_id.in_(member_ids),
        )
        for word, member_id, answered in db.session.execute(wanted):
            found[word][member_id] = answered
        return dict(found)

    def count_question(self, words: Sequence[str]) -> None:
        """Count the words of a new question."""
        rows = [{"board_id": self.board.board_id, "word": w, "asked": 1} for w in words if len(w) <= LONGEST_WORD]
        if rows:
            add = insert(RoutingWord).values(rows)
            db.session.execute(
                add.on_conflict_do_update(
                    index_elements=["board_id", "word"], set_={"asked": RoutingWord.asked + add.excluded.asked}
                )
            )

    def count_answer(self, words: Sequence[str], member_id: int) -> None:
        """Count the words of a question that a helper answered."""
        rows = [
            {"board_id": self.board.board_id, "word": word, "member_id": member_id, "answered": 1}
            for word in words
            if len(word) <= LONGEST_WORD
        ]
        if rows:
            add = insert(RoutingWordHelper).values(rows)
            changed = {"answered": RoutingWordHelper.answered + add.excluded.answered}
            db.session.execute(
                add.on_conflict_do_update(index_elements=["board_id", "word", "member_id"], set_=changed)
            )

    def save(self, model: Model, at: float) -> None:
        """Write helpers, model and counts."""
        if rows := [_helper_row(self.board.board_id, helper) for helper in self._helpers.values() if helper.last]:
            add = insert(RoutingHelper).values(rows)
            changed = {"strength": add.excluded.strength, "state": add.excluded.state}
            db.session.execute(add.on_conflict_do_update(index_elements=["board_id", "member_id"], set_=changed))
        db.session.execute(
            update(RoutingBoard)
            .where(RoutingBoard.board_id == self.board.board_id)
            .values(
                model=model.to_json(), questions=self.questions, answers=self.answers,
                tag_answers=self.tag_answers, learned_to=func.greatest(RoutingBoard.learned_to, _moment(at)),
            )
        )  # fmt: skip


def _helper_row(board_id: int, helper: Helper) -> dict[str, Any]:
    return {
        "board_id": board_id,
        "member_id": helper.id,
        "strength": max(helper.strength, UNKNOWN),
        "state": helper.to_json(),
    }


class StoredShelf:
    """The questions of one board whose lessons are still to come."""

    def __init__(self, board_id: int) -> None:
        self.board_id = board_id
        self._taken: dict[int, Pending] = {}

    def put(self, pending: Pending) -> None:
        """Keep a new question; one that is there already stays."""
        row = insert(RoutingQuestion).values(_question_row(self.board_id, pending))
        db.session.execute(row.on_conflict_do_nothing())
        self._taken[pending.question.id] = pending

    def get(self, question_id: int) -> Pending | None:
        """Return a question that is still open, to change it."""
        if question_id not in self._taken:
            wanted = select(RoutingQuestion.state).filter_by(question_id=question_id)
            if (state := db.session.scalar(wanted)) is None:
                return None
            self._taken[question_id] = Pending.from_json(question_id, state)
        return self._taken[question_id]

    def due(self, lessons: int, before: float) -> Iterable[Pending]:
        """Yield those asked before a time from which so many lessons have been taken."""
        self.save()
        ids = db.session.scalars(
            select(RoutingQuestion.question_id)
            .where(
                RoutingQuestion.board_id == self.board_id,
                RoutingQuestion.lessons == lessons,
                RoutingQuestion.asked_at < _moment(before),
            )
            .order_by(RoutingQuestion.asked_at)
        ).all()
        found = [self.get(question_id) for question_id in ids]
        return [pending for pending in found if pending is not None]

    def clear(self, before: float) -> None:
        """Forget what was asked before."""
        old = RoutingQuestion.asked_at < _moment(before)
        db.session.execute(delete(RoutingQuestion).where(RoutingQuestion.board_id == self.board_id, old))

    def save(self) -> None:
        """Write what changed."""
        for question_id, pending in self._taken.items():
            db.session.execute(
                update(RoutingQuestion)
                .where(RoutingQuestion.question_id == question_id)
                .values(lessons=pending.lessons, state=pending.to_json())
            )
        self._taken = {}


def _question_row(board_id: int, pending: Pending) -> dict[str, Any]:
    return {
        "question_id": pending.question.id,
        "board_id": board_id,
        "asked_at": _moment(pending.question.at),
        "lessons": pending.lessons,
        "state": pending.to_json(),
    }


def board_to_read(board_id: int) -> RoutingBoard | None:
    """Return what is known of a board, or None before anything was learned."""
    return db.session.get(RoutingBoard, board_id)


def router_of(board_id: int) -> tuple[Router, StoredMemory, StoredShelf] | None:
    """Return the router of a board, its row locked, to learn; None before the board was learned a first time."""
    board = db.session.scalar(select(RoutingBoard).filter_by(board_id=board_id).with_for_update())
    if board is None:
        return None
    memory, shelf = StoredMemory(board), StoredShelf(board_id)
    return Router(memory, shelf, Model.from_json(board.model)), memory, shelf


def replace(board_id: int, router: Router, learned_to: datetime) -> None:
    """Put what a walk through all of a board has learned in the place of what is stored."""
    memory, shelf = router.memory, router.shelf
    if not isinstance(memory, InMemory) or not isinstance(shelf, InMemoryShelf):
        raise TypeError(type(memory).__name__)
    for table in TABLES:
        db.session.execute(delete(table).where(table.__table__.c.board_id == board_id))
    db.session.add(
        RoutingBoard(
            board_id=board_id, model=router.model.to_json(), questions=memory.questions, answers=memory.answers,
            tag_answers=memory.tag_answers, learned_to=learned_to,
        )
    )  # fmt: skip
    db.session.flush()
    _insert_many(RoutingHelper, (_helper_row(board_id, helper) for helper in memory.helpers.values()))
    _insert_many(RoutingQuestion, (_question_row(board_id, one) for one in shelf.open.values()))
    _copy_words(board_id, memory)


def _insert_many(table: Any, rows: Iterable[dict[str, Any]], size: int = 500) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            db.session.execute(insert(table), batch)
            batch = []
    if batch:
        db.session.execute(insert(table), batch)


def _copy_words(board_id: int, memory: InMemory) -> None:
    strong = {helper.id for helper in memory.strongest(WORDS_OF_HELPERS)}
    driver: psycopg.Connection[Any] = db.session.connection().connection.driver_connection  # type: ignore[assignment]
    with driver.cursor() as cursor:
        with cursor.copy("COPY routing_word (board_id, word, asked) FROM STDIN") as out:
            for word, asked in memory.word_questions.items():
                if len(word) <= LONGEST_WORD:
                    out.write_row((board_id, word, asked))
        with cursor.copy("COPY routing_word_helper (board_id, word, member_id, answered) FROM STDIN") as out:
            for word, helpers in memory.word_helpers.items():
                for member_id, answered in helpers.items():
                    if member_id in strong and len(word) <= LONGEST_WORD:
                        out.write_row((board_id, word, member_id, answered))
