"""Tables of sessions: what opens one once, and who tried."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class Ticket(Model):
    """Something that can be used once: a mailed link, a challenge, a way back. Only its hash is kept."""

    __tablename__ = "ticket"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    digest: Mapped[str] = mapped_column(unique=True)
    purpose: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True, default=None)
    data: Mapped[dict[str, Any]] = mapped_column(default_factory=dict, server_default=text("'{}'"))


class SignInEntry(Model):
    """Somebody signed in as this member, or tried to."""

    __tablename__ = "sign_in_entry"
    __table_args__ = (Index("ix_sign_in_entry_member_id", "member_id", text("id DESC")),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    way: Mapped[str]
    outcome: Mapped[str]
    at: Mapped[datetime] = mapped_column(default_factory=now, index=True)
    agent: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
