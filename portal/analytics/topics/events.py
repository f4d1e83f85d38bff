"""What happens to topics."""

from dataclasses import dataclass
from typing import ClassVar

from portal.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicsTrained(Event):
    """A training has ended: the topics of a board, or (without one) of the boards that share a model, are new."""

    subject: ClassVar[str] = "run"

    run_id: int
    board_id: int | None
    topics: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicNamed(Event):
    """A person gave a topic a name, or (empty) took it back."""

    subject: ClassVar[str] = "topic"

    topic_id: int
    name: str
