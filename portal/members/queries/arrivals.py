"""How members came, and how many came lately."""

from datetime import timedelta

from sqlalchemy import func, select, text

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members.models import Member
from portal.members.rules import BY_HERSELF

_CAME = text("""
SELECT payload ->> 'origin' FROM activity
WHERE subject_kind = 'member' AND subject_id = :id AND name = 'MemberJoined' AND recorded_at >= :since
LIMIT 1""")


def came_by_herself(member_id: int, joined_days: int) -> bool:
    """Return whether a member joined in a way that nobody vouches for: not by staff, an invitation or an import.

    :param joined_days: for how many days she has been here. No older month of the record is opened.
    """
    since = now() - timedelta(days=joined_days + 2)
    return db.session.scalar(_CAME, {"id": member_id, "since": since}) in BY_HERSELF


def share_of_new(days: int) -> float:
    """Return which share of all accounts is younger than so many days: in a community that has just opened, most."""
    new = func.count().filter(Member.joined_at > now() - timedelta(days=days))
    share = select(new / func.nullif(func.count() * 1.0, 0)).where(~Member.placeholder)
    return float(db.session.scalar(share) or 0.0)
