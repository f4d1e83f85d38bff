"""What happens to the trust in a member."""

from dataclasses import dataclass
from typing import ClassVar

from portal.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustLevelChanged(Event):
    """A member is trusted further than before, or less far; ``why`` names what opened the level, or what is missing."""

    subject: ClassVar[str] = "member"

    member_id: int
    before: int
    level: int
    why: list[str]
