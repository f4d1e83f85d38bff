"""What moderation takes and answers: the parts that several operations share."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from portal.api.endpoints import Output
from portal.moderation import rules
from portal.moderation.models import Decision

TAG = "moderation"
Kind = Literal["idea", "question", "answer", "comment", "member"]
Reason = Literal["spam", "abuse", "private", "off_topic", "duplicate", "other"]
Term = Literal["day", "3_days", "week", "month", "quarter", "good"]
Words = Annotated[str, Field(max_length=rules.WORDS_MAX, description="What the author reads")]


class DecisionOut(Output):
    """A decision."""

    id: int
    verb: str
    kind: Annotated[str, Field(description="Of what it is about; `decision` when it is about an appeal against one")]
    target: int
    author: Annotated[int | None, Field(description="Whom it concerns")]
    reason: str
    words: Annotated[str, Field(description="What she is told")]
    at: datetime
    undone_at: datetime | None


class AppealOut(Output):
    """An appeal. ``granted`` is null while nobody has decided."""

    id: int
    decision: int
    words: str
    at: datetime
    granted: bool | None
    answer: str


def decision_out(found: Decision) -> DecisionOut:
    """Return a decision as the API says it."""
    return DecisionOut(
        id=found.id,
        verb=found.verb,
        kind=found.target_kind,
        target=found.target_id,
        author=found.author_id,
        reason=found.reason,
        words=found.words,
        at=found.at,
        undone_at=found.undone_at,
    )
