"""The table of invitations."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model


class MemberInvitation(Model):
    """Somebody is asked to join, as whom and for which organisation. The mailed link works once."""

    __tablename__ = "member_invitation"
    __table_args__ = (
        Index("ix_member_invitation_email", "email"),
        Index("ix_member_invitation_organisation_id", "organisation_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    email: Mapped[str] = mapped_column(CITEXT)
    kind: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), default=None)
    organisation_admin: Mapped[bool] = mapped_column(default=False)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list, server_default=text("'{}'"))
    lang: Mapped[str] = mapped_column(default="en")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)
    made_at: Mapped[datetime] = mapped_column(default_factory=now)
    sent_at: Mapped[datetime] = mapped_column(default_factory=now)
    sent: Mapped[int] = mapped_column(default=1)
    accepted_at: Mapped[datetime | None] = mapped_column(default=None)
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True, default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
