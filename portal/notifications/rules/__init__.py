"""Which pages a fact changes. A hint says that something changed, never what it says.

Pure: the name and the fields of an event in, hints out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_ROOMS = 20
ROOM_KINDS = ("idea", "question", "board")
OWN_ROOM = "member"
"""The room of one member: what is told to her alone."""
ROOM = re.compile(rf"({'|'.join((*ROOM_KINDS, OWN_ROOM))}):[1-9][0-9]{{0,17}}")


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
    """``idea``, ``question``, ``answer`` or ``board``; the event's field ``<subject>_id`` tells which."""
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
    "AnswerVoted": (_Change("vote", "answer"),),
    "AnswerAccepted": (_Change("accept", "question"),),
    "AnswerUnaccepted": (_Change("accept", "question"),),
    "AnswerMarked": (_Change("accept", "question"),),
}
COMMENTED = "CommentPosted"
REACTED = {"Reacted", "Unreacted"}
VOTES, PUBLIC_VOTE = {"VoteCast", "VoteWithdrawn"}, "support"


def hints_of(name: str, fields: Mapping[str, Any], question_of: Mapping[int, int]) -> list[Hint]:
    """Return the hints of one event; none for an event that changes no page.

    :param question_of: to which question an answer belongs; needed for comments on answers.
    """
    if name == COMMENTED:
        place = {f"{fields['target_kind']}_id": fields["target_id"], "board_id": fields["board_id"]}
        if fields["target_kind"] == "answer":
            place["question_id"] = question_of.get(fields["target_id"])
        subject = f"{fields['target_kind']}:{fields['target_id']}"
        return [Hint("comment", subject, _rooms(place), fields["comment_id"])]
    if name in REACTED:
        place = {f"{fields['on_kind']}_id": fields["on_id"]}
        if fields["on_kind"] == "answer":
            place["question_id"] = question_of.get(fields["on_id"])
        return [Hint("reaction", f"{fields['target_kind']}:{fields['target_id']}", _rooms(place))]
    if name in VOTES and fields.get("kind") != PUBLIC_VOTE:
        return []
    return [
        Hint(
            change.kind,
            f"{change.subject}:{fields[change.subject + '_id']}",
            _rooms(fields),
            fields[change.new] if change.new else None,
        )
        for change in CHANGES.get(name, ())
    ]


def own_room(member_id: int) -> str:
    """Return the name of a member's own room."""
    return f"{OWN_ROOM}:{member_id}"


def notice(member_id: int, notification_id: int | None) -> Hint:
    """Return the hint that something is new to one member, or (without an id) that less is."""
    room = own_room(member_id)
    return Hint("notice", room, (room,), notification_id)


def _rooms(fields: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{kind}:{fields[f'{kind}_id']}" for kind in ROOM_KINDS if fields.get(f"{kind}_id"))


def without_repeats(hints: Iterable[Hint]) -> list[Hint]:
    """Return each hint once: fifty votes in a batch are one change of the page."""
    return list(dict.fromkeys(hints))


def rooms_asked_for(said: object) -> list[str]:
    """Return the rooms a page asks for, at most `MOST_ROOMS`; anything that is not the name of one is left out."""
    if not isinstance(said, list):
        return []
    names = [name for name in said if isinstance(name, str) and ROOM.fullmatch(name)]
    return list(dict.fromkeys(names))[:MOST_ROOMS]
