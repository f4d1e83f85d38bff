"""The table of guests."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class GuestAct(Model):
    """What somebody without an account did: it waits until the link in the mail shows that the address is hers.

    ``payload`` is what the feature needs to do it then. Of the link only the SHA-256 is kept.
    """

    __tablename__ = "guest_act"
    __table_args__ = (
        Index("ix_guest_act_email", "email"),
        Index("ix_guest_act_waiting", "expires_at", postgresql_where=text("confirmed_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kind: Mapped[str]
    email: Mapped[str] = mapped_column(CITEXT)
    name: Mapped[str]
    lang: Mapped[str]
    title: Mapped[str]
    payload: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    made_at: Mapped[datetime] = mapped_column(default_factory=now)
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True, default=None)
    url: Mapped[str] = mapped_column(default="")
