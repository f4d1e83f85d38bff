"""What every gateway to a CRM can do, and the ways it can fail.

Rows are upserts by an external key that is ours, so sending one twice is harmless; events carry ids and are
taken once. A gateway answers each row on its own: one that the CRM will not take is refused with its reason
while the others go on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Kind = Literal["contact", "account"]
Value = str | int | float | bool | None
Status = Literal["created", "updated", "unchanged", "refused"]
KINDS: tuple[Kind, ...] = ("account", "contact")


EVENT_FIELDS = ("id", "kind", "key", "type", "time", "sequence", "summary", "url")


class RetryLater(Exception):
    """The CRM cannot be asked now; the same rows may succeed later.

    :param after: seconds it asked us to wait, if it did.
    :param suspect: it answered with a fault of its own, so that one of these rows may be the cause.
    """

    def __init__(self, reason: str, *, after: float | None = None, suspect: bool = False) -> None:
        super().__init__(reason)
        self.after, self.suspect = after, suspect


class BatchRefused(Exception):
    """The CRM refused these rows as a whole: half of them, and half of that, finds the bad one."""


class Paused(Exception):
    """Nothing can be sent until a person acts: wrong password, missing module, unknown address."""


class NotOffered(Exception):
    """This CRM has no such door."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one CRM allows. Zero means no limit of calls."""

    rows: int
    events: int
    calls_a_second: float = 0.0
    calls_a_day: int = 0
    reads: bool = True
    lists: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """Wanted state of one contact or account; name, e-mail and account serve only to create it."""

    kind: Kind
    key: int
    values: Mapping[str, Value]
    crm_id: str | None = None
    name: str = ""
    email: str | None = None
    email_confirmed: bool = False
    account: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the row as it travels."""
        return {
            "kind": self.kind,
            "key": self.key,
            "crm_id": self.crm_id,
            "name": self.name,
            "email": self.email,
            "email_confirmed": self.email_confirmed,
            "account": self.account,
            "values": dict(self.values),
        }


@dataclass(frozen=True, slots=True)
class Happening:
    """One event on the record of a contact or account. ``time`` is ISO 8601; ``sequence`` orders a subject's."""

    id: str
    kind: Kind
    key: int
    type: str
    time: str
    sequence: int
    summary: str = ""
    url: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the event as it travels."""
        return {**{name: getattr(self, name) for name in EVENT_FIELDS}, "data": dict(self.data)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one row or event; ``key`` is the row's key or the event's id."""

    key: int | str
    status: Status
    crm_id: str | None = None
    reason: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What the CRM holds for one key."""

    key: int
    crm_id: str
    changed_at: str | None
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class News:
    """A contact or account as the CRM has it now."""

    kind: Kind
    crm_id: str
    key: int | None
    name: str
    email: str | None
    active: bool
    merged_into: str | None
    changed_at: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewsPage:
    """Some news, and from where to go on."""

    items: Sequence[News]
    cursor: str | None
    more: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """One field that we want in the CRM, and whether it is there. ``type`` is one of ours: text, number and so on."""

    kind: Kind
    name: str
    type: str
    there: bool


class Gateway(Protocol):
    """A CRM that can hold the portal's figures and events."""

    name: str
    limits: Limits
    rest: float
    """Seconds that the CRM asked us to rest after the last call, by its own headers."""

    def plan(self, wanted: Mapping[Kind, Mapping[str, str]]) -> list[Planned]:
        """Compare the fields we want, name to type by kind, with those that are there.

        :raise Paused: when the CRM cannot be asked until a person acts.
        """

    def apply(self, wanted: Mapping[Kind, Mapping[str, str]]) -> list[Planned]:
        """Create what is missing, as far as this CRM lets a program do that; return the plan that is left."""

    def verify(self) -> None:
        """Ask for a sign of life with our own rights.

        :raise Paused: when a person must act. :raise RetryLater: when it is away.
        """

    def upsert(self, rows: Sequence[Row]) -> list[Verdict]:
        """Set the rows, all of one kind; one verdict each, in the same order.

        :raise RetryLater: :raise BatchRefused: :raise Paused:
        """

    def append(self, events: Sequence[Happening]) -> list[Verdict]:
        """Add events, oldest first. Raises as `upsert`.

        One that is known already is ``unchanged``; under another key it is that one's from now on: ``updated``.
        """

    def read_back(self, kind: Kind, keys: Sequence[int]) -> dict[int, Stored]:
        """Return what is stored for these keys.

        :raise NotOffered: when this CRM cannot be read.
        """

    def changes(self, kind: Kind, cursor: str | None) -> NewsPage:
        """List contacts or accounts that changed since the cursor, oldest first.

        :raise NotOffered: when this CRM cannot be listed.
        """

    def forget(self, kind: Kind, keys: Sequence[int]) -> int:
        """Take everything of ours away from these; return how many were there."""

    def close(self) -> None:
        """Let go of connections."""
