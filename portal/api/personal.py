"""What of the API's own tables is whose."""

from portal.kernel.personal import Erase, Move, declare

declare(
    "api_answer",
    owner="member_id",
    erase=Erase.DELETE,
    move=Move.STAY,
    again=False,
    why="What a program was answered, kept for a day in case it repeats itself; the things themselves are exported.",
)
