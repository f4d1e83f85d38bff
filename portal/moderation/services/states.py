"""How things stand, and bringing them back to how they stood: what makes every act reversible.

A state is plain JSON: ``things`` with why each is hidden (null: seen), ``texts``, ``boards``, ``merged`` with what a
thing leads to, ``aside`` with whose voices count nothing, ``suspended`` with the end of a member's suspension. `of`
reads it, `restore` drives the world to it through the services that everybody uses, so that counts, lists and events
follow.
"""

import copy
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from portal.community.screening import Why, keeper_of
from portal.ideas import facade as ideas
from portal.kernel.database import db
from portal.members import queries as members
from portal.members.policy import Viewer
from portal.moderation import things
from portal.moderation.models import Decision, Suspension

Thing = tuple[str, int]
Joiner = Callable[[str, int, int | None, int, Viewer], None]
Mover = Callable[[str, int, int], None]
FOR_GOOD = frozenset({Why.AUTHOR.value, Why.ERASED.value})
_joiners: list[Joiner] = []
_movers: list[Mover] = []


def joins(joiner: Joiner) -> Joiner:
    """Declare the function that lets one thing lead to another, or to none, in an act with an id."""
    _joiners[:] = [joiner]
    return joiner


def moves(mover: Mover) -> Mover:
    """Declare the function that moves a thing to a board."""
    _movers[:] = [mover]
    return mover


def of(
    *,
    seen: Iterable[Thing] = (),
    texts: Iterable[Thing] = (),
    boards: Iterable[Thing] = (),
    merged: Iterable[Thing] = (),
    aside: Iterable[Thing] = (),
    member_id: int | None = None,
) -> dict[str, Any]:
    """Return how some things and a member stand now."""
    seen, texts, boards, merged = list(seen), list(texts), list(boards), list(merged)
    read = things.read({*seen, *texts, *boards, *merged})
    state: dict[str, Any] = {}
    if seen:
        state["things"] = [[*one, read[one].why] for one in seen if one in read]
    if texts:
        state["texts"] = [[*one, read[one].title, read[one].body] for one in texts if one in read]
    if boards:
        state["boards"] = [[*one, read[one].board_id] for one in boards if one in read]
    if merged:
        state["merged"] = [[*one, read[one].merged_into] for one in merged if one in read]
    if aside := list(aside):
        state["aside"] = [[*one, ideas.set_aside_on(one[1])] for one in aside]
    if member_id is not None:
        who = members.member_for_update(member_id)
        until = who.suspended_until.isoformat() if who.suspended_until else None
        state["suspended"] = {"member": member_id, "until": until}
    return state


def restore(state: dict[str, Any], *, actor: Viewer, decision_id: int) -> None:
    """Bring things back to how they stood."""
    for kind, thing_id, board_id in state.get("boards", ()):
        _movers[0](kind, thing_id, board_id)
    for kind, thing_id, title, body in state.get("texts", ()):
        keeper = keeper_of(kind)
        if keeper is not None:
            keeper.rewrite(thing_id, actor, title, body)
    for kind, thing_id, into in state.get("merged", ()):
        _joiners[0](kind, thing_id, into, decision_id, actor)
    seen = state.get("things", ())
    now_standing = things.read((kind, thing_id) for kind, thing_id, _why in seen)
    for kind, thing_id, why in seen:
        # What its author took back meanwhile, or was erased, is not ours to show again or to hold.
        if (thing := now_standing.get((kind, thing_id))) is not None and thing.why not in FOR_GOOD:
            set_seen(kind, thing_id, why, actor=actor)
    for _kind, thing_id, voters in state.get("aside", ()):
        ideas.set_aside(thing_id, voters, actor_id=actor.id)
    if suspended := state.get("suspended"):
        set_suspended(suspended["member"], suspended["until"])


def set_seen(kind: str, thing_id: int, why: str | None, *, actor: Viewer) -> None:
    """Let a thing be seen, or take it out of sight for a reason."""
    if (keeper := keeper_of(kind)) is not None:
        if why is None:
            keeper.release(thing_id, actor)
        else:
            keeper.hide(thing_id, actor, why)


def set_suspended(member_id: int, until: str | None) -> None:
    """Let a member be suspended until a moment (ISO 8601), or not at all."""
    who = members.member_for_update(member_id)
    who.suspended_until = datetime.fromisoformat(until) if until else None
    db.session.flush()


def close_suspensions(member_id: int, at: datetime) -> list[int]:
    """Mark the suspensions of a member that still run as lifted; return which."""
    running = select(Suspension).where(
        Suspension.member_id == member_id, Suspension.lifted_at.is_(None), Suspension.until > at
    )
    found = db.session.scalars(running.with_for_update()).all()
    for one in found:
        one.lifted_at = at
    db.session.flush()
    return [one.id for one in found]


def mark_suspension(decision_id: int, at: datetime | None) -> None:
    """Mark the suspension that a decision made as lifted, or as running again."""
    db.session.execute(update(Suspension).filter_by(decision_id=decision_id).values(lifted_at=at))


def let_run_again(ids: Iterable[int]) -> None:
    """Let suspensions run that were lifted."""
    db.session.execute(update(Suspension).where(Suspension.id.in_(list(ids))).values(lifted_at=None))


def without(earlier: Decision, later: Iterable[Decision]) -> dict[str, Any]:
    """Return what of an earlier decision's state must be restored now, if later decisions stand on top of it.

    Where a later one changed the same, the world stays as that one left it, and it inherits what stood before the
    earlier one: undoing it leads back past both.
    """
    state: dict[str, Any] = copy.deepcopy(earlier.undo.get("state", {}))
    for one in later:
        undo = copy.deepcopy(one.undo)
        over = undo.get("state", {})
        for key in [key for key in state if key in over]:
            if key == "suspended":
                over[key] = state.pop(key)
                continue
            olds = {(kind, thing_id): rest for kind, thing_id, *rest in state[key]}
            met = {(kind, thing_id) for kind, thing_id, *_rest in over[key]}
            over[key] = [[*entry[:2], *olds.get((entry[0], entry[1]), entry[2:])] for entry in over[key]]
            state[key] = [entry for entry in state[key] if (entry[0], entry[1]) not in met]
        if undo != one.undo:
            one.undo = undo
    return state
