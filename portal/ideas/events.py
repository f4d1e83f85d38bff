"""What happens to ideas. ``author_id`` is who wrote the idea, ``actor_id`` who did something to it."""

from dataclasses import dataclass
from typing import ClassVar

from portal.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaEvent(Event):
    """Base of what happens to one idea."""

    subject: ClassVar[str] = "idea"

    idea_id: int
    board_id: int
    author_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaPosted(IdeaEvent):
    """A member proposed an idea. ``imported_support`` are votes without voters that an import brought."""

    imported_support: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaEdited(IdeaEvent):
    """Title, text, category or tags of an idea have changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaStageChanged(IdeaEvent):
    """The company moved an idea to another stage; ``answered`` when it said something with it."""

    before: str
    stage: str
    reason_code: str | None = None
    answered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaHidden(IdeaEvent):
    """An idea was taken out of sight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaShown(IdeaEvent):
    """A hidden idea may be seen again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteCast(IdeaEvent):
    """A member's vote stands: ``actor_id`` is whose vote it is, ``by_id`` the employee who gave it for a customer."""

    kind: str
    seq: int
    """Number of its line in the idea's ledger."""
    origin: str
    fresh: bool
    """Whether it counts less than one: the account is new, or moderators set the vote aside."""
    verified: bool
    tenure_days: int
    by_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteWithdrawn(IdeaEvent):
    """A vote does not stand any more, or gave way to one of another kind; ``cast_on`` is the day it was cast."""

    kind: str
    fresh: bool
    cast_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VotesTrusted(IdeaEvent):
    """A vote weighs otherwise: its account was confirmed, trusted or has grown older, or moderators set it aside."""
