"""Two things that are the same: a link from one to the other, told to those whose support it moved."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, insert, select

from portal.community import facade as community
from portal.community.screening import Posted, Why
from portal.ideas import facade as ideas
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid, NotFound, Refused
from portal.kernel.outbox import publish
from portal.members.policy import Viewer
from portal.moderation import rules, things
from portal.moderation.events import ThingsMerged, ThingsUnmerged
from portal.moderation.models import Decision, MergeVoice
from portal.moderation.rules import Queue, Verb
from portal.moderation.services import deciding, queue, states
from portal.support import facade as support


@dataclass(frozen=True, slots=True)
class Twins:
    """What a feature can do with two things of its kind that are the same."""

    join: Callable[[int, int], dict[str, list[int]]]
    part: Callable[..., None]
    take_voices: Callable[[int, int, Collection[int]], int]
    supporters: Callable[[int], list[int]]


TWINS = {
    "idea": Twins(ideas.join_twins, ideas.part_twins, ideas.take_voices, ideas.supporters_of),
    "question": Twins(support.join_twins, support.part_twins, support.take_voices, support.supporters_of),
}


def merge(actor: Viewer, kind: str, gone_id: int, kept_id: int, *, item_id: int | None = None) -> int:
    """Let one idea or question lead to another: supporters counted once, followers and comments as one.

    :raise Invalid: when the two cannot be the same thing.
    """
    deciding.check(actor)
    for one in sorted({gone_id, kept_id}):
        queue.lock(kind, one)
    item = queue.take(item_id, kind=kind, thing_id=gone_id, queue=Queue.DUPLICATE) if item_id else None
    gone, kept = deciding.thing_of(actor, kind, gone_id), deciding.thing_of(actor, kind, kept_id)
    _check(gone, kept)
    undo = states.of(seen=[(kind, gone_id)], merged=[(kind, gone_id)])
    decision = deciding.write(actor, Verb.MERGE, gone, item, undo=undo, into=kept_id)
    _join(kind, gone_id, kept_id, decision.id, actor)
    deciding.tell(decision, gone)
    queue.close(item)
    return decision.id


def _check(gone: Posted, kept: Posted) -> None:
    if gone.kind not in TWINS:
        raise Invalid(fields={"into": _l("Ideas and questions can be merged, nothing else.")})
    if gone.id == kept.id or gone.merged_into is not None:
        raise Invalid(fields={"into": _l("Choose another one to merge it into.")})
    if kept.why is not None or kept.merged_into is not None:
        raise Invalid(fields={"into": _l("Choose one that can be seen.")})
    if not _is_seen_by_no_more(gone, kept):
        raise Invalid(fields={"into": _l("Choose one that is for the same people: the two are read as one.")})
    if gone.why is not None:
        raise Refused(_l("Only what can be seen is merged. Let it be seen first."))


def _is_seen_by_no_more(gone: Posted, kept: Posted) -> bool:
    """Return whether what hangs on the one may be read under the other: answers and comments of both are one thread."""
    audiences = {board.id: board.audience for board in community.every_board()}
    before = audiences.get(gone.board_id)
    return before in {"public", audiences.get(kept.board_id)}


def _join(kind: str, gone_id: int, kept_id: int, decision_id: int, actor: Viewer) -> None:
    added = TWINS[kind].join(gone_id, kept_id)
    db.session.execute(delete(MergeVoice).filter_by(decision_id=decision_id))
    if added["voices"]:
        rows = [{"decision_id": decision_id, "member_id": one, "opted_out_at": None} for one in added["voices"]]
        db.session.execute(insert(MergeVoice), rows)
    decision = db.session.get_one(Decision, decision_id)
    decision.undo = {**decision.undo, "into": kept_id, "follows": added["follows"]}
    states.set_seen(kind, gone_id, Why.MERGED.value, actor=actor)
    until = (now() + timedelta(days=rules.OPT_OUT_DAYS)).isoformat()
    publish(
        ThingsMerged(
            actor_id=actor.id,
            kind=kind,
            from_id=gone_id,
            into_id=kept_id,
            board_id=things.one(kind, kept_id).board_id,
            supporters=added["voices"],
            until=until,
        )
    )


def _part(kind: str, gone_id: int, decision_id: int, actor: Viewer) -> None:
    decision = db.session.get_one(Decision, decision_id)
    source = _merge_behind(decision)
    kept_id = source.undo["into"]
    voices = db.session.scalars(select(MergeVoice.member_id).filter_by(decision_id=source.id, opted_out_at=None)).all()
    TWINS[kind].part(gone_id, kept_id, voices=voices, follows=source.undo.get("follows", []))
    board_id = things.one(kind, kept_id).board_id
    publish(ThingsUnmerged(actor_id=actor.id, kind=kind, from_id=gone_id, into_id=kept_id, board_id=board_id))


def _merge_behind(decision: Decision) -> Decision:
    """Return the merge itself, when what is undone is the appeal that granted its end."""
    redo = decision.undo.get("redo")
    return db.session.get_one(Decision, redo) if redo else decision


@states.joins
def lead(kind: str, gone_id: int, kept_id: int | None, decision_id: int, actor: Viewer) -> None:
    """Let one thing lead to another, or to none, as it stood before an act."""
    if kept_id is None:
        _part(kind, gone_id, decision_id, actor)
    else:
        source = _merge_behind(db.session.get_one(Decision, decision_id))
        _join(kind, gone_id, kept_id, source.id, actor)


def distinct(actor: Viewer, kind: str, thing_id: int, *, item_id: int | None = None) -> int:
    """Say that two things are not the same: the suspicion leaves the queue."""
    deciding.check(actor)
    item = queue.take(item_id, kind=kind, thing_id=thing_id, queue=Queue.DUPLICATE)
    thing = deciding.thing_of(actor, kind, thing_id)
    other: dict[str, Any] = {"other": item.why["other"]} if item is not None and "other" in item.why else {}
    decision = deciding.write(actor, Verb.DISTINCT, thing, item, undo={}, **other)
    queue.close(item)
    return decision.id


def opt_out(viewer: Viewer, decision_id: int) -> None:
    """Take one's support out of a merge, within 14 days; what one supported first keeps it. Twice changes nothing.

    :raise NotFound: when the merge did not move the viewer's support.
    :raise Refused: when the time is over.
    """
    voice = db.session.scalar(
        select(MergeVoice).filter_by(decision_id=decision_id, member_id=viewer.id).with_for_update()
    )
    decision = db.session.get(Decision, decision_id)
    if voice is None or decision is None or decision.undone_at is not None:
        raise NotFound(_l("There is no such merge."))
    if now() > opt_out_until(decision.at):
        raise Refused(_l("The time to stay out of this merge is over. You can still take your vote back."))
    if voice.opted_out_at is None:
        voice.opted_out_at = now()
        TWINS[decision.target_kind].take_voices(decision.target_id, decision.undo["into"], [viewer.id])


def opt_out_until(at: datetime) -> datetime:
    """Return until when supporters may opt out of a merge."""
    return at + timedelta(days=rules.OPT_OUT_DAYS)
