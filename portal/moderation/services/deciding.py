"""What moderators decide about contributions; each decision knows how to reverse itself."""

from collections.abc import Callable, Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, or_, select

from portal.community.screening import Posted, Why, keeper_of
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.kernel.events import Event
from portal.kernel.outbox import publish
from portal.kernel.text import clean_text
from portal.members import queries as members
from portal.members.policy import Viewer
from portal.members.rules import Role
from portal.members.services import audit
from portal.moderation import rules, things
from portal.moderation.events import ContributionDecided, ContributionHidden, ContributionReleased, DecisionUndone
from portal.moderation.models import Decision, QueueItem
from portal.moderation.rules import Verb
from portal.moderation.services import flags, holding, queue, states
from portal.moderation.services import spam as memory

WHY_NOT_UNDO = {
    "undone": _l("This has been undone already."),
    "later": _l("A later decision about the same thing stands. Undo that one first."),
    "old": _l("What was decided more than 30 days ago stands."),
}


SHOWN_BY_US = frozenset({Why.HELD.value, Why.HIDDEN.value, Why.SPAM.value})
"""What moderators may let be seen. What its author took back is hers, what leads elsewhere comes back with its act."""
_appeals: list[Callable[[Decision], None]] = []
_grants: list[Callable[[Decision, Viewer], None]] = []
NOT_YOURS = _l("This is about something of yours: another moderator decides it.")


def check(actor: Viewer) -> None:
    """Let moderators pass.

    :raise Forbidden: when the viewer is none.
    """
    if not actor.has_role(Role.MODERATOR):
        raise Forbidden(_l("Only moderators decide this."))


def approve(actor: Viewer, kind: str, thing_id: int, *, item_id: int | None = None) -> int:
    """Let a thing be seen, or leave it as it is: nothing is wrong with it. Those who flagged it are told."""
    check(actor)
    item = queue.take(item_id, kind=kind, thing_id=thing_id)
    thing = thing_of(actor, kind, thing_id)
    waited = thing.why in SHOWN_BY_US
    decision = write(actor, Verb.APPROVE, thing, item, undo=states.of(seen=[(kind, thing_id)]))
    if waited:
        states.set_seen(kind, thing_id, None, actor=actor)
        publish(ContributionReleased(actor_id=actor.id, **about(thing)))
    settle(decision, thing, item, upheld=False, spam=False)
    return decision.id


def hide(actor: Viewer, kind: str, thing_id: int, *, reason: str, words: str = "", item_id: int | None = None) -> int:
    """Take a thing out of sight; its author is shown the reason and the words.

    :raise Invalid: when the reason is not one of ours.
    """
    check(actor)
    why = reason_of(reason)
    item = queue.take(item_id, kind=kind, thing_id=thing_id)
    thing = thing_of(actor, kind, thing_id)
    if keeper_of(kind) is None:
        raise Refused(_l("A profile cannot be hidden. Suspend its member, or ask her to change it."))
    if item is None and thing.why in {Why.HIDDEN, Why.SPAM}:
        raise Refused(_l("This is out of sight already. Look at the decision first."))
    spam = why == rules.Reason.SPAM
    verb = Verb.SPAM if spam else Verb.HIDE
    undo = states.of(seen=[(kind, thing_id)])
    decision = write(actor, verb, thing, item, undo=undo, reason=why, words=words)
    states.set_seen(kind, thing_id, (Why.SPAM if spam else Why.HIDDEN).value, actor=actor)
    publish(ContributionHidden(actor_id=actor.id, reason=why, decision_id=decision.id, **about(thing)))
    settle(decision, thing, item, upheld=True, spam=True if spam else None)
    return decision.id


def restore(actor: Viewer, kind: str, thing_id: int) -> int:
    """Let a thing be seen again that somebody hid."""
    check(actor)
    thing = thing_of(actor, kind, thing_id)
    if thing.why is None:
        raise Refused(_l("This can be seen already."))
    if thing.why not in SHOWN_BY_US:
        raise Refused(_l("This cannot be shown again on its own."))
    decision = write(actor, Verb.RESTORE, thing, None, undo=states.of(seen=[(kind, thing_id)]))
    states.set_seen(kind, thing_id, None, actor=actor)
    decision.undo = {**decision.undo, "items": queue.close_all_about(kind, thing_id)}
    publish(ContributionReleased(actor_id=actor.id, **about(thing)))
    return decision.id


def rephrase(actor: Viewer, kind: str, thing_id: int, *, words: str, item_id: int | None = None) -> int:
    """Ask the author to put it otherwise; nothing is taken away."""
    check(actor)
    if not words.strip():
        raise Invalid(fields={"words": _l("Say what she should change.")})
    item = queue.take(item_id, kind=kind, thing_id=thing_id)
    thing = thing_of(actor, kind, thing_id)
    decision = write(actor, Verb.REPHRASE, thing, item, undo={}, words=words)
    tell(decision, thing)
    settle(decision, thing, item, upheld=True, spam=None)
    return decision.id


def edit(
    actor: Viewer, kind: str, thing_id: int, *, title: str, body: str, words: str = "", item_id: int | None = None
) -> int:
    """Change the words of a contribution; what it said before is kept, and its author is told why."""
    check(actor)
    item = queue.take(item_id, kind=kind, thing_id=thing_id)
    thing = thing_of(actor, kind, thing_id)
    keeper = keeper_of(kind)
    if keeper is None:
        raise Refused(_l("A profile is changed by its member."))
    decision = write(actor, Verb.EDIT, thing, item, undo=states.of(texts=[(kind, thing_id)]), words=words)
    keeper.rewrite(thing_id, actor, title, body)
    tell(decision, thing)
    settle(decision, thing, item, upheld=True, spam=None)
    return decision.id


def undo(decision_id: int, actor: Viewer, *, whenever: bool = False) -> Decision:
    """Reverse a decision: everything stands as it stood before.

    :param whenever: also when it is old, or another decision came later: for appeals.
    :raise Refused: when it has been undone, or a later one stands.
    """
    check(actor)
    found = _to_undo(decision_id, actor)
    later = _later(found)
    refusal = rules.why_not_undo(undone=found.undone_at is not None, at=found.at, moment=now(), later=bool(later))
    led_on = any(one.target_id != found.target_id for one in later)
    if refusal and (not whenever or refusal == "undone" or led_on):
        raise Refused(WHY_NOT_UNDO[refusal])
    found.undone_at, found.undone_by_id = now(), actor.id
    db.session.flush()
    states.restore(states.without(found, later), actor=actor, decision_id=found.id)
    flags.reopen(found.undo.get("flags", ()))
    for kind, thing_id in found.undo.get("taught", ()):
        memory.unteach(kind, thing_id)
    if "appeal" in found.undo:
        for reverse in _appeals:
            reverse(found)
    for item_id in (*found.undo.get("items", ()), *([found.item_id] if found.item_id else [])):
        if not whenever:
            queue.reopen(item_id)
    if found.verb in {Verb.SUSPEND, Verb.PURGE}:
        states.mark_suspension(found.id, now())
    states.let_run_again(found.undo.get("lifted", ()))
    if not whenever:
        for grant in _grants:
            grant(found, actor)
    audit.note(actor.id, "moderation.undo", found.target_kind, found.target_id, decision=found.id, verb=found.verb)
    ids = {"target_kind": found.target_kind, "target_id": found.target_id, "author_id": found.author_id}
    publish(DecisionUndone(actor_id=actor.id, decision_id=found.id, verb=found.verb, **ids))  # type: ignore[arg-type]
    return found


def _to_undo(decision_id: int, actor: Viewer) -> Decision:
    """Return a decision that is to be undone, locked with what it is about.

    :raise Forbidden: when it is about something of the moderator's own, or she overturns whoever corrected her.
    """
    row = db.session.execute(select(Decision.target_kind, Decision.target_id).filter_by(id=decision_id)).one_or_none()
    if row is not None:
        queue.lock(*row)
    found = for_update(decision_id)
    first = db.session.get(Decision, found.target_id) if found.target_kind == "decision" else None
    if actor.id == found.author_id or (first is not None and first.actor_id == actor.id):
        raise Forbidden(NOT_YOURS)
    return found


def grants_appeals(grant: Callable[[Decision, Viewer], None]) -> Callable[[Decision, Viewer], None]:
    """Declare the function that grants a waiting appeal when the decision it is against is undone."""
    _grants[:] = [grant]
    return grant


def undoes_appeals(reverse: Callable[[Decision], None]) -> Callable[[Decision], None]:
    """Declare the function that lets an appeal wait again when the decision about it is undone."""
    _appeals[:] = [reverse]
    return reverse


def for_update(decision_id: int) -> Decision:
    """Return a decision, locked.

    :raise NotFound: when there is none.
    """
    found = db.session.scalar(select(Decision).filter_by(id=decision_id).with_for_update())
    if found is None:
        raise NotFound(_l("There is no such decision."))
    return found


def _later(found: Decision) -> list[Decision]:
    """Return later decisions about the same thing that stand, and of a merge those that led its other end on."""
    same = and_(Decision.target_kind == found.target_kind, Decision.target_id == found.target_id)
    if found.verb == Verb.MERGE:
        kept = and_(Decision.target_kind == found.target_kind, Decision.target_id == found.undo.get("into"))
        same = or_(same, and_(kept, Decision.verb == Verb.MERGE))
    later = select(Decision).where(
        same, Decision.id > found.id, Decision.undone_at.is_(None), Decision.verb.not_in([Verb.REPHRASE, Verb.DISTINCT])
    )
    return list(db.session.scalars(later.order_by(Decision.id)))


# What the acts share


def thing_of(actor: Viewer, kind: str, thing_id: int) -> Posted:
    """Return what is decided about; moderators decide only about what they may see, and not about their own.

    :raise Forbidden: when it is the moderator's own.
    """
    queue.lock(kind, thing_id)
    thing = things.seen_by(actor, kind, thing_id)
    if thing.author_id == actor.id:
        raise Forbidden(NOT_YOURS)
    return thing


def reason_of(reason: str) -> str:
    """Return a reason of ours.

    :raise Invalid: when it is none.
    """
    try:
        return rules.Reason(reason).value
    except ValueError as error:
        raise Invalid(fields={"reason": _l("Choose a reason.")}) from error


def write(
    actor: Viewer,
    verb: str,
    thing: Posted,
    item: QueueItem | None,
    *,
    undo: dict[str, Any],
    reason: str = "",
    words: str = "",
    **details: Any,
) -> Decision:
    """Write down a decision, in the record of staff's acts too."""
    decision = Decision(
        actor_id=actor.id,
        verb=verb,
        target_kind=thing.kind,
        target_id=thing.id,
        board_id=thing.board_id or None,
        author_id=thing.author_id,
        item_id=item.id if item else None,
        reason=reason,
        words=clean_text(words, field="words", most=rules.WORDS_MAX, least=0),
        undo={"state": undo},
    )
    db.session.add(decision)
    db.session.flush()
    said = {"reason": reason} if reason else {}
    audit.note(actor.id, f"moderation.{verb}", thing.kind, thing.id, decision=decision.id, **said, **details)
    return decision


def settle(decision: Decision, thing: Posted, item: QueueItem | None, *, upheld: bool, spam: bool | None) -> None:
    """Answer the flags, learn, close the item; what was done is kept with the decision so that it can be undone."""
    answered = flags.answer(thing.kind, thing.id, upheld=upheld, actor_id=decision.actor_id or 0)
    taught: Iterable[list[Any]] = []
    asked = item is not None and ("held" in item.why or "spam" in item.why or "spam" in item.why.get("flags", {}))
    if spam is True or (spam is False and asked and thing.kind != things.PROFILE):
        teach(thing, is_spam=bool(spam))
        taught = [[thing.kind, thing.id]]
    decision.undo = {**decision.undo, "flags": answered, "taught": list(taught)}
    queue.close(item)


def teach(thing: Posted, *, is_spam: bool) -> None:
    """Learn from a decision about a contribution."""
    words = f"{thing.title}\n{thing.body}" if thing.under is None else thing.body
    author = holding.author_of(members.viewer_of(thing.author_id))
    memory.teach(thing.kind, thing.id, words, author, is_spam=is_spam)


def tell(decision: Decision, thing: Posted) -> None:
    """Let the author know of a decision."""
    event: Event = ContributionDecided(
        actor_id=decision.actor_id, verb=decision.verb, decision_id=decision.id, **about(thing)
    )
    publish(event)


def about(thing: Posted) -> dict[str, Any]:
    """Return what events say of a thing."""
    return {
        "target_kind": thing.kind,
        "target_id": thing.id,
        "author_id": thing.author_id,
        "board_id": thing.board_id or None,
    }
