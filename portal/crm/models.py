"""Tables of the exchange with CRMs."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class GatewayState(Model):
    """How one gateway is doing. Read at any time; written by its one dispatcher at the end of a batch."""

    __tablename__ = "crm_gateway"

    name: Mapped[str] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime | None] = mapped_column(default=None)
    why: Mapped[str | None] = mapped_column(default=None)
    hold_until: Mapped[datetime | None] = mapped_column(default=None)
    failures: Mapped[int] = mapped_column(default=0)
    """Batches that failed one after the other; zero again after one that arrives."""
    suspects: Mapped[int] = mapped_column(default=0)
    """Those of them in which a row may be the cause."""
    narrowed: Mapped[int | None] = mapped_column(default=None)
    """Most rows of the next batch, while such a row is being looked for."""
    sent: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    nulled: Mapped[int] = mapped_column(default=0)
    drift: Mapped[int | None] = mapped_column(default=None)
    compared_at: Mapped[datetime | None] = mapped_column(default=None)
    checked_at: Mapped[datetime | None] = mapped_column(default=None)
    calls_on: Mapped[date | None] = mapped_column(default=None)
    calls: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[float] = mapped_column(default=1.0)
    tokens_at: Mapped[datetime] = mapped_column(default_factory=now)
    cursors: Mapped[dict[str, Any]] = mapped_column(default_factory=dict, server_default=text("'{}'"))


class Wanted(Model):
    """Lane of state: this subject's figures may have changed.

    Only appended to, so that marking never waits. Many marks of one subject are sent once, with the figures of
    that moment.
    """

    __tablename__ = "crm_wanted"
    __table_args__ = (Index("ix_crm_wanted_subject", "gateway", "kind", "subject_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    gateway: Mapped[str]
    kind: Mapped[str]
    subject_id: Mapped[int]
    wanted_at: Mapped[datetime] = mapped_column(default_factory=now)
    tries: Mapped[int] = mapped_column(default=0)


class Link(Model):
    """What a member or an organisation is in one CRM, what was sent to it last and what was found there."""

    __tablename__ = "crm_link"

    gateway: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    crm_id: Mapped[str | None] = mapped_column(default=None)
    sent: Mapped[dict[str, Any]] = mapped_column(default_factory=dict, server_default=text("'{}'"))
    sent_hash: Mapped[str | None] = mapped_column(default=None)
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    nulled_at: Mapped[datetime | None] = mapped_column(default=None)
    there: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), default=None)
    there_at: Mapped[datetime | None] = mapped_column(default=None)
    lift: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether some of what stands there is another member's after all: all of it is taken away, and sent anew."""


class CrmEvent(Model):
    """Lane of events: one happening for one CRM, in the order of the record.

    ``state`` is waiting, sent, dead (a dead letter says why) or left (not sent, for good).
    """

    __tablename__ = "crm_event"
    __table_args__ = (
        UniqueConstraint("gateway", "event_id"),
        Index("ix_crm_event_waiting", "gateway", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_crm_event_subject", "kind", "subject_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    gateway: Mapped[str]
    event_id: Mapped[str]
    kind: Mapped[str]
    subject_id: Mapped[int]
    type: Mapped[str]
    happened_at: Mapped[datetime]
    sequence: Mapped[int]
    summary: Mapped[str] = mapped_column(default="")
    url: Mapped[str] = mapped_column(default="")
    data: Mapped[dict[str, Any]] = mapped_column(default_factory=dict, server_default=text("'{}'"))
    state: Mapped[str] = mapped_column(default="waiting", server_default="waiting")
    made_at: Mapped[datetime] = mapped_column(default_factory=now)
    tries: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    sent_at: Mapped[datetime | None] = mapped_column(default=None)


class DeadLetter(Model):
    """What a CRM will not take as it is: seen, mended and sent again by a person, or left out."""

    __tablename__ = "crm_dead_letter"
    __table_args__ = (
        UniqueConstraint("gateway", "lane", "kind", "subject_id", "event_id", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    gateway: Mapped[str]
    lane: Mapped[str]
    kind: Mapped[str]
    subject_id: Mapped[int]
    event_id: Mapped[str | None] = mapped_column(default=None)
    row: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    reason: Mapped[str] = mapped_column(default="")
    field: Mapped[str | None] = mapped_column(default=None)
    tries: Mapped[int] = mapped_column(default=1)
    first_at: Mapped[datetime] = mapped_column(default_factory=now)
    last_at: Mapped[datetime] = mapped_column(default_factory=now)


class SeenNews(Model):
    """What a CRM last said of a contact or account: the same again, or an echo of ours, is no news."""

    __tablename__ = "crm_news"

    gateway: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    crm_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    news: Mapped[dict[str, Any]]
    seen_at: Mapped[datetime] = mapped_column(default_factory=now)


class HourlyRows(Model):
    """How many rows and events arrived in one hour."""

    __tablename__ = "crm_hour"

    gateway: Mapped[str] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    rows: Mapped[int] = mapped_column(default=0)
