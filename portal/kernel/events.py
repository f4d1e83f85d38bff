"""Events: facts that have happened, told in the past tense.

An event is a frozen dataclass of ids and plain values. Its class gives the schema ``version``; when the
shape changes, raise the version and override `upgrade`, which turns an older payload into today's.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of every event. ``actor_id`` is the member who did it, None for the portal itself."""

    registry: ClassVar[dict[str, type["Event"]]] = {}
    version: ClassVar[int] = 1
    subject: ClassVar[str] = ""
    """Kind of the thing it happened to; its id is the field ``<subject>_id``."""

    actor_id: int | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Remember each event by name, so that it can be read back from the record."""
        known = Event.registry.get(cls.__name__)
        if known is not None and known.__module__ != cls.__module__:
            message = f"Two events are called {cls.__name__}: {known.__module__} and {cls.__module__}"
            raise TypeError(message)
        Event.registry[cls.__name__] = cls

    def payload(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return asdict(self)

    def subject_id(self) -> int | None:
        """Return the id of the thing it happened to."""
        return getattr(self, f"{self.subject}_id", None) if self.subject else None

    @classmethod
    def upgrade(cls, payload: dict[str, Any], version: int) -> dict[str, Any]:  # noqa: ARG003
        """Return a payload written by an older version in today's shape."""
        return payload

    @classmethod
    def read(cls, payload: Mapping[str, Any], version: int) -> Self:
        """Return the event of a stored payload."""
        fields = dict(payload)
        return cls(**(fields if version == cls.version else cls.upgrade(fields, version)))


E = TypeVar("E", bound=Event)
Listener = Callable[[Any], None]
_listeners: dict[str, dict[str, Listener]] = defaultdict(dict)


def listens_to(fact: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Run the decorated function once, in a job and a transaction of its own, whenever ``fact`` happens."""

    def register(listener: Callable[[E], None]) -> Callable[[E], None]:
        _listeners[fact.__name__][f"{listener.__module__}.{listener.__qualname__}"] = listener
        return listener

    return register


def listeners_of(name: str) -> Mapping[str, Listener]:
    """Return the listeners of an event, keyed by dotted name."""
    return _listeners.get(name, {})
