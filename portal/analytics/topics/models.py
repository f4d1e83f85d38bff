"""Tables of topics."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class TopicRun(Model):
    """One training: of a board that has a model of its own, or (without a board) of those that share one."""

    __tablename__ = "topic_run"
    __table_args__ = (Index("ix_topic_run_board_id", "board_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    board_id: Mapped[int | None] = mapped_column(ForeignKey("board.id"))
    report: Mapped[dict[str, Any]]
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)
    began_at: Mapped[datetime] = mapped_column(default_factory=now)
    ended_at: Mapped[datetime] = mapped_column(default_factory=now)


class TopicModelFile(Model):
    """What a training learnt, as one document: in the database, so that every machine's workers read the same."""

    __tablename__ = "topic_model"

    run_id: Mapped[int] = mapped_column(
        ForeignKey("topic_run.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    data: Mapped[bytes] = mapped_column(BYTEA)


class Topic(Model):
    """A theme that people write about. Its id lasts from one training to the next."""

    __tablename__ = "topic"
    __table_args__ = (Index("ix_topic_board_id", "board_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    board_id: Mapped[int | None] = mapped_column(ForeignKey("board.id"))
    label: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    """By language; under the empty text what it is called in general. Written anew by each training."""
    name: Mapped[str | None] = mapped_column(default=None)
    """What a person called it: goes before the label, and no training changes it."""
    named_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)
    words: Mapped[list[Any]] = mapped_column(default_factory=list)
    """``{"text", "lang", "weight"}``, the strongest first."""
    representatives: Mapped[list[Any]] = mapped_column(default_factory=list)
    """``[kind, id]`` of the posts that show it best."""
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    retired_at: Mapped[datetime | None] = mapped_column(default=None)


class ContributionTopic(Model):
    """What one contribution is about. ``topic_id`` is empty where there is nothing to go by."""

    __tablename__ = "contribution_topic"
    __table_args__ = (
        Index("ix_contribution_topic_topic", "topic_id", "written_at", "kind", "contribution_id"),
        Index("ix_contribution_topic_board", "board_id", "written_at"),
        Index("ix_contribution_topic_thread", "thread_kind", "thread_id"),
        Index("ix_contribution_topic_author", "author_id", "topic_id"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    contribution_id: Mapped[int] = mapped_column(primary_key=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    thread_kind: Mapped[str]
    thread_id: Mapped[int]
    author_id: Mapped[int]
    written_at: Mapped[datetime]
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id"))
    mixture: Mapped[list[Any]]
    """``[[topic, share], …]``, the strongest first."""
    run_id: Mapped[int] = mapped_column(ForeignKey("topic_run.id"))
    external_id: Mapped[str | None] = mapped_column(default=None)
    read_at: Mapped[datetime] = mapped_column(default_factory=now)


class TopicHistory(Model):
    """What a contribution was held to be about, until a training thought otherwise."""

    __tablename__ = "topic_history"
    __table_args__ = (Index("ix_topic_history_contribution", "kind", "contribution_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kind: Mapped[str]
    contribution_id: Mapped[int]
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id"))
    run_id: Mapped[int] = mapped_column(ForeignKey("topic_run.id"))
    """The training that thought otherwise."""
    until: Mapped[datetime] = mapped_column(default_factory=now)
