"""Tables of privacy."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class ErasureRequest(Model):
    """A member wants to be erased; it is done at ``due_at`` unless she changes her mind."""

    __tablename__ = "erasure_request"

    member_id: Mapped[int] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    texts: Mapped[bool]
    due_at: Mapped[datetime] = mapped_column(index=True)
    asked_at: Mapped[datetime] = mapped_column(default_factory=now)


class Erasure(Model):
    """Somebody was erased: a hash that says of a row of a backup that it must go, and nothing to a reader."""

    __tablename__ = "erasure"

    digest: Mapped[str] = mapped_column(primary_key=True)
    texts: Mapped[bool]
    at: Mapped[datetime] = mapped_column(default_factory=now)
