"""Many members at once, as those who ask: for jobs that tell or count for many."""

from collections.abc import Collection

from sqlalchemy import select

from portal.kernel.database import db
from portal.members import queries
from portal.members.models import Member
from portal.members.policy import Viewer


def viewers_of(ids: Collection[int]) -> dict[int, Viewer]:
    """Return these members as those who ask, by id; one query. Closed accounts and placeholders are not there."""
    if not ids:
        return {}
    found = select(Member).where(Member.id.in_(set(ids)), Member.active, ~Member.placeholder)
    found = found.execution_options(populate_existing=True)
    # Kept in the session, they are not asked for again.
    known = {who.id: who for who in db.session.scalars(found)}
    return {member_id: queries.viewer_of(member_id) for member_id in known}
