"""What happens in what ideas and support share."""

from dataclasses import dataclass
from typing import ClassVar

from portal.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardOpened(Event):
    """A board was opened."""

    subject: ClassVar[str] = "board"

    board_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentPosted(Event):
    """A member commented on an idea, a question or an answer, or replied to a comment."""

    subject: ClassVar[str] = "comment"

    comment_id: int
    board_id: int
    target_kind: str
    target_id: int
    parent_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentHidden(Event):
    """A comment was taken out of sight."""

    subject: ClassVar[str] = "comment"

    comment_id: int
    board_id: int
    target_kind: str
    target_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentShown(Event):
    """A hidden comment may be seen again."""

    subject: ClassVar[str] = "comment"

    comment_id: int
    board_id: int
    target_kind: str
    target_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed(Event):
    """A member wants to hear about something."""

    target_kind: str
    target_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfollowed(Event):
    """A member does not want to hear about something any more."""

    target_kind: str
    target_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersMentioned(Event):
    """A text that can be seen mentions members for the first time."""

    target_kind: str
    target_id: int
    board_id: int
    members: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reacted(Event):
    """A member reacted to what another wrote. ``on_kind`` and ``on_id`` say what a comment is on."""

    target_kind: str
    target_id: int
    board_id: int
    kind: str
    author_id: int
    on_kind: str
    on_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreacted(Event):
    """A member took a reaction back."""

    target_kind: str
    target_id: int
    board_id: int
    kind: str
    author_id: int
    on_kind: str
    on_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRevised(Event):
    """A text has a new version; ``number`` says which. ``author_id`` is whose text it is."""

    target_kind: str
    target_id: int
    board_id: int
    number: int
    author_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionHeld(Event):
    """Something was written or edited that waits to be looked at: only its author and moderators see it yet."""

    target_kind: str
    target_id: int
    board_id: int
    author_id: int
    why: str
