"""What of moderation's tables is whose."""

from sqlalchemy import or_, update

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.personal import Erase, Erasing, Move, declare, erases, nobodys
from portal.moderation.models import QueueItem
from portal.moderation.rules import Queue
from portal.moderation.things import PROFILE

THING = (("target_kind", "target_id"),)

declare("flag", owner="member_id", export="flags", erase=Erase.BLANK, blank={"words": ""}, things=THING)
declare(
    "moderation_item",
    owner="author_id",
    others=("looked_by_id",),
    erase=Erase.KEEP,
    things=THING,
    why="what waits for a moderator; the decision that comes of it is exported",
)
declare(
    "moderation_decision",
    owner="author_id",
    others=("actor_id", "undone_by_id"),
    export="moderation_decisions",
    secret=("undo",),
    erase=Erase.BLANK,
    blank={"words": "", "undo": {}},
    things=THING,
    again=False,
    why="decisions about a member are made here, not brought along",
)
declare(
    "appeal",
    owner="member_id",
    others=("decided_by_id",),
    export="appeals",
    erase=Erase.BLANK,
    blank={"words": "", "answer": ""},
    again=False,
    why="appeals belong to decisions that are made here",
)
declare(
    "suspension",
    owner="member_id",
    export="suspensions",
    erase=Erase.BLANK,
    blank={"words": ""},
    again=False,
    why="suspensions belong to decisions that are made here",
)
declare(
    "merge_voice",
    owner="member_id",
    export="merge_voices",
    erase=Erase.DELETE,
    again=False,
    why="they follow from a merge that was made here",
)
declare(
    "audit_entry",
    owner=None,
    others=("actor_id",),
    erase=Erase.KEEP,
    move=Move.STAY,
    refs={"actor_id": "member"},
    why="the record of staff's acts names things by their ids only and is never changed: its hashes cover it",
)
nobodys("audit_head", "the number and the hash of the last entry of staff's record")
nobodys("holding_rule", "settings of boards")
nobodys("spam_word", "counts of words over all texts, which decay")
nobodys("spam_verdict", "words of a text in the order of the alphabet, hashed; nobody is named")
nobodys("spam_score", "a probability beside a text, and which traits spoke for it")


@erases
def leave_the_queue(erasing: Erasing) -> None:
    """Take out of the queue what nobody can decide about any more: a profile, an appeal, texts that are gone."""
    gone = or_(QueueItem.target_kind == PROFILE, QueueItem.queue == Queue.APPEAL)
    waits = update(QueueItem).where(QueueItem.author_id == erasing.member_id, QueueItem.closed_at.is_(None))
    db.session.execute((waits if erasing.texts else waits.where(gone)).values(closed_at=now()))
