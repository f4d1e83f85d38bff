"""Looking at what has just been posted: does it read like spam, has it been said already. It only suggests."""

from typing import Any

from sqlalchemy import select

from portal.community import facade as community
from portal.community.screening import Posted, twins_of
from portal.kernel.database import db
from portal.kernel.errors import NotFound
from portal.members import queries as members
from portal.moderation import rules, things
from portal.moderation.models import Decision
from portal.moderation.rules import Queue, Verb
from portal.moderation.services import holding, queue
from portal.moderation.services import spam as memory

TYPES = {"idea": "ideas", "question": "support"}


def look(kind: str, thing_id: int) -> None:
    """Look at something that can be seen; what is gone meanwhile is left alone. Looking twice changes nothing."""
    try:
        thing = things.one(kind, thing_id)
    except NotFound:
        return
    if thing.why is not None or thing.merged_into is not None:
        return
    _suspect(kind, thing_id)
    if kind in TYPES:
        look_for_twins(kind, thing_id)


def _suspect(kind: str, thing_id: int) -> None:
    """Put what reads like spam and comes from somebody new into the queue; it stays where it is until then."""
    thing = things.one(kind, thing_id)
    viewer = members.viewer_of(thing.author_id)
    if viewer.joined_days >= rules.NEWCOMER_DAYS or not rules.is_newcomer(holding.newcomer(viewer)):
        return
    words = f"{thing.title}\n{thing.body}" if thing.under is None else thing.body
    verdict = memory.judge(words, holding.author_of(viewer))
    if verdict.probability < rules.SUSPECTED_FROM:
        return
    memory.remember(kind, thing_id, verdict)
    said = {"spam": round(verdict.probability, 4), "because": [list(pair) for pair in verdict.reasons]}

    def change(why: dict[str, Any]) -> dict[str, Any]:
        return {**why, **said}

    queue.bring(Queue.POST, kind, thing_id, change, board_id=thing.board_id, author_id=thing.author_id)


def look_for_twins(kind: str, thing_id: int) -> bool:
    """Put two things that very likely say the same into the queue, the newer under its own id; return whether so."""
    thing = things.one(kind, thing_id)
    boards = [board.id for board in community.every_board(TYPES[kind]) if board.is_public or board.id == thing.board_id]
    for other_id, probability in twins_of(kind, thing_id, boards):
        newer, older = max(thing_id, other_id), min(thing_id, other_id)
        if probability < rules.SAME_FROM:
            break
        if _was_decided(kind, newer, older):
            continue
        found = things.read([(kind, newer), (kind, older)])
        if any(one.why is not None for one in found.values()):
            continue
        _bring(found[kind, newer], older, probability)
        return True
    return False


def _bring(newer: Posted, older: int, probability: float) -> None:
    def change(_why: dict[str, Any]) -> dict[str, Any]:
        return {"other": older, "same": round(probability, 4)}

    queue.bring(Queue.DUPLICATE, newer.kind, newer.id, change, board_id=newer.board_id, author_id=newer.author_id)


def _was_decided(kind: str, newer: int, older: int) -> bool:
    """Return whether a moderator has said already that these two are not the same, or merged one."""
    decided = select(Decision.id).where(
        Decision.target_kind == kind,
        Decision.target_id.in_([newer, older]),
        Decision.verb.in_([Verb.DISTINCT.value, Verb.MERGE.value]),
        Decision.undone_at.is_(None),
    )
    return db.session.scalar(decided.limit(1)) is not None
