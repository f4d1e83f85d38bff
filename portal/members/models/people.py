"""Tables of identities in doubt and of members who turned out to be one person."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class AddressProof(Model):
    """A member says that a further address is hers; the mailed link shows it."""

    __tablename__ = "address_proof"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(CITEXT)
    digest: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    made_at: Mapped[datetime] = mapped_column(default_factory=now)
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class IdentityDoubt(Model):
    """A member may be a contact of the CRM, or another account: a person decides, and can take it back.

    ``later`` sends it to the end of the queue; a pair that was called different is not suggested again.
    """

    __tablename__ = "identity_doubt"
    __table_args__ = (
        UniqueConstraint("member_id", "other_id", "contact_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("state IN ('open', 'later', 'matched', 'different')", name="state"),
        Index("ix_identity_doubt_queue", "asked_at", "id", postgresql_where=text("state IN ('open', 'later')")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    why: Mapped[str]
    other_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True, default=None)
    contact_id: Mapped[str | None] = mapped_column(default=None)
    evidence: Mapped[dict[str, Any]] = mapped_column(default_factory=dict, server_default=text("'{}'"))
    state: Mapped[str] = mapped_column(default="open", server_default="open")
    asked_at: Mapped[datetime] = mapped_column(default_factory=now)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)
    merge_id: Mapped[int | None] = mapped_column(ForeignKey("member_merge.id"), default=None)


class MemberMerge(Model):
    """Two accounts are one person's: what was the gone one's is shown as the kept one's, until it is undone."""

    __tablename__ = "member_merge"
    __table_args__ = (
        Index("uq_member_merge_gone", "gone_id", unique=True, postgresql_where=text("undone_at IS NULL")),
        CheckConstraint("kept_id <> gone_id", name="two"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kept_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    gone_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    evidence: Mapped[str]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)
    made_at: Mapped[datetime] = mapped_column(default_factory=now)
    undone_at: Mapped[datetime | None] = mapped_column(default=None)
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)


class MergedRow(Model):
    """One row that a merge touched, and how: enough to put it back exactly as it was.

    ``moved`` changed its owner in ``columns``; ``dropped`` gave way to a row of the kept member, and is kept whole in
    ``before``; ``told`` was undone by the feature that knows it: a vote on the ledger, a count.
    """

    __tablename__ = "member_merge_row"
    __table_args__ = (
        Index("ix_member_merge_row_merge_id", "merge_id", "id"),
        CheckConstraint("what IN ('moved', 'dropped', 'told')", name="what"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    merge_id: Mapped[int] = mapped_column(ForeignKey("member_merge.id", ondelete="CASCADE"))
    what: Mapped[str]
    of: Mapped[str]
    """The table, or the feature's own word for what it did."""
    key: Mapped[dict[str, Any]]
    before: Mapped[dict[str, Any]] = mapped_column(default_factory=dict, server_default=text("'{}'"))
