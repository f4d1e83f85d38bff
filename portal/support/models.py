"""Tables of peer support."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class Question(Model):
    """What somebody asks. Its counts are in `QuestionTally`, so that a click does not rewrite its text."""

    __tablename__ = "question"
    __table_args__ = (
        UniqueConstraint("board_id", "external_id"),
        Index("ix_question_newest", "created_at", "id"),
        Index("ix_question_newest_on_board", "board_id", "created_at", "id"),
        Index("ix_question_author_id", "author_id", "id"),
        Index("ix_question_merged_into_id", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    title: Mapped[str]
    body: Mapped[str]
    html: Mapped[str]
    lang: Mapped[str | None] = mapped_column(default=None)
    category: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    edited_at: Mapped[datetime | None] = mapped_column(default=None)
    hidden_at: Mapped[datetime | None] = mapped_column(default=None)
    hidden_why: Mapped[str | None] = mapped_column(default=None)
    """Why it is out of sight (`community.screening.Why`); null while it can be seen."""
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("question.id"), default=None)
    """The question that this one is the same as: its page leads there; its answers stay where they are."""
    external_id: Mapped[str | None] = mapped_column(default=None)


class QuestionTally(Model):
    """The counts of a question, and what its lists are sorted by."""

    __tablename__ = "question_tally"
    __table_args__ = (
        Index("ix_question_tally_active", "active_at", "question_id"),
        Index("ix_question_tally_active_on_board", "board_id", "active_at", "question_id"),
        Index(
            "ix_question_tally_unanswered",
            "same_problem",
            "question_id",
            postgresql_where=text("by_others = 0"),
        ),
    )

    question_id: Mapped[int] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"), primary_key=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    active_at: Mapped[datetime] = mapped_column(default_factory=now)
    answers: Mapped[int] = mapped_column(default=0)
    by_others: Mapped[int] = mapped_column(default=0)
    """Answers that the asker did not write herself."""
    same_problem: Mapped[int] = mapped_column(default=0)
    accepted_id: Mapped[int | None] = mapped_column(default=None)
    imported_score: Mapped[int] = mapped_column(default=0)
    """Support that an import's source counts without saying whose it is; never summed with ours."""


class Answer(Model):
    """What somebody replies to a question."""

    __tablename__ = "answer"
    __table_args__ = (
        UniqueConstraint("board_id", "external_id"),
        Index("ix_answer_question_id", "question_id", "id"),
        Index("ix_answer_author_id", "author_id", "id"),
        Index("ix_answer_board_id", "board_id", "created_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"))
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    body: Mapped[str]
    html: Mapped[str]
    lang: Mapped[str | None] = mapped_column(default=None)
    by_asker: Mapped[bool] = mapped_column(default=False)
    accepted_at: Mapped[datetime | None] = mapped_column(default=None)
    verified_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)
    official: Mapped[bool] = mapped_column(default=False)
    outdated: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    edited_at: Mapped[datetime | None] = mapped_column(default=None)
    hidden_at: Mapped[datetime | None] = mapped_column(default=None)
    hidden_why: Mapped[str | None] = mapped_column(default=None)
    """Why it is out of sight (`community.screening.Why`); null while it can be seen."""
    external_id: Mapped[str | None] = mapped_column(default=None)


class AnswerTally(Model):
    """How often an answer helped, and the bound it is sorted by (`rules.lower_bound` over both kinds of counts)."""

    __tablename__ = "answer_tally"

    answer_id: Mapped[int] = mapped_column(ForeignKey("answer.id", ondelete="CASCADE"), primary_key=True)
    bound: Mapped[float] = mapped_column(Float(53))
    helped: Mapped[int] = mapped_column(default=0)
    unhelped: Mapped[int] = mapped_column(default=0)
    imported_helped: Mapped[int] = mapped_column(default=0)
    imported_unhelped: Mapped[int] = mapped_column(default=0)


class AnswerVote(Model):
    """One member said of one answer that it helped (1) or did not (-1)."""

    __tablename__ = "answer_vote"
    __table_args__ = (CheckConstraint("value IN (-1, 1)", name="value"),)

    answer_id: Mapped[int] = mapped_column(ForeignKey("answer.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)
    value: Mapped[int] = mapped_column(SmallInteger)
    at: Mapped[datetime] = mapped_column(default_factory=now)


class SameProblem(Model):
    """One member has the problem that another asked about."""

    __tablename__ = "same_problem"

    question_id: Mapped[int] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(default_factory=now)
