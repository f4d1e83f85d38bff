"""What of the exchange is more than a row when two accounts are one person's: what was told of one is the other's now.

The figures follow by themselves: they are worked out anew and compared. An event is sent once; so it is sent again,
for whoever it is of now, and the CRM hands it over.
"""

from sqlalchemy import delete, update

from portal.crm.models import CrmEvent, DeadLetter, Link
from portal.kernel.database import db
from portal.members.services.merging import Joining, Told, joins, parts

EVENTS = "crm_event"


@joins(EVENTS)
def hand_events_over(joining: Joining) -> None:
    """Let the events of the gone account be the kept one's; those that she did not want told stay untold."""
    theirs = update(CrmEvent).where(
        CrmEvent.kind == "contact", CrmEvent.subject_id == joining.gone_id, CrmEvent.state != "left"
    )
    again = theirs.values(subject_id=joining.kept_id, state="waiting", sent_at=None)
    ids = db.session.scalars(again.returning(CrmEvent.id)).all()
    if ids:
        joining.tell(EVENTS, {"ids": sorted(ids)})
        stuck = delete(DeadLetter).filter_by(lane="event", kind="contact", subject_id=joining.gone_id)
        db.session.execute(stuck)


@parts(EVENTS)
def give_events_back(joining: Joining, told: list[Told]) -> None:
    """Let them be the gone account's again, and have them taken from the kept one's contact, wherever they go now."""
    for one in told:
        theirs = update(CrmEvent).where(
            CrmEvent.id.in_(one.key["ids"]), CrmEvent.subject_id == joining.kept_id, CrmEvent.state != "left"
        )
        db.session.execute(theirs.values(subject_id=joining.gone_id, state="waiting", sent_at=None))
    if told:
        link = update(Link).filter_by(kind="contact", subject_id=joining.kept_id)
        db.session.execute(link.where(Link.nulled_at.is_(None)).values(lift=True))
