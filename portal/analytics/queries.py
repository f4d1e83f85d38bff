"""Every question about what analytics has worked out."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from portal.analytics.models import Invitation
from portal.community import facade as community
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members.models import Member
from portal.members.policy import Viewer, may_see_audience


def invited_to(question_id: int) -> list[int]:
    """Return who was asked to look at a question, by place."""
    wanted = select(Invitation.member_id).filter_by(question_id=question_id).order_by(Invitation.place)
    return list(db.session.scalars(wanted))


def invitations_of(member_id: int, limit: int) -> Sequence[Invitation]:
    """Return a member's latest invitations."""
    wanted = select(Invitation).filter_by(member_id=member_id).order_by(Invitation.at.desc()).limit(limit)
    return db.session.scalars(wanted).all()


def load_of(board_id: int, since: datetime) -> dict[int, int]:
    """Return how often each member was asked on a board since a moment."""
    rows = db.session.execute(
        select(Invitation.member_id, func.count())
        .where(Invitation.board_id == board_id, Invitation.at > since)
        .group_by(Invitation.member_id)
    )
    return dict(rows.tuples().all())


def who_can_be_asked(board_id: int, member_ids: Collection[int], most_a_day: int) -> set[int]:
    """Return those with an account in good standing who may see the board and were not asked too often today."""
    audience = next((one.audience for one in community.every_board() if one.id == board_id), None)
    if audience is None or not member_ids:
        return set()
    today = dict(
        db.session.execute(
            select(Invitation.member_id, func.count())
            .where(Invitation.member_id.in_(member_ids), Invitation.at > now() - timedelta(days=1))
            .group_by(Invitation.member_id)
        )
        .tuples()
        .all()
    )
    rows = db.session.execute(
        select(Member.id, Member.kind, Member.roles, Member.segments).where(
            Member.id.in_(member_ids), Member.active, ~Member.placeholder,
            Member.suspended_until.is_(None) | (Member.suspended_until < now()),
        )
    )  # fmt: skip
    return {
        row.id
        for row in rows
        if today.get(row.id, 0) < most_a_day
        and may_see_audience(
            Viewer(member_id=row.id, kind=row.kind, roles=frozenset(row.roles), segments=frozenset(row.segments)),
            audience,
        )
    }
