"""The lane of events: append-only, in the order of the record, each taken once."""

from collections.abc import Sequence

from portal.crm import queries
from portal.crm.gateways.base import Happening, Kind, Verdict
from portal.crm.models import CrmEvent
from portal.crm.services import letters
from portal.crm.services.marking import want
from portal.crm.services.outlet import Outlet
from portal.kernel.clock import now
from portal.members import facade as members


def compose(outlet: Outlet, events: Sequence[CrmEvent]) -> list[Happening]:
    """Return the events as they travel; those of members who do not agree are left out for good."""
    agreed = members.may_share_with_crm({e.subject_id for e in events if e.kind == "contact"})
    happenings = []
    for event in events:
        if event.kind == "contact" and event.subject_id not in agreed:
            event.state = "left"
        else:
            happenings.append(as_happening(event, outlet.site))
    return happenings


def as_happening(event: CrmEvent, site: str) -> Happening:
    """Return one event as it travels."""
    kind: Kind = "account" if event.kind == "account" else "contact"
    return Happening(
        id=event.event_id,
        kind=kind,
        key=event.subject_id,
        type=event.type,
        time=event.happened_at.isoformat(),
        sequence=event.sequence,
        summary=event.summary,
        url=f"{site}{event.url}" if event.url else "",
        data=event.data,
    )


def note_delivery(
    gateway: str, events: Sequence[CrmEvent], verdicts: Sequence[tuple[Happening, Verdict]]
) -> tuple[int, int]:
    """Write down what arrived and what was refused; return how many of each."""
    by_id = {event.event_id: event for event in events}
    refused = 0
    for happening, verdict in verdicts:
        event = by_id[happening.id]
        if verdict.status == "refused":
            refused += 1
            event.state = "dead"
            row = {"type": event.type, "summary": event.summary, "data": dict(event.data)}
            letters.put_aside(gateway, "event", event.kind, event.subject_id, verdict, row=row, event_id=event.event_id)
        else:
            event.state, event.sent_at = "sent", now()
    return len(verdicts) - refused, refused


def want_unknown_subjects(gateway: str) -> None:
    """Mark subjects whose events wait because the CRM has not been told of them yet."""
    for kind in ("contact", "account"):
        if subjects := queries.waiting_event_subjects(gateway, kind):
            want(kind, subjects, gateways=[gateway])
