"""How far a member is trusted, as others worked it out."""

from collections.abc import Sequence

from sqlalchemy import select, update

from portal.kernel.database import db
from portal.kernel.outbox import publish
from portal.members.events.trust import TrustLevelChanged
from portal.members.models import Member


def set_trust_level(member_id: int, level: int, *, why: Sequence[str] = (), quiet: bool = False) -> bool:
    """Store the level that a member has earned and tell of it; the same again changes nothing.

    :param why: what opened the level or, after a fall, what is missing.
    :param quiet: promise nothing to listeners: the level was worked out for the first time.
    :return: whether it changed.
    """
    before = db.session.scalar(select(Member.trust_level).filter_by(id=member_id).with_for_update())
    if before is None or before == level:
        return False
    db.session.execute(update(Member).filter_by(id=member_id).values(trust_level=level))
    event = TrustLevelChanged(member_id=member_id, before=before, level=level, why=list(why))
    publish(event, quiet=quiet)
    return True
