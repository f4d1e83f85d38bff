"""Tables of reputation: the ledger, what it adds up to, badges, and what members get for what they did."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class ReputationEntry(Model):
    """One line of the ledger: somebody's act, for somebody's benefit, on something. Reversals are lines, too.

    The act never changes. ``weight``, ``counted``, ``cap`` and ``reversed_by`` are what the last fold made of it.
    """

    __tablename__ = "reputation_entry"
    __table_args__ = (
        Index("ix_reputation_entry_beneficiary_id", "beneficiary_id", desc("at")),
        Index("ix_reputation_entry_object", "object_kind", "object_id"),
        Index("ix_reputation_entry_actor_id", "actor_id"),
        Index("ix_reputation_entry_reverses_id", "reverses_id", postgresql_where=text("reverses_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    fact_id: Mapped[int]
    """The fact that it was written from."""
    actor_id: Mapped[int | None]
    beneficiary_id: Mapped[int]
    object_kind: Mapped[str]
    object_id: Mapped[int]
    kind: Mapped[str]
    points: Mapped[int]
    policy: Mapped[int]
    at: Mapped[datetime]
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("reputation_entry.id"), default=None)
    reversed_by: Mapped[int | None] = mapped_column(ForeignKey("reputation_entry.id"), default=None)
    weight: Mapped[float] = mapped_column(Float(53), default=0.0)
    counted: Mapped[int] = mapped_column(default=0)
    """Thousandths of points that it adds."""
    cap: Mapped[str] = mapped_column(default="")


class Reputation(Model):
    """What a member's lines add up to. ``place`` of ``ranked``, None while it is too early for a public place."""

    __tablename__ = "reputation"
    __table_args__ = (Index("ix_reputation_stale", "member_id", postgresql_where=text("stale")),)

    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    points: Mapped[int] = mapped_column(default=0)
    people: Mapped[int] = mapped_column(default=0)
    days: Mapped[int] = mapped_column(default=0)
    place: Mapped[int | None] = mapped_column(default=None)
    ranked: Mapped[int] = mapped_column(default=0)
    stale: Mapped[bool] = mapped_column(default=True)
    folded_at: Mapped[datetime | None] = mapped_column(default=None)


class TrustStanding(Model):
    """What a member's trust level was last worked out from."""

    __tablename__ = "trust_standing"

    member_id: Mapped[int] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    level: Mapped[int]
    signs: Mapped[dict[str, Any]]
    since: Mapped[datetime] = mapped_column(default_factory=now)


class TrustSpread(Model):
    """When trust was last spread, and through which lines of the ledger. One row."""

    __tablename__ = "trust_spread"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line_id: Mapped[int]
    seeds: Mapped[int]
    members: Mapped[int]
    at: Mapped[datetime] = mapped_column(default_factory=now)


class Badge(Model):
    """A badge that a member holds, or held until its ground went. ``ground`` is what it rests on."""

    __tablename__ = "badge"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    ground: Mapped[dict[str, Any]]
    since: Mapped[datetime] = mapped_column(default_factory=now)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


class Benefit(Model):
    """Something that a member gets for what she did: an offer, early access, her name in the changelog."""

    __tablename__ = "benefit"
    __table_args__ = (
        CheckConstraint("kind IN ('offer', 'early_access', 'credit')", name="kind"),
        Index("ix_benefit_member_id", "member_id", desc("id")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    kind: Mapped[str]
    title: Mapped[str]
    body: Mapped[str] = mapped_column(default="")
    rule: Mapped[str] = mapped_column(default="")
    """By which rule she was chosen: ``member``, ``badge:shipped``, ``level:3``, ``idea:17``."""
    object_kind: Mapped[str] = mapped_column(default="")
    object_id: Mapped[int | None] = mapped_column(default=None)
    claim_until: Mapped[date | None] = mapped_column(default=None)
    given_by: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), default=None)
    given_at: Mapped[datetime] = mapped_column(default_factory=now)


class BenefitEntry(Model):
    """One line of a benefit's history, never changed: given, claimed, withdrawn, given again."""

    __tablename__ = "benefit_entry"
    __table_args__ = (
        CheckConstraint("action IN ('given', 'claimed', 'withdrawn', 'restored')", name="action"),
        Index("ix_benefit_entry_benefit_id", "benefit_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    benefit_id: Mapped[int] = mapped_column(ForeignKey("benefit.id", ondelete="CASCADE"))
    action: Mapped[str]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), default=None)
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(default_factory=now)
