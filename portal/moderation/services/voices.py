"""Many new voters on one idea: told to moderators, who may set their voices aside. Nobody else decides that."""

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.ideas import facade as ideas
from portal.kernel.database import db
from portal.kernel.errors import Invalid, NotFound, Refused
from portal.members.policy import Viewer
from portal.members.queries import arrivals
from portal.moderation import rules, things
from portal.moderation.models import QueueItem
from portal.moderation.rules import Queue, Verb
from portal.moderation.services import deciding, queue, states

WHY = "voters"


def look_for_crowd(idea_id: int) -> bool:
    """Put an idea into the queue on which many new voters came together; return whether. Twice changes nothing."""
    try:
        thing = things.one("idea", idea_id)
    except NotFound:
        return False
    crowd = ideas.crowd_of(idea_id)
    if not crowd or thing.why is not None or crowd < rules.LOOKED_AGAIN * _looked_at(idea_id):
        return False
    if arrivals.share_of_new(rules.NEWCOMER_DAYS) >= rules.JUST_OPENED:
        return False

    def change(why: dict[str, Any]) -> dict[str, Any]:
        return {**why, WHY: crowd}

    queue.bring(Queue.POST, "idea", idea_id, change, board_id=thing.board_id, author_id=thing.author_id)
    return True


def _looked_at(idea_id: int) -> int:
    """Return how large the crowd was that a moderator has looked at."""
    closed = select(QueueItem.why).filter_by(queue=Queue.POST, target_kind="idea", target_id=idea_id)
    last = closed.where(QueueItem.closed_at.is_not(None), QueueItem.why.has_key(WHY)).order_by(QueueItem.id.desc())
    why = db.session.scalar(last.limit(1))
    return int(why[WHY]) if why else 0


def set_aside(actor: Viewer, kind: str, thing_id: int, *, words: str = "", item_id: int | None = None) -> int:
    """Let the voices of new accounts on an idea count nothing; its author is told. Undone, they count as before.

    :raise Invalid: for what nobody votes on.
    :raise Refused: when there are no such voices.
    """
    deciding.check(actor)
    if kind != "idea":
        raise Invalid(fields={"kind": _l("Members vote on ideas only.")})
    item = queue.take(item_id, kind=kind, thing_id=thing_id)
    thing = deciding.thing_of(actor, kind, thing_id)
    voters = ideas.young_voices(thing_id)
    if not voters:
        raise Refused(_l("No new account has a voice here that counts in part."))
    undo = states.of(aside=[(kind, thing_id)])
    decision = deciding.write(actor, Verb.SET_ASIDE, thing, item, undo=undo, words=words, voices=len(voters))
    ideas.set_aside(thing_id, {*ideas.set_aside_on(thing_id), *voters}, actor_id=actor.id)
    deciding.tell(decision, thing)
    if item is not None and not item.why.keys() - {WHY}:
        queue.close(item)
    return decision.id
