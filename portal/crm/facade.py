"""What the features above, and the roof, may ask or do about CRMs."""

from portal.crm.queries import Figures, figures
from portal.crm.services.marking import Occurrence, known_gateways, open_gateway, want_everybody, want_sync
from portal.crm.services.marking import record_occurrences as record_events
from portal.members.facade import link_contact

__all__ = [
    "Figures",
    "Occurrence",
    "figures",
    "known_gateways",
    "link_contact",
    "open_gateway",
    "record_events",
    "want_everybody",
    "want_sync",
]
