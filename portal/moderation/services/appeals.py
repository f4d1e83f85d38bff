"""Asking somebody else to look again: once a decision, and never the same moderator."""

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, NotFound, Refused
from portal.kernel.outbox import publish
from portal.kernel.text import clean_text
from portal.members.policy import Viewer
from portal.members.services import audit
from portal.moderation import rules
from portal.moderation.events import AppealDecided, AppealMade
from portal.moderation.models import Appeal, Decision
from portal.moderation.services import deciding, queue, states

TARGET = "decision"
GRANTED, KEPT = "granted", "kept"
WHY_NOT = {
    "verb": _l("There is nothing to appeal against in this decision."),
    "undone": _l("This decision has been undone already."),
    "once": _l("You have appealed against this decision already. One can do so once."),
}


def appeal(viewer: Viewer, decision_id: int, *, words: str) -> int:
    """Ask another moderator to look again; return the appeal's id.

    :raise NotFound: when the decision is about somebody else.
    :raise Refused: when it has been appealed against before, or was undone.
    :raise Invalid: when nothing is said.
    """
    decision = deciding.for_update(decision_id)
    before = db.session.scalar(select(Appeal.id).filter_by(decision_id=decision_id))
    refusal = rules.why_not_appeal(
        decision.verb,
        author_id=decision.author_id,
        member_id=viewer.id,
        undone=decision.undone_at is not None,
        appealed=before is not None,
    )
    if refusal == "not_yours":
        raise NotFound(_l("There is no such decision."))
    if refusal:
        raise Refused(WHY_NOT[refusal])
    said = clean_text(words, field="words", most=rules.WORDS_MAX)
    made = Appeal(decision_id=decision_id, member_id=viewer.id, words=said)
    db.session.add(made)
    db.session.flush()
    _bring(decision, made)
    publish(AppealMade(actor_id=viewer.id, appeal_id=made.id, decision_id=decision_id, member_id=viewer.id))
    return made.id


def _bring(decision: Decision, made: Appeal) -> None:
    def change(_why: dict[str, Any]) -> dict[str, Any]:
        return {"appeal": made.id}

    queue.bring(
        rules.Queue.APPEAL,
        TARGET,
        decision.id,
        change,
        board_id=decision.board_id,
        author_id=decision.author_id,
    )


def decide(actor: Viewer, appeal_id: int, *, granted: bool, words: str = "", item_id: int | None = None) -> int:
    """Decide an appeal: grant it, which undoes the decision, or keep what was decided. Return the new decision's id.

    :raise Forbidden: when the moderator decided the case the first time, or it is her own.
    :raise Refused: when it has been decided.
    """
    deciding.check(actor)
    made = _to_decide(appeal_id)
    item = queue.take(item_id, kind=TARGET, thing_id=made.decision_id, queue=rules.Queue.APPEAL)
    if made.closed_at is not None:
        raise Refused(_l("This appeal has been decided already."))
    first = deciding.for_update(made.decision_id)
    if actor.id in {first.actor_id, made.member_id}:
        raise Forbidden(_l("Somebody else decides an appeal: not who decided the first time, and not who appeals."))
    said = clean_text(words, field="words", most=rules.WORDS_MAX, least=0)
    undoes = granted and first.undone_at is None
    state = _state_of(first) if undoes else {}
    verdict = Decision(
        actor_id=actor.id,
        verb=GRANTED if granted else KEPT,
        target_kind=TARGET,
        target_id=first.id,
        board_id=first.board_id,
        author_id=made.member_id,
        item_id=item.id if item else None,
        words=said,
        undo={"state": state, "appeal": made.id, "redo": first.id if undoes else None},
    )
    db.session.add(verdict)
    _answer(made, granted=granted, words=said, by=actor)
    if undoes:
        deciding.undo(first.id, actor, whenever=True)
    queue.close(item)
    audit.note(actor.id, f"moderation.appeal_{verdict.verb}", TARGET, first.id, decision=verdict.id, appeal=made.id)
    publish(
        AppealDecided(
            actor_id=actor.id, appeal_id=made.id, decision_id=first.id, member_id=made.member_id, granted=granted
        )
    )
    return verdict.id


def _to_decide(appeal_id: int) -> Appeal:
    """Return an appeal, locked after what its decision is about, as every act does."""
    about = (
        select(Decision.target_kind, Decision.target_id)
        .join(Appeal, Appeal.decision_id == Decision.id)
        .where(Appeal.id == appeal_id)
    )
    row = db.session.execute(about).one_or_none()
    if row is None:
        raise NotFound(_l("There is no such appeal."))
    queue.lock(*row)
    return db.session.scalars(select(Appeal).filter_by(id=appeal_id).with_for_update()).one()


def _state_of(first: Decision) -> dict[str, Any]:
    """Return how everything stands that the first decision changed, so that granting can be undone, too."""
    state = first.undo.get("state", {})
    pairs = {key: [(kind, thing_id) for kind, thing_id, *_rest in state.get(key, ())] for key in KEYS}
    member_id = state["suspended"]["member"] if "suspended" in state else None
    return states.of(
        seen=pairs["things"],
        texts=pairs["texts"],
        boards=pairs["boards"],
        merged=pairs["merged"],
        aside=pairs["aside"],
        member_id=member_id,
    )


KEYS = ("things", "texts", "boards", "merged", "aside")


@deciding.undoes_appeals
def undo(decision: Decision) -> None:
    """Let an appeal wait again; what granting it undid stands again, because its state has been restored."""
    made = db.session.get_one(Appeal, decision.undo["appeal"])
    made.granted, made.answer, made.closed_at, made.decided_by_id = None, "", None, None
    if (first_id := decision.undo.get("redo")) is not None:
        first = deciding.for_update(first_id)
        first.undone_at, first.undone_by_id = None, None
        states.mark_suspension(first.id, None)
    db.session.flush()


@deciding.grants_appeals
def grant(decision: Decision, actor: Viewer) -> None:
    """Grant an appeal that waits when the decision is undone without it: it has what it asked for."""
    waits = select(Appeal).filter_by(decision_id=decision.id, closed_at=None)
    made = db.session.scalar(waits.with_for_update())
    if made is None:
        return
    _answer(made, granted=True, words="", by=actor)
    queue.close_all_about(TARGET, decision.id, rules.Queue.APPEAL)
    publish(
        AppealDecided(
            actor_id=actor.id, appeal_id=made.id, decision_id=decision.id, member_id=made.member_id, granted=True
        )
    )


def _answer(made: Appeal, *, granted: bool, words: str, by: Viewer) -> None:
    made.granted, made.answer, made.closed_at, made.decided_by_id = granted, words, now(), by.id
    db.session.flush()
