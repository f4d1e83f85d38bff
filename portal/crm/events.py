"""What happens between the portal and a CRM."""

from dataclasses import dataclass

from portal.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPaused(Event):
    """Nothing can be sent to a CRM until somebody acts; ``why`` is what it said."""

    gateway: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResumed(Event):
    """A CRM takes rows again."""

    gateway: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterLeftOut(Event):
    """A member of staff decided that a refused row is not sent."""

    gateway: str
    lane: str
    kind: str
    about_id: int
    reason: str
