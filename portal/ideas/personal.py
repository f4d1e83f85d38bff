"""What of the tables of ideas is whose."""

import portal.ideas.exporting
import portal.ideas.merging  # noqa: F401 - what a join of two accounts does besides moving rows
from portal.community.screening import Why
from portal.ideas import bringing, services
from portal.ideas.rules import UNVOTED
from portal.kernel.personal import Brought, Erase, Erasing, Move, brings_back, declare, erases, nobodys
from portal.members.policy import Viewer
from portal.members.rules import Role

declare(
    "idea",
    owner="author_id",
    export="ideas",
    erase=Erase.BLANK,
    blank={"extra": {}},
    texts={"title": "", "body": "", "html": "", "excerpt": "", "hidden_why": "erased"},
    context=("board_id", "title", "lang", "category", "created_at", "external_id"),
)
declare(
    "idea_tally",
    owner="author_id",
    export="idea_figures",
    secret=("ledger_hash",),
    erase=Erase.KEEP,
    again=False,
    why="Counts, under the author's number; made anew by an import.",
)
declare(
    "vote",
    owner="member_id",
    export="votes",
    erase=Erase.KEEP,
    again=False,
    why="A vote under a number; an import casts it again from the ledger.",
)
declare(
    "vote_aside",
    owner="member_id",
    export="votes_set_aside",
    erase=Erase.KEEP,
    again=False,
    why="A moderator's decision of here about a vote of here.",
)
declare(
    "vote_entry",
    owner="member_id",
    others=("by_id",),
    export="vote_ledger",
    secret=("hash",),
    erase=Erase.KEEP,
    move=Move.STAY,
    again=False,
    why="The ledger is chained over the numbers; an import appends its lines to a new chain.",
)
declare(
    "idea_stage",
    owner="by_id",
    export="stages_given",
    erase=Erase.BLANK,
    blank={"by_id": None},
    again=False,
    why="The company's answer, given in its name; an import does not speak for the company.",
)
nobodys("idea_day", "Support a day, counted.")
nobodys("idea_count", "How many ideas a stage holds.")


@erases
def take_away_ideas(erasing: Erasing) -> None:
    """Take a member's ideas out of sight, if she wants her texts to go; votes and comments of others stay counted."""
    author = Viewer(member_id=erasing.member_id, roles=frozenset({Role.ADMIN.value}))  # every board is seen
    for idea_id in erasing.posts.get("idea", ()) if erasing.texts else ():
        services.hide(idea_id, actor=author, why=Why.ERASED)


@brings_back
def stand_up_ideas(brought: Brought) -> None:
    """Give the ideas of a brought member their figures, and her votes their place in the ledgers."""
    bringing.stand_up(brought, unvoted=UNVOTED)
