"""What of the table of guests is whose."""

from portal.kernel.personal import Erase, Erasing, Move, declare, erases
from portal.members.guests import services

declare(
    "guest_act",
    owner="member_id",
    export="guest_acts",
    secret=("digest",),
    erase=Erase.DELETE,
    again=False,
    move=Move.STAY,
    why="What she did before she had an account; what came of it is exported itself.",
)


@erases
def forget_by_address(erasing: Erasing) -> None:
    """Forget what was begun with her addresses and does not bear her number."""
    services.forget(sorted(word for word in erasing.words if "@" in word))
