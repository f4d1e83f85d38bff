"""What of the tables of privacy is whose."""

from portal.kernel.personal import Erase, Move, declare, nobodys

declare(
    "erasure_request",
    owner="member_id",
    export="erasure_requests",
    erase=Erase.DELETE,
    move=Move.STAY,
    again=False,
    why="A wish of the account; an import does not repeat it.",
)
nobodys("erasure", "A hash of a number and a moment: it finds a row of a backup, and tells nothing of a person.")
