"""Tables of conversation: earlier versions, reactions, mentions, drafts, uploads."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class Revision(Model):
    """One version of a text, never changed. The first is written down when the text is changed for the first time."""

    __tablename__ = "revision"

    target_kind: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    """Who wrote this version."""
    title: Mapped[str]
    body: Mapped[str]
    at: Mapped[datetime] = mapped_column(default_factory=now)
    redacted_at: Mapped[datetime | None] = mapped_column(default=None)
    """A moderator took it out of sight; moderators still read it."""
    redacted_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)


class Reaction(Model):
    """One member reacted to one thing in one way; the key makes a second time impossible."""

    __tablename__ = "reaction"
    __table_args__ = (CheckConstraint("kind IN ('thanks', 'agree', 'insightful', 'celebrate')", name="kind"),)

    target_kind: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(default_factory=now)


class ReactionCount(Model):
    """How many members reacted to a thing in one way."""

    __tablename__ = "reaction_count"
    __table_args__ = ({"postgresql_with": {"fillfactor": "70"}},)

    target_kind: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    members: Mapped[int]


class Mention(Model):
    """A text names a member. ``told_at`` is when the record said so; None while the text is held back."""

    __tablename__ = "mention"
    __table_args__ = (Index("ix_mention_author_id", "author_id", "at"),)

    target_kind: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    at: Mapped[datetime] = mapped_column(default_factory=now)
    told_at: Mapped[datetime | None] = mapped_column(default=None)


class Draft(Model):
    """What a member has typed and not sent, the same on all her devices. ``version`` grows with each saving."""

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("member_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    key: Mapped[str]
    """Which form: ``propose``, ``answer-12``."""
    place: Mapped[str]
    """The address of the page with the form."""
    title: Mapped[str]
    fields: Mapped[dict[str, Any]]
    device: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    saved_at: Mapped[datetime] = mapped_column(default_factory=now, index=True)


class Upload(Model):
    """A picture or a file that somebody sent, as we made it anew. Its bytes lie in the data folder under its key."""

    __tablename__ = "upload"
    __table_args__ = (
        CheckConstraint("kind IN ('image', 'file')", name="kind"),
        Index("ix_upload_member_id", "member_id", "created_at"),
        Index("ix_upload_target", "target_kind", "target_id"),
        Index("ix_upload_dropped_at", "dropped_at", postgresql_where=text("dropped_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    key: Mapped[str] = mapped_column(unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    kind: Mapped[str]
    name: Mapped[str]
    alt: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int]
    """Bytes of all sizes together."""
    width: Mapped[int | None] = mapped_column(default=None)
    height: Mapped[int | None] = mapped_column(default=None)
    widths: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), default_factory=list, server_default=text("'{}'::bigint[]")
    )
    """The smaller sizes that there are, in pixels."""
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    target_kind: Mapped[str | None] = mapped_column(default=None)
    target_id: Mapped[int | None] = mapped_column(default=None)
    """The text it belongs to; whoever may see that, may fetch it. Nobody but its owner before."""
    dropped_at: Mapped[datetime | None] = mapped_column(default=None)
    """Since when no text shows it."""
