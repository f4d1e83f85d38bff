"""Tables of what a member shows besides her password, and of how often it was tried."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class SecondStep(Model):
    """What a member shows after her password: the secret of her app, sealed, and whether she is asked at all."""

    __tablename__ = "second_step"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str | None] = mapped_column(default=None)
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    last_counter: Mapped[int | None] = mapped_column(default=None)
    """The thirty seconds of the last code that was taken: neither it nor an earlier one is taken again."""
    required_since: Mapped[datetime | None] = mapped_column(default=None)


class RecoveryCode(Model):
    """A code for the day on which the phone is lost. Eighty random bits, of which a hash is kept."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("member_id", "digest", name="uq_recovery_code_member_id_digest"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    digest: Mapped[str]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class Passkey(Model):
    """A key that a member's device keeps for us; we keep the public half."""

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    credential: Mapped[str] = mapped_column(unique=True)
    """base64url, as browsers send it."""
    public_key: Mapped[str]
    """base64url of the COSE key."""
    sign_count: Mapped[int] = mapped_column(default=0)
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list, server_default=text("'{}'"))
    name: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime] = mapped_column(default_factory=now)
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class TryCount(Model):
    """How often something was tried: a hash of what and by whom, until when it counts, and where it ends.

    The table is unlogged: tries cost no journal, and after a crash of the server all begin at nought.
    """

    __tablename__ = "try_count"

    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    most: Mapped[int]
    until: Mapped[datetime] = mapped_column(index=True)
