"""Tables that ideas and support share."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from portal.community.models.conversation import Draft, Mention, Reaction, ReactionCount, Revision, Upload
from portal.kernel.clock import now
from portal.kernel.database import Model

__all__ = [
    "Board",
    "Comment",
    "ContributionTag",
    "DaySalt",
    "Draft",
    "Follow",
    "Impression",
    "ImpressionCount",
    "Mention",
    "Reaction",
    "ReactionCount",
    "Revision",
    "Tag",
    "TagWord",
    "Upload",
]


class Board(Model):
    """A place for ideas or questions about one brand, product or subject."""

    __tablename__ = "board"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    key: Mapped[str] = mapped_column(unique=True)
    type: Mapped[str]
    name: Mapped[dict[str, Any]]
    """By language: ``{"it": …, "en": …}``."""
    description: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    audience: Mapped[str] = mapped_column(default="public")
    voting: Mapped[str] = mapped_column(default="support")
    stages: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list, server_default=text("'{}'"))
    categories: Mapped[list[Any]] = mapped_column(default_factory=list, server_default=text("'[]'"))
    promise_working_days: Mapped[int | None] = mapped_column(default=None)
    position: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    archived_at: Mapped[datetime | None] = mapped_column(default=None)


class Tag(Model):
    """A word that groups contributions; synonyms lead to it."""

    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    synonyms: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list, server_default=text("'{}'"))


class TagWord(Model):
    """One spelling of a tag, folded: its key, its names, its synonyms. What people type is looked up here."""

    __tablename__ = "tag_word"

    word: Mapped[str] = mapped_column(primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), index=True)


class ContributionTag(Model):
    """A contribution carries a tag."""

    __tablename__ = "contribution_tag"
    __table_args__ = (Index("ix_contribution_tag_tag_id", "tag_id", "target_kind", "target_id"),)

    target_kind: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), primary_key=True)


class Comment(Model):
    """A remark on an idea, a question or an answer; replies are drawn two levels deep."""

    __tablename__ = "comment"
    __table_args__ = (
        UniqueConstraint("board_id", "external_id"),
        Index("ix_comment_target", "target_kind", "target_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    target_kind: Mapped[str]
    target_id: Mapped[int]
    author_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    body: Mapped[str]
    html: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id"), index=True, default=None)
    lang: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    edited_at: Mapped[datetime | None] = mapped_column(default=None)
    hidden_at: Mapped[datetime | None] = mapped_column(default=None)
    hidden_why: Mapped[str | None] = mapped_column(default=None)
    """Why it is out of sight (`community.screening.Why`); null while it can be seen."""
    external_id: Mapped[str | None] = mapped_column(default=None)
    extra: Mapped[dict[str, Any]] = mapped_column(default_factory=dict, server_default=text("'{}'"))
    """What an import's source says besides: alignment, likes, dislikes."""


class Follow(Model):
    """Somebody wants to hear about something."""

    __tablename__ = "follow"
    __table_args__ = (Index("ix_follow_target", "target_kind", "target_id"),)

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    target_kind: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(default_factory=now)


class Impression(Model):
    """One idea or question was shown to one viewer on one day, at a position; kept for 90 days.

    The viewer is a hash under a salt of the day, which is thrown away: nobody can be found by it.
    """

    __tablename__ = "impression"

    day: Mapped[date] = mapped_column(primary_key=True)
    viewer: Mapped[str] = mapped_column(primary_key=True)
    target_kind: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    origin: Mapped[str]
    position: Mapped[int]
    at: Mapped[datetime] = mapped_column(default_factory=now)


class DaySalt(Model):
    """The salt of one day's viewer keys; thrown away when the day is over."""

    __tablename__ = "day_salt"

    day: Mapped[date] = mapped_column(primary_key=True)
    salt: Mapped[str]


class ImpressionCount(Model):
    """How many viewers one thing had on one day; stays when the impressions themselves are gone."""

    __tablename__ = "impression_count"

    target_kind: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    viewers: Mapped[int]
