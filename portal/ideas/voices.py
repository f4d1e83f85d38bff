"""Whose voices on an idea count whole, in part or not at all."""

from sqlalchemy import or_, select

from portal.ideas.models import IdeaTally, Vote, VoteAside
from portal.ideas.rules import VoteKind, is_a_crowd
from portal.kernel.database import db


def set_aside_on(idea_id: int) -> list[int]:
    """Return whose voices count nothing on an idea."""
    wanted = select(VoteAside.member_id).filter_by(idea_id=idea_id)
    return list(db.session.scalars(wanted.order_by(VoteAside.member_id)))


def young_voices(idea_id: int) -> list[int]:
    """Return which supporters of an idea have new accounts that nobody vouches for, and are not set aside."""
    aside = select(VoteAside.member_id).filter_by(idea_id=idea_id)
    supporters = select(Vote.member_id).filter_by(idea_id=idea_id, kind=VoteKind.SUPPORT.value)
    young = supporters.where(or_(Vote.young, Vote.fresh), Vote.member_id.not_in(aside))
    return list(db.session.scalars(young.order_by(Vote.member_id)))


def crowd_of(idea_id: int) -> int:
    """Return how many new voters came together on an idea, if they are so many that a person should look; else 0."""
    young = len(young_voices(idea_id))
    votes = db.session.scalar(select(IdeaTally.votes).filter_by(idea_id=idea_id)) or 0
    return young if is_a_crowd(young, votes) else 0


def ideas_voted_by(member_id: int) -> list[int]:
    """Return the ideas that somebody supports."""
    wanted = select(Vote.idea_id).filter_by(member_id=member_id, kind=VoteKind.SUPPORT.value)
    return list(db.session.scalars(wanted.order_by(Vote.idea_id)))
