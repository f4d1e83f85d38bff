"""What happens around reputation, in the past tense."""

from dataclasses import dataclass
from typing import ClassVar

from portal.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeEarned(Event):
    """What a member did has earned her a badge."""

    subject: ClassVar[str] = "member"

    member_id: int
    badge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeRevoked(Event):
    """The ground of a badge is gone: an idea was taken back, an answer hidden."""

    subject: ClassVar[str] = "member"

    member_id: int
    badge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitGiven(Event):
    """The company gives a member something for what she did."""

    subject: ClassVar[str] = "member"

    member_id: int
    benefit_id: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitClaimed(Event):
    """A member takes what she was given."""

    subject: ClassVar[str] = "member"

    member_id: int
    benefit_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitWithdrawn(Event):
    """The company takes back what it gave, with a reason."""

    subject: ClassVar[str] = "member"

    member_id: int
    benefit_id: int
