"""What analytics finds out, in the past tense."""

from dataclasses import dataclass
from typing import ClassVar

from portal.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresChanged(Event):
    """Figures of some members are not what they were."""

    member_ids: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertsInvited(Event):
    """Members who are likely to answer well were asked to look at a question."""

    subject: ClassVar[str] = "question"

    question_id: int
    board_id: int
    member_ids: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertiseRanked(Event):
    """Who knows what on a board was worked out anew."""

    subject: ClassVar[str] = "board"

    board_id: int
    topics: int
    members: int
