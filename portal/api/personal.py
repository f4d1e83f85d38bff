"""What of the API's own tables is whose."""

from flask_babel import lazy_gettext as _l

from portal.api.once import KEPT_DAYS
from portal.kernel.personal import Erase, Move, declare
from portal.kernel.retention import keep

keep("api answers", days=KEPT_DAYS, what=_l("What a program was answered, in case it asks the same twice"))

declare(
    "api_answer",
    owner="member_id",
    erase=Erase.DELETE,
    move=Move.STAY,
    again=False,
    why="What a program was answered, kept for a day in case it repeats itself; the things themselves are exported.",
)
