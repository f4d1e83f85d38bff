"""Which pages a fact changes. A hint says that something changed, never what it says.

Pure: the name and the fields of an event in, hints out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_ROOMS = 20
ROOM = re.compile(r"(idea|question|board):[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Hint:
    """``kind`` of change on ``subject`` (``idea:7``); ``id`` of the new thing, if one is new; ``rooms`` that care."""

    kind: str
    subject: str
    rooms: tuple[str, ...]
    id: int | None = None

    def message(self) -> dict[str, str | int | None]:
        """Return what travels to the page."""
        return {"kind": self.kind, "subject": self.subject, "id": self.id}


@dataclass(frozen=True, slots=True)
class _Change:
    kind: str
    subject: str
    """``idea``, ``question`` or ``board``; the event's field ``<subject>_id`` tells which."""
    new: str = ""
    """The field with the id of the new thing."""


CHANGES: Mapping[str, tuple[_Change, ...]] = {
    "VoteCast": (_Change("vote", "idea"),),
    "VoteWithdrawn": (_Change("vote", "idea"),),
    "IdeaPosted": (_Change("idea", "board", "idea_id"),),
    "IdeaEdited": (_Change("words", "idea"),),
    "IdeaStageChanged": (_Change("stage", "idea"),),
    "QuestionAsked": (_Change("question", "board", "question_id"),),
    "SameProblemSaid": (_Change("same", "question"),),
    "SameProblemUnsaid": (_Change("same", "question"),),
    "AnswerGiven": (_Change("answer", "question", "answer_id"),),
    "AnswerEdited": (_Change("words", "question"),),
    "AnswerVoted": (_Change("vote", "question"),),
    "AnswerAccepted": (_Change("accept", "question"),),
    "AnswerUnaccepted": (_Change("accept", "question"),),
    "AnswerMarked": (_Change("accept", "question"),),
}
COMMENTED = "CommentPosted"
VOTES, PUBLIC_VOTE = {"VoteCast", "VoteWithdrawn"}, "support"


def hints_of(name: str, fields: Mapping[str, Any]) -> list[Hint]:
    """Return the hints of one event; none for an event that changes no page."""
    board = f"board:{fields['board_id']}" if fields.get("board_id") else None
    if name == COMMENTED:
        if fields["target_kind"] not in {"idea", "question"}:
            return []
        subject = f"{fields['target_kind']}:{fields['target_id']}"
        return [Hint("comment", subject, _rooms(subject, board), fields["comment_id"])]
    if name in VOTES and fields.get("kind") != PUBLIC_VOTE:
        return []
    found = []
    for change in CHANGES.get(name, ()):
        subject = f"{change.subject}:{fields[change.subject + '_id']}"
        new = fields[change.new] if change.new else None
        found.append(Hint(change.kind, subject, _rooms(subject, board), new))
    return found


def _rooms(subject: str, board: str | None) -> tuple[str, ...]:
    return (subject,) if board is None or board == subject else (subject, board)


def without_repeats(hints: Iterable[Hint]) -> list[Hint]:
    """Return each hint once: fifty votes in a batch are one change of the page."""
    return list(dict.fromkeys(hints))


def rooms_asked_for(said: object) -> list[str]:
    """Return the rooms a page asks for, at most `MOST_ROOMS`; anything that is not the name of one is left out."""
    if not isinstance(said, list):
        return []
    names = [name for name in said if isinstance(name, str) and ROOM.fullmatch(name)]
    return list(dict.fromkeys(names))[:MOST_ROOMS]
