"""What happens in moderation. ``author_id`` is whom it concerns."""

from dataclasses import dataclass, field
from typing import ClassVar

from portal.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionFlagged(Event):
    """A member says that something should be looked at."""

    subject: ClassVar[str] = "target"

    flag_id: int
    target_kind: str
    target_id: int
    author_id: int | None
    board_id: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagsAnswered(Event):
    """What was flagged has been looked at; those who flagged it are told."""

    target_kind: str
    target_id: int
    upheld: bool
    flaggers: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionReleased(Event):
    """What waited can be seen."""

    target_kind: str
    target_id: int
    author_id: int | None
    board_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionHidden(Event):
    """A moderator took something out of sight; ``decision_id`` leads to the reason."""

    target_kind: str
    target_id: int
    author_id: int | None
    board_id: int | None
    reason: str
    decision_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionDecided(Event):
    """A moderator did something else to a contribution that its author should know of: see ``verb``."""

    target_kind: str
    target_id: int
    author_id: int | None
    board_id: int | None
    verb: str
    decision_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionUndone(Event):
    """A moderator's act was reversed."""

    decision_id: int
    verb: str
    target_kind: str
    target_id: int
    author_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSuspended(Event):
    """A member reads and does not write until a moment (ISO 8601)."""

    subject: ClassVar[str] = "member"

    member_id: int
    until: str
    reason: str
    decision_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionLifted(Event):
    """A suspended member may write again before her time."""

    subject: ClassVar[str] = "member"

    member_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealMade(Event):
    """The author of what was decided upon asks another moderator to look again."""

    appeal_id: int
    decision_id: int
    member_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealDecided(Event):
    """Another moderator has looked again."""

    subject: ClassVar[str] = "member"

    appeal_id: int
    decision_id: int
    member_id: int
    granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingsMerged(Event):
    """Two ideas or two questions are the same: one leads to the other. Supporters may opt out until a day."""

    kind: str
    from_id: int
    into_id: int
    board_id: int
    supporters: list[int] = field(default_factory=list)
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingsUnmerged(Event):
    """A merge was undone."""

    kind: str
    from_id: int
    into_id: int
    board_id: int
