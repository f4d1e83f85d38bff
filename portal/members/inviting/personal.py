"""What of the table of invitations is whose."""

from portal.kernel.personal import Erase, Erasing, Move, declare, erases
from portal.members.inviting import services

declare(
    "member_invitation",
    owner="accepted_by",
    others=("by_id",),
    export="invitations",
    secret=("digest",),
    erase=Erase.BLANK,
    blank={"email": ""},
    again=False,
    move=Move.STAY,
    why="A link that has been used opens nothing.",
)


@erases
def forget_by_address(erasing: Erasing) -> None:
    """Forget invitations that went to her addresses and do not bear her number."""
    services.forget(sorted(word for word in erasing.words if "@" in word))
