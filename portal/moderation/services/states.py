"""How things stand, and bringing them back to how they stood: what makes every act reversible.

A state is plain JSON: ``things`` with why each is hidden (null: seen), ``texts``, ``boards``, ``merged`` with what a
thing leads to, ``suspended`` with the end of a member's suspension. `of` reads it, `restore` drives the world to it
through the services that everybody uses, so that counts, lists and events follow.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from portal.community.screening import keeper_of
from portal.kernel.database import db
from portal.members import queries as members
from portal.members.policy import Viewer
from portal.moderation import things
from portal.moderation.models import Suspension

Thing = tuple[str, int]
Joiner = Callable[[str, int, int | None, int, Viewer], None]
Mover = Callable[[str, int, int], None]
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
    for kind, thing_id, why in state.get("things", ()):
        set_seen(kind, thing_id, why, actor=actor)
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


def close_suspensions(member_id: int, at: datetime | None) -> None:
    """Mark the latest suspension of a member as lifted at a moment, or as not lifted."""
    latest = (
        db.select(Suspension).filter_by(member_id=member_id).order_by(Suspension.id.desc()).limit(1).with_for_update()
    )
    found = db.session.scalar(latest)
    if found is not None:
        found.lifted_at = at
        db.session.flush()
