"""Taking the pen away for a while, with a reason; and of an account that only spreads spam, all it wrote."""

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.community.screening import Posted, Why, keepers
from portal.ideas import facade as ideas
from portal.kernel import formats
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, Refused
from portal.kernel.outbox import publish
from portal.members import queries as members
from portal.members.policy import Viewer, explains_suspension
from portal.members.rules import Kind, Role
from portal.moderation import rules, things
from portal.moderation.events import MemberSuspended, SuspensionLifted
from portal.moderation.models import Decision, QueueItem, Suspension
from portal.moderation.rules import Verb
from portal.moderation.services import deciding, flags, queue, states

WHY_NOT = {
    "self": _l("You cannot suspend yourself."),
    "admin": _l("An admin cannot be suspended. Take the role away first."),
    "staff": _l("Only an admin can suspend somebody of the company."),
}
MOST_POSTS = 10_000


def suspend(
    actor: Viewer, member_id: int, *, term: str, reason: str, words: str = "", item_id: int | None = None
) -> int:
    """Let a member read and not write for a term; she is told why and until when. It ends by itself.

    :raise Invalid: when the term or the reason is not one of ours.
    :raise Forbidden: when this member cannot be suspended by this moderator.
    """
    thing, item = _checked(actor, member_id, term, item_id)
    why = deciding.reason_of(reason)
    undo = states.of(member_id=member_id)
    decision = deciding.write(actor, Verb.SUSPEND, thing, item, undo=undo, reason=why, words=words, term=term)
    _suspend(decision, member_id, term)
    deciding.settle(decision, thing, item, upheld=True, spam=None)
    return decision.id


def _checked(actor: Viewer, member_id: int, term: str, item_id: int | None) -> tuple[Posted, QueueItem | None]:
    deciding.check(actor)
    if term not in rules.TERMS:
        raise Invalid(fields={"term": _l("Choose for how long.")})
    queue.lock(things.PROFILE, member_id)
    who = members.member_for_update(member_id)
    refusal = rules.why_not_suspend(
        actor_id=actor.id,
        member_id=member_id,
        staff=who.kind == Kind.STAFF,
        admin=Role.ADMIN in who.roles,
        actor_is_admin=Role.ADMIN in actor.roles,
    )
    if refusal:
        raise Forbidden(WHY_NOT[refusal])
    item = queue.take(item_id, kind=things.PROFILE, thing_id=member_id)
    return things.one(things.PROFILE, member_id), item


def _suspend(decision: Decision, member_id: int, term: str) -> None:
    until = now() + timedelta(days=rules.TERMS[term])
    states.set_suspended(member_id, until.isoformat())
    db.session.add(
        Suspension(
            member_id=member_id,
            decision_id=decision.id,
            reason=decision.reason,
            words=decision.words,
            until=until,
        )
    )
    db.session.flush()
    publish(
        MemberSuspended(
            actor_id=decision.actor_id,
            member_id=member_id,
            until=until.isoformat(),
            reason=decision.reason,
            decision_id=decision.id,
        )
    )


def lift(actor: Viewer, member_id: int) -> int:
    """Let a suspended member write again before her time."""
    deciding.check(actor)
    queue.lock(things.PROFILE, member_id)
    who = members.member_for_update(member_id)
    if who.suspended_until is None or who.suspended_until <= now():
        raise Refused(_l("This member is not suspended."))
    thing = things.one(things.PROFILE, member_id)
    decision = deciding.write(actor, Verb.LIFT, thing, None, undo=states.of(member_id=member_id))
    states.set_suspended(member_id, None)
    decision.undo = {**decision.undo, "lifted": states.close_suspensions(member_id, now())}
    publish(SuspensionLifted(actor_id=actor.id, member_id=member_id))
    return decision.id


def purge(actor: Viewer, member_id: int, *, words: str = "", item_id: int | None = None) -> int:
    """Take everything that a spam account wrote out of sight, let its votes count nothing and suspend it for good.

    One act, and undone as one.
    """
    thing, item = _checked(actor, member_id, "good", item_id)
    wrote = [
        (kind, thing_id) for kind, keeper in keepers().items() for thing_id in keeper.of_author(member_id, MOST_POSTS)
    ]
    standing = {one: posted for one, posted in things.read(wrote).items() if posted.why not in {Why.ERASED, Why.AUTHOR}}
    voted = ideas.ideas_voted_by(member_id)
    undo = states.of(seen=standing, aside=[("idea", one) for one in voted], member_id=member_id)
    why = rules.Reason.SPAM.value
    decision = deciding.write(actor, Verb.PURGE, thing, item, undo=undo, reason=why, words=words, posts=len(standing))
    closed: list[int] = []
    for (kind, thing_id), posted in standing.items():
        states.set_seen(kind, thing_id, Why.SPAM.value, actor=actor)
        deciding.teach(posted, is_spam=True)
        closed += queue.close_all_about(kind, thing_id)
    for idea_id in voted:
        ideas.set_aside(idea_id, {*ideas.set_aside_on(idea_id), member_id}, actor_id=actor.id)
    _suspend(decision, member_id, "good")
    deciding.settle(decision, thing, item, upheld=True, spam=None)
    answered = [flag for one in standing for flag in flags.answer(*one, upheld=True, actor_id=actor.id)]
    decision.undo = {
        **decision.undo,
        "flags": [*decision.undo["flags"], *answered],
        "taught": [list(one) for one in standing],
        "items": closed,
    }
    return decision.id


def current(member_id: int) -> Suspension | None:
    """Return the suspension that holds for a member now, if one does."""
    wanted = select(Suspension).where(
        Suspension.member_id == member_id, Suspension.lifted_at.is_(None), Suspension.until > now()
    )
    return db.session.scalar(wanted.order_by(Suspension.id.desc()).limit(1))


@explains_suspension
def sentence(viewer: Viewer) -> object:
    """Return what a suspended member is told who tries to write: until when, and where she reads why."""
    until = formats.day(viewer.suspended_until or now())
    if viewer.suspended_until and viewer.suspended_until - now() > timedelta(days=3650):
        return _("You can read here, but not write. Your account says why, and how to appeal.")
    return _("Until %(until)s you can read here, but not write. Your account says why, and how to appeal.", until=until)
