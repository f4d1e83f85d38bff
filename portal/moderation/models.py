"""Tables of moderation."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class Flag(Model):
    """A member says that something should be looked at. One a member and thing."""

    __tablename__ = "flag"
    __table_args__ = (
        UniqueConstraint("member_id", "target_kind", "target_id"),
        Index("ix_flag_target", "target_kind", "target_id"),
        Index("ix_flag_member_id", "member_id", "at"),
        CheckConstraint("outcome IN ('upheld', 'rejected')", name="outcome"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    target_kind: Mapped[str]
    target_id: Mapped[int]
    reason: Mapped[str]
    words: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(default_factory=now)
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    outcome: Mapped[str | None] = mapped_column(default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)


class QueueItem(Model):
    """One thing that waits for a moderator. ``why`` holds what brought it: flags, holds, suspicions, an appeal."""

    __tablename__ = "moderation_item"
    __table_args__ = (
        Index(
            "uq_moderation_item_open", "queue", "target_kind", "target_id", unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_moderation_item_urgency", "queue", text("urgency DESC"), "id",
            postgresql_where=text("closed_at IS NULL"),
        ),
        CheckConstraint("queue IN ('post', 'duplicate', 'appeal')", name="queue"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    queue: Mapped[str]
    target_kind: Mapped[str]
    target_id: Mapped[int]
    board_id: Mapped[int | None] = mapped_column(ForeignKey("board.id"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    opened_at: Mapped[datetime] = mapped_column(default_factory=now)
    urgency: Mapped[float] = mapped_column(Float(53), default=0.0)
    why: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    looked_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)
    looked_at: Mapped[datetime | None] = mapped_column(default=None)


class Decision(Model):
    """What a moderator did. ``undo`` holds what stood before, so that the act can be reversed exactly."""

    __tablename__ = "moderation_decision"
    __table_args__ = (
        Index("ix_moderation_decision_target", "target_kind", "target_id", "id"),
        Index("ix_moderation_decision_actor_id", "actor_id", "id"),
        Index("ix_moderation_decision_author_id", "author_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    verb: Mapped[str]
    target_kind: Mapped[str]
    target_id: Mapped[int]
    board_id: Mapped[int | None] = mapped_column(ForeignKey("board.id"), default=None)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("moderation_item.id"), default=None)
    reason: Mapped[str] = mapped_column(default="")
    words: Mapped[str] = mapped_column(default="")
    """What the author is told."""
    at: Mapped[datetime] = mapped_column(default_factory=now)
    undo: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    undone_at: Mapped[datetime | None] = mapped_column(default=None)
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)


class Appeal(Model):
    """The author of what was decided upon asks somebody else to look again; once a decision."""

    __tablename__ = "appeal"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    decision_id: Mapped[int] = mapped_column(ForeignKey("moderation_decision.id"), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    words: Mapped[str]
    at: Mapped[datetime] = mapped_column(default_factory=now)
    granted: Mapped[bool | None] = mapped_column(default=None)
    answer: Mapped[str] = mapped_column(default="")
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)


class Suspension(Model):
    """A member reads and does not write until a moment. The latest that is not lifted holds."""

    __tablename__ = "suspension"
    __table_args__ = (Index("ix_suspension_member_id", "member_id", text("id DESC")),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    decision_id: Mapped[int] = mapped_column(ForeignKey("moderation_decision.id"))
    reason: Mapped[str]
    words: Mapped[str]
    until: Mapped[datetime]
    since: Mapped[datetime] = mapped_column(default_factory=now)
    lifted_at: Mapped[datetime | None] = mapped_column(default=None)


class HoldingRule(Model):
    """What one board holds of newcomers; a board without a row holds by the portal's own rule."""

    __tablename__ = "holding_rule"

    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"), primary_key=True)
    first_posts: Mapped[int]
    """So many posts of a newcomer are looked at before they are shown."""
    links: Mapped[bool]
    """Links of newcomers are looked at."""


class SpamWord(Model):
    """How often a word, an address or a trait of an author stood in spam and in what was fine; both decay."""

    __tablename__ = "spam_word"

    word: Mapped[str] = mapped_column(primary_key=True)
    spam: Mapped[float] = mapped_column(Float(53), default=0.0)
    fine: Mapped[float] = mapped_column(Float(53), default=0.0)
    at: Mapped[datetime] = mapped_column(default_factory=now)


class SpamVerdict(Model):
    """What a moderator's decision taught about one text, so that it can be taken back."""

    __tablename__ = "spam_verdict"

    target_kind: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    spam: Mapped[bool]
    words: Mapped[list[Any]]
    at: Mapped[datetime] = mapped_column(default_factory=now)


class SpamScore(Model):
    """How likely a text was spam when it was posted (0 to 1), and what spoke most for and against it."""

    __tablename__ = "spam_score"

    target_kind: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    probability: Mapped[float] = mapped_column(Float(53))
    reasons: Mapped[list[Any]]
    at: Mapped[datetime] = mapped_column(default_factory=now)


class MergeVoice(Model):
    """A supporter of a merged thing, whose voice now counts for the other; she may opt out for some days."""

    __tablename__ = "merge_voice"

    decision_id: Mapped[int] = mapped_column(ForeignKey("moderation_decision.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)
    opted_out_at: Mapped[datetime | None] = mapped_column(default=None)
