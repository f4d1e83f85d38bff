"""What happens in peer support. ``author_id`` is whom the act concerns: who asked, or who answered."""

from dataclasses import dataclass
from typing import ClassVar

from portal.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAsked(Event):
    """A member asked a question."""

    subject: ClassVar[str] = "question"

    question_id: int
    board_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionEdited(Event):
    """A question's words were changed."""

    subject: ClassVar[str] = "question"

    question_id: int
    board_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionHidden(Event):
    """A question was taken out of sight."""

    subject: ClassVar[str] = "question"

    question_id: int
    board_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionShown(Event):
    """A hidden question may be seen again."""

    subject: ClassVar[str] = "question"

    question_id: int
    board_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SameProblemSaid(Event):
    """A member has the same problem as the one who asked."""

    subject: ClassVar[str] = "question"

    question_id: int
    board_id: int
    author_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SameProblemUnsaid(Event):
    """A member took back that she has the same problem."""

    subject: ClassVar[str] = "question"

    question_id: int
    board_id: int
    author_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionDeflected(Event):
    """Before she asked, a member found that an answer to an earlier question solved it: one question fewer."""

    subject: ClassVar[str] = "question"

    question_id: int
    board_id: int
    answer_id: int | None = None
    author_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerGiven(Event):
    """A member answered. ``by_asker``: the asker wrote it herself, which is a follow-up rather than help."""

    subject: ClassVar[str] = "answer"

    answer_id: int
    question_id: int
    board_id: int
    asker_id: int
    by_asker: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerEdited(Event):
    """An answer's words were changed."""

    subject: ClassVar[str] = "answer"

    answer_id: int
    question_id: int
    board_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerHidden(Event):
    """An answer was taken out of sight."""

    subject: ClassVar[str] = "answer"

    answer_id: int
    question_id: int
    board_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerShown(Event):
    """A hidden answer may be seen again."""

    subject: ClassVar[str] = "answer"

    answer_id: int
    question_id: int
    board_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerVoted(Event):
    """A member said that an answer helped (1), did not (-1), or took that back (0); ``before`` is what she had said."""

    subject: ClassVar[str] = "answer"

    answer_id: int
    question_id: int
    board_id: int
    author_id: int
    value: int
    before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerAccepted(Event):
    """The asker, or support for her, accepted an answer as the one that solved it."""

    subject: ClassVar[str] = "answer"

    answer_id: int
    question_id: int
    board_id: int
    author_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerUnaccepted(Event):
    """An acceptance was taken back, or went to another answer."""

    subject: ClassVar[str] = "answer"

    answer_id: int
    question_id: int
    board_id: int
    author_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerMarked(Event):
    """Staff marked an answer as ``verified``, ``official`` or ``outdated``, or took the mark back (``on`` false)."""

    subject: ClassVar[str] = "answer"

    answer_id: int
    question_id: int
    board_id: int
    author_id: int
    mark: str
    on: bool
