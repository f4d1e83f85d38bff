"""Voting: a vote stands until it is taken back, and the ledger remembers both."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from portal.community.giving_away import given_away
from portal.ideas import ledger, queries, rules
from portal.ideas.events import VoteCast, VotesTrusted, VoteWithdrawn
from portal.ideas.models import IdeaTally, Vote, VoteAside
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.kernel.outbox import publish
from portal.kernel.text import clean_line, fold
from portal.members import queries as members
from portal.members.models import Member
from portal.members.policy import Viewer
from portal.members.queries import arrivals
from portal.members.rules import Role
from portal.members.services import audit

REFUSALS = {
    rules.Refusal.CLOSED: _l("Voting has closed on this idea: the company has answered it."),
    rules.Refusal.SCHEME: _l("On this board one can support an idea, or leave it."),
    rules.Refusal.NOT_YOURS_TO_GIVE: _l("Only staff can enter a vote for somebody else."),
    rules.Refusal.NO_SOURCE: _l("Say how the customer told you, for example by telephone."),
}
NAME_LEAST = 3
"""Shorter parts of a name are words of many."""


def cast_vote(
    idea_id: int,
    viewer: Viewer,
    *,
    kind: str = rules.VoteKind.SUPPORT,
    origin: str = "link",
    position: int | None = None,
    entered_by: int | None = None,
    source: str | None = None,
    at: datetime | None = None,
) -> ledger.Written:
    """Let the viewer's vote stand; return the exact count. Voting the same again changes nothing.

    :param entered_by: the employee who enters the vote of a customer, with its ``source``.
    :raise NotFound: when there is no such idea for this viewer.
    :raise Refused: when voting has closed, or the board does not know this kind of vote.
    """
    idea = queries.idea_to_vote_on(viewer, idea_id)
    refusal = rules.why_not_vote(
        idea.stage, kind=kind, scheme=idea.voting, for_another=entered_by is not None, source=source or ""
    )
    if refusal:
        raise Refused(REFUSALS[refusal])
    say = _say(idea_id, viewer, kind=kind, origin=origin, position=position, by_id=entered_by, source=source, at=at)
    written = ledger.cast(say)
    if written is None:
        raise Refused(REFUSALS[rules.Refusal.CLOSED])
    if written.changed:
        _tell_withdrawn(idea, say, written, at)
        event = VoteCast(
            actor_id=viewer.id,
            kind=say.kind,
            seq=written.seq,
            origin=say.origin,
            fresh=not written.whole,
            verified=say.verified,
            tenure_days=say.tenure_days,
            by_id=entered_by,
            **_about(idea, say),
        )
        publish(event, at=say.at, quiet=at is not None)
    return replace(written, title=idea.title)


def enter_vote(idea_id: int, staff: Viewer, *, email: str, source: str) -> ledger.Written:
    """Enter a vote that a customer gave by telephone, in a shop, by letter.

    :raise Forbidden: when the viewer may not.
    :raise Invalid: when nobody has this address, or the source says who it was: it stands in the ledger for ever.
    """
    if not staff.has_role(Role.SUPPORT_AGENT, Role.BRAND_MANAGER, Role.MODERATOR):
        raise Forbidden(REFUSALS[rules.Refusal.NOT_YOURS_TO_GIVE])
    voter_id = members.member_id_by_email(clean_line(email, field="email"))
    if voter_id is None:
        raise Invalid(fields={"email": _l("No member has this address.")})
    if _tells_who(source, voter_id):
        raise Invalid(fields={"source": _l("Say how you know, not who it was: this can never be taken out again.")})
    # The employee may see the board; the vote is the customer's.
    voter = replace(staff, member_id=voter_id)
    audit.note(staff.id, "vote.enter", "idea", idea_id, voter=voter_id)
    return cast_vote(idea_id, voter, origin="staff", entered_by=staff.id, source=source)


def _tells_who(source: str, voter_id: int) -> bool:
    """Return whether a text holds an address, a telephone number or a part of the voter's name."""
    parts = [part for part in fold(members.profile(voter_id).name).split() if len(part) >= NAME_LEAST]
    return bool(given_away(source)) or any(part in fold(source).split() for part in parts)


def withdraw_vote(idea_id: int, viewer: Viewer, *, origin: str = "link", at: datetime | None = None) -> ledger.Written:
    """Take one's vote back; return the exact count. Taking back what is not there changes nothing.

    :raise NotFound: when there is no such idea for this viewer.
    """
    idea = queries.idea_to_vote_on(viewer, idea_id)
    say = _say(idea_id, viewer, kind="", origin=origin, position=None, by_id=None, source=None, at=at)
    written = ledger.withdraw(say)
    if written is None:
        raise NotFound(_l("There is no such idea."))
    if written.changed:
        _tell_withdrawn(idea, say, written, at)
    return replace(written, title=idea.title)


def _say(
    idea_id: int,
    viewer: Viewer,
    *,
    kind: str,
    origin: str,
    position: int | None,
    by_id: int | None,
    source: str | None,
    at: datetime | None,
) -> ledger.Say:
    """Put together what the ledger remembers: the voter's standing is that of the moment of the vote."""
    standing = queries.Standing(viewer.verified, viewer.joined_days, viewer.trust_level > 0)
    if at is not None or by_id is not None:
        standing = queries.standing(viewer.id, at)
    return ledger.Say(
        idea_id=idea_id,
        member_id=viewer.id,
        kind=kind,
        at=at or now(),
        origin=origin,
        position=position,
        by_id=by_id,
        source=clean_line(source, field="source") if source else None,
        verified=standing.verified,
        tenure_days=standing.tenure_days,
        fresh=rules.is_fresh(verified=standing.verified, tenure_days=standing.tenure_days, trusted=standing.trusted),
        young=by_id is None and _is_young(viewer.id, standing),
    )


def _is_young(member_id: int, standing: queries.Standing) -> bool:
    """Return whether a vote is young; how somebody came is asked for the few of whom it may be true."""
    may_be = rules.is_young(
        verified=standing.verified, tenure_days=standing.tenure_days, trusted=standing.trusted, by_herself=True
    )
    return may_be and arrivals.came_by_herself(member_id, standing.tenure_days)


def _tell_withdrawn(idea: queries.VotingFacts, say: ledger.Say, written: ledger.Written, at: datetime | None) -> None:
    if written.before is None or written.before_at is None:
        return
    event = VoteWithdrawn(
        actor_id=say.member_id,
        kind=written.before,
        fresh=not written.before_whole,
        cast_on=written.before_at.date().isoformat(),
        **_about(idea, say),
    )
    publish(event, at=at, quiet=at is not None)


def _about(idea: queries.VotingFacts, say: ledger.Say) -> dict[str, Any]:
    return {"idea_id": say.idea_id, "board_id": idea.board_id, "author_id": idea.author_id}


def confirm_votes(member_id: int) -> int:
    """Let votes that were given before the address was confirmed count as those of a confirmed one; return how many."""
    return _let_count(member_id, young=_is_young(member_id, queries.standing(member_id)))


def trust_votes(member_id: int) -> int:
    """Let all votes of somebody whom people we know trust count whole, those set aside too; return how many did not."""
    aside = db.session.scalars(select(VoteAside.idea_id).filter_by(member_id=member_id)).all()
    return _let_count(member_id, young=False, aside=aside)


def _let_count(member_id: int, *, young: bool, aside: Collection[int] = ()) -> int:
    """Let votes be fresh no more, and young or not; and let those count that were set aside on some ideas."""
    partly = or_(Vote.fresh, Vote.young) if not young else Vote.fresh
    mine = select(Vote.idea_id).where(Vote.member_id == member_id, partly)
    ideas = sorted({*db.session.scalars(mine), *aside})
    for idea_id in ideas:
        db.session.execute(ledger.LOCK_ANYWHERE, {"idea_id": idea_id})
    theirs = update(Vote).where(Vote.member_id == member_id, Vote.idea_id.in_(ideas))
    db.session.execute(theirs.values(fresh=False, young=young))
    gone = delete(VoteAside).where(VoteAside.member_id == member_id, VoteAside.idea_id.in_(aside))
    db.session.execute(gone)
    for idea_id in ideas:
        _weigh(idea_id, member_id)
    return len(ideas)


def _weigh(idea_id: int, actor_id: int | None) -> None:
    db.session.execute(ledger.WEIGH, {"idea_id": idea_id})
    tally = db.session.execute(select(IdeaTally.board_id, IdeaTally.author_id).filter_by(idea_id=idea_id)).one()
    publish(VotesTrusted(actor_id=actor_id, idea_id=idea_id, board_id=tally.board_id, author_id=tally.author_id))


def let_votes_grow(limit: int = 500) -> int:
    """Let young votes count whole whose accounts are not new any more and not suspended; return of how many members."""
    grown = now() - timedelta(days=rules.FRESH_DAYS)
    young = select(Vote.member_id).where(Vote.young, Vote.kind == rules.VoteKind.SUPPORT).distinct().subquery()
    wanted = (
        select(Member.id)
        .join(young, young.c.member_id == Member.id)
        .where(Member.joined_at <= grown, or_(Member.suspended_until.is_(None), Member.suspended_until <= now()))
        .order_by(Member.id)
        .limit(limit)
    )
    found = list(db.session.scalars(wanted))
    for member_id in found:
        _let_count(member_id, young=False)
    return len(found)


def set_aside(idea_id: int, voters: Collection[int], *, actor_id: int) -> None:
    """Let exactly these voices count nothing on an idea, whether they vote anew or not; others count again."""
    db.session.execute(ledger.LOCK_ANYWHERE, {"idea_id": idea_id})
    db.session.execute(delete(VoteAside).where(VoteAside.idea_id == idea_id, VoteAside.member_id.not_in(voters)))
    if voters:
        rows = [{"idea_id": idea_id, "member_id": one} for one in sorted(set(voters))]
        db.session.execute(insert(VoteAside).on_conflict_do_nothing(), rows)
    _weigh(idea_id, actor_id)
