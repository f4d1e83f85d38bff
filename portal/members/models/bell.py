"""How much of what a member was told is new to her."""

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.database import Model


class MemberBell(Model):
    """The number beside the bell, kept apart from the member's wide row and read with the viewer's one query.

    Notifications, a floor above, count it anew with each change.
    """

    __tablename__ = "member_bell"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    unread: Mapped[int] = mapped_column(default=0, server_default=text("0"))
