"""The record of what staff did, chained by hashes."""

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.database import Model


class AuditEntry(Model):
    """One act of staff. ``hash`` covers the entry and the hash before it; ``seq`` is its place in the chain.

    It names things by their ids and carries no personal text: erasing a member changes no entry. The key of the actor
    is no foreign key, because the record outlives what it is about.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "subject_kind", "subject_id"),
        Index("ix_audit_entry_actor_id", "actor_id", "id"),
        Index("ix_audit_entry_unsealed", "id", postgresql_where=text("hash IS NULL")),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, init=False)
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"), init=False)
    actor_id: Mapped[int | None]
    act: Mapped[str] = mapped_column(index=True)
    subject_kind: Mapped[str]
    subject_id: Mapped[int | None]
    details: Mapped[dict[str, Any]]
    seq: Mapped[int | None] = mapped_column(unique=True, default=None)
    hash: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)


class AuditHead(Model):
    """The last sealed entry, in one row: the chain's end is known even when entries at the end are gone."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
