"""Tables of analytics: what the record says, folded; who is likely to answer; who knows what; who takes part.

All of it is derived from facts and can be rebuilt. Topics have a room of their own.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, desc, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class MemberDay(Model):
    """How often a member did one kind of thing on one board on one day; ``board_id`` is 0 where there is none."""

    __tablename__ = "member_day"
    __table_args__ = (Index("ix_member_day_day", "day", "board_id"),)

    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    board_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]


class IdeaCourse(Model):
    """When an idea came to each stage for the first time."""

    __tablename__ = "idea_course"
    __table_args__ = (Index("ix_idea_course_author_id", "author_id"), Index("ix_idea_course_board_id", "board_id"))

    idea_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    board_id: Mapped[int]
    author_id: Mapped[int]
    posted_at: Mapped[datetime]
    stage: Mapped[str] = mapped_column(default="submitted")
    reviewed_at: Mapped[datetime | None] = mapped_column(default=None)
    planned_at: Mapped[datetime | None] = mapped_column(default=None)
    making_at: Mapped[datetime | None] = mapped_column(default=None)
    shipped_at: Mapped[datetime | None] = mapped_column(default=None)
    declined_at: Mapped[datetime | None] = mapped_column(default=None)
    hidden: Mapped[bool] = mapped_column(default=False)


class QuestionCourse(Model):
    """When a question was asked, and first answered by somebody else."""

    __tablename__ = "question_course"
    __table_args__ = (
        Index("ix_question_course_asker_id", "asker_id"),
        Index("ix_question_course_board_id", "board_id", "asked_at"),
    )

    question_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    board_id: Mapped[int]
    asker_id: Mapped[int]
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    hidden: Mapped[bool] = mapped_column(default=False)


class AnswerCourse(Model):
    """Who helped whom: an answer to somebody else's question and what became of it."""

    __tablename__ = "answer_course"
    __table_args__ = (
        Index("ix_answer_course_author_id", "author_id", "given_at"),
        Index("ix_answer_course_question_id", "question_id"),
        Index("ix_answer_course_board_id", "board_id", "given_at"),
    )

    answer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    question_id: Mapped[int]
    board_id: Mapped[int]
    author_id: Mapped[int]
    asker_id: Mapped[int]
    given_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None] = mapped_column(default=None)
    verified: Mapped[bool] = mapped_column(default=False)
    outdated: Mapped[bool] = mapped_column(default=False)
    hidden: Mapped[bool] = mapped_column(default=False)


class AnswerThanks(Model):
    """Somebody said that an answer helped (1) or did not (-1)."""

    __tablename__ = "answer_thanks"

    answer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int]
    at: Mapped[datetime]


class MemberFigures(Model):
    """The figures of one member as they were last worked out; the names are those of `metrics.REGISTRY`."""

    __tablename__ = "member_figures"

    member_id: Mapped[int] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    figures: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime] = mapped_column(default_factory=now)


class MemberTrust(Model):
    """How much a member's word weighs: rank propagated from staff and known customers; nobody else has a floor."""

    __tablename__ = "member_trust"

    member_id: Mapped[int] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    trust: Mapped[float] = mapped_column(Float(53))
    pagerank: Mapped[float] = mapped_column(Float(53))
    percentile: Mapped[float] = mapped_column(Float(53))
    voice: Mapped[float] = mapped_column(Float(53), default=0.0, server_default=text("0"))
    """How much her word weighs, 0 to 1: 1 for those whom the company knows."""
    at: Mapped[datetime] = mapped_column(default_factory=now, server_default=text("now()"))


class Expertise(Model):
    """How well a member answers on a topic of one board, with its uncertainty, and the simpler figures beside it."""

    __tablename__ = "expertise"
    __table_args__ = (
        Index("ix_expertise_member_id", "member_id"),
        Index("ix_expertise_best", "topic_id", desc("low"), "member_id"),
    )

    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"), primary_key=True)
    low: Mapped[float] = mapped_column(Float(53))
    mid: Mapped[float] = mapped_column(Float(53))
    high: Mapped[float] = mapped_column(Float(53))
    mean: Mapped[float] = mapped_column(Float(53))
    answers: Mapped[int]
    people: Mapped[int]
    days: Mapped[int]
    place: Mapped[int | None]
    ranked: Mapped[int]
    answer_count_place: Mapped[int]
    z_score: Mapped[float] = mapped_column(Float(53))
    z_score_place: Mapped[int]
    pagerank: Mapped[float] = mapped_column(Float(53))
    pagerank_place: Mapped[int]
    answer_ids: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    at: Mapped[datetime] = mapped_column(default_factory=now)


class RoutingBoard(Model):
    """What the routing model of one board has learned, and up to when."""

    __tablename__ = "routing_board"

    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"), primary_key=True)
    model: Mapped[dict[str, Any]]
    questions: Mapped[int] = mapped_column(default=0)
    answers: Mapped[int] = mapped_column(default=0)
    tag_answers: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    learned_to: Mapped[datetime] = mapped_column(default_factory=now)


class RoutingHelper(Model):
    """What routing knows of one who has answered on a board."""

    __tablename__ = "routing_helper"
    __table_args__ = (Index("ix_routing_helper_strength", "board_id", desc("strength")),)

    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    strength: Mapped[float] = mapped_column(Float(53))
    state: Mapped[dict[str, Any]]


class RoutingWord(Model):
    """In how many questions of a board a word stood."""

    __tablename__ = "routing_word"

    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"), primary_key=True)
    word: Mapped[str] = mapped_column(primary_key=True)
    asked: Mapped[int]


class RoutingWordHelper(Model):
    """How many questions with a word a helper answered."""

    __tablename__ = "routing_word_helper"

    board_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    word: Mapped[str] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    answered: Mapped[int]


class RoutingQuestion(Model):
    """A question whose answers are still to be learned from."""

    __tablename__ = "routing_question"
    __table_args__ = (Index("ix_routing_question_due", "board_id", "lessons", "asked_at"),)

    question_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    asked_at: Mapped[datetime]
    lessons: Mapped[int]
    state: Mapped[dict[str, Any]]


class Invitation(Model):
    """A member was asked to look at a question, at which place, and why."""

    __tablename__ = "expert_invitation"
    __table_args__ = (Index("ix_expert_invitation_member_id", "member_id", desc("at")),)

    question_id: Mapped[int] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    place: Mapped[int]
    score: Mapped[float] = mapped_column(Float(53))
    reasons: Mapped[list[Any]] = mapped_column(default_factory=list, server_default=text("'[]'"))
    at: Mapped[datetime] = mapped_column(default_factory=now)


class ParticipationReport(Model):
    """Who takes part in a board (0: in all of them) over a window of weeks, as last worked out."""

    __tablename__ = "participation_report"

    board_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    weeks: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    report: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default_factory=now)
