"""What the API itself keeps."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class RememberedAnswer(Model):
    """The answer to a request that came with an ``Idempotency-Key``: whoever repeats it gets the same one."""

    __tablename__ = "api_answer"
    __table_args__ = (Index("ix_api_answer_at", "at"),)

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int] = mapped_column(default=0)
    location: Mapped[str | None] = mapped_column(default=None)
    body: Mapped[bytes] = mapped_column(BYTEA, default=b"")
    at: Mapped[datetime] = mapped_column(default_factory=now)
