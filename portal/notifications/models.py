"""Tables of notifications."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class Notification(Model):
    """Something a member is told: of which kind, why, about what. What it says is put together when it is shown.

    ``group_key`` names those that are told together; ``fresh_at`` is when it last grew. Not ``listed``: she wants
    this by mail or push, and not in the page.
    """

    __tablename__ = "notification"
    __table_args__ = (
        Index("ix_notification_member_id", "member_id", desc("fresh_at"), desc("id")),
        Index("ix_notification_unread", "member_id", "group_key", postgresql_where=text("read_at IS NULL")),
        Index("ix_notification_subject", "subject_kind", "subject_id"),
        Index("ix_notification_read_at", "read_at", postgresql_where=text("read_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    kind: Mapped[str]
    why: Mapped[str]
    group_key: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[int | None] = mapped_column(default=None)
    board_id: Mapped[int | None] = mapped_column(default=None)
    details: Mapped[dict[str, Any]] = mapped_column(default_factory=dict, server_default=text("'{}'"))
    listed: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    fresh_at: Mapped[datetime] = mapped_column(default_factory=now)
    seen_at: Mapped[datetime | None] = mapped_column(default=None)
    read_at: Mapped[datetime | None] = mapped_column(default=None)


class Cause(Model):
    """What a member was told of (``comment:7``, ``fact:12``): the key lets her hear of each once, whatever repeats."""

    __tablename__ = "notification_cause"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True, index=True)
    notification_id: Mapped[int] = mapped_column(ForeignKey("notification.id", ondelete="CASCADE"), index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True, default=None)
    at: Mapped[datetime] = mapped_column(default_factory=now)


class Delivery(Model):
    """Something that leaves the portal for one member by one way: a mail, a digest, a push.

    ``key`` is ``mail:7``, ``push:7`` or ``digest:3:2026-11-22``: there is never a second one. ``state`` is one of
    `rules.State`; ``said`` what the other side answered.
    """

    __tablename__ = "notification_delivery"
    __table_args__ = (
        Index("ix_notification_delivery_due", "way", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_notification_delivery_began", "began_at", postgresql_where=text("state = 'sending'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    key: Mapped[str] = mapped_column(unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    way: Mapped[str]
    notification_id: Mapped[int | None] = mapped_column(
        ForeignKey("notification.id", ondelete="CASCADE"), index=True, default=None
    )
    state: Mapped[str] = mapped_column(default="waiting")
    made_at: Mapped[datetime] = mapped_column(default_factory=now)
    due_at: Mapped[datetime] = mapped_column(default_factory=now)
    began_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None, index=True)
    tries: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    said: Mapped[str | None] = mapped_column(default=None)


class Choice(Model):
    """A member wants a kind of news by a way, or does not, otherwise than by default."""

    __tablename__ = "notification_choice"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    way: Mapped[str] = mapped_column(primary_key=True)
    wanted: Mapped[bool]


class Place(Model):
    """A member wants to hear everything of a board (``all``), or nothing of a board, a thing or a person (``mute``)."""

    __tablename__ = "notification_place"
    __table_args__ = (Index("ix_notification_place_target", "target_kind", "target_id"),)

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    target_kind: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)
    level: Mapped[str]


class Settings(Model):
    """When and where a member wants to be reached; without a row, as by default.

    ``digest_slot`` is the last hour of a digest that was seen to. ``refused_address`` is an address that its server
    says does not exist, or has refused so many times in a row (``refusals``): nothing is sent there.
    """

    __tablename__ = "notification_settings"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    time_zone: Mapped[str] = mapped_column(default="Europe/Rome", server_default=text("'Europe/Rome'"))
    quiet_from: Mapped[int | None] = mapped_column(default=None)
    quiet_to: Mapped[int | None] = mapped_column(default=None)
    mails: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    rhythm: Mapped[str] = mapped_column(default="weekly", server_default=text("'weekly'"))
    weekday: Mapped[int] = mapped_column(default=6, server_default=text("6"))
    hour: Mapped[int] = mapped_column(default=8, server_default=text("8"))
    digest_slot: Mapped[datetime | None] = mapped_column(default=None)
    refusals: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    refused_address: Mapped[str | None] = mapped_column(default=None)
    refused_why: Mapped[str | None] = mapped_column(default=None)
    refused_at: Mapped[datetime | None] = mapped_column(default=None)


class PushSubscription(Model):
    """A browser that a member lets us reach while it is signed in, with the keys its payloads are encrypted for."""

    __tablename__ = "push_subscription"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    endpoint: Mapped[str] = mapped_column(unique=True)
    p256dh: Mapped[str]
    auth: Mapped[str]
    session_id: Mapped[int | None] = mapped_column(
        ForeignKey("member_session.id", ondelete="CASCADE"), index=True, default=None
    )
    agent: Mapped[str] = mapped_column(default="", server_default=text("''"))
    made_at: Mapped[datetime] = mapped_column(default_factory=now)
    used_at: Mapped[datetime | None] = mapped_column(default=None)
