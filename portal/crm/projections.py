"""What the record means for CRMs: whose figures may have moved, and what they should remember."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.analytics.events import FiguresChanged
from portal.community.events import CommentPosted
from portal.community.registry import describe
from portal.crm.jobs import PROJECTION, dispatch_soon
from portal.crm.services import marking
from portal.crm.services.marking import Occurrence
from portal.ideas.events import (
    IdeaHidden,
    IdeaPosted,
    IdeaShown,
    IdeaStageChanged,
    VoteCast,
    VotesTrusted,
    VoteWithdrawn,
)
from portal.kernel.events import Event
from portal.kernel.projections import FactRow, projection
from portal.members import facade as members
from portal.members.events import (
    ConsentGiven,
    ConsentWithdrawn,
    MemberAddressConfirmed,
    MemberErased,
    MemberJoined,
    MemberLinkedToCrm,
    MemberProfileChanged,
    OrganisationChanged,
)
from portal.members.events.people import MembersMerged, MembersUnmerged, MemberUnlinkedFromCrm
from portal.members.policy import Viewer
from portal.members.rules import Kind, Role
from portal.support.events import (
    AnswerAccepted,
    AnswerGiven,
    AnswerHidden,
    AnswerMarked,
    AnswerShown,
    AnswerUnaccepted,
    AnswerVoted,
    QuestionAsked,
    QuestionHidden,
    QuestionShown,
    SameProblemSaid,
)

MOVES_FIGURES: tuple[type[Event], ...] = (
    MemberJoined,
    MemberAddressConfirmed,
    MemberProfileChanged,
    MemberLinkedToCrm,
    MemberUnlinkedFromCrm,
    MembersMerged,
    MembersUnmerged,
    ConsentGiven,
    ConsentWithdrawn,
    MemberErased,
    OrganisationChanged,
    IdeaPosted,
    IdeaStageChanged,
    IdeaHidden,
    IdeaShown,
    VoteCast,
    VoteWithdrawn,
    VotesTrusted,
    CommentPosted,
    QuestionAsked,
    QuestionHidden,
    QuestionShown,
    SameProblemSaid,
    AnswerGiven,
    AnswerHidden,
    AnswerShown,
    AnswerVoted,
    AnswerAccepted,
    AnswerUnaccepted,
    AnswerMarked,
    FiguresChanged,
)
PEOPLE = ("actor_id", "author_id", "asker_id", "member_id", "by_id", "gone_id")
STAGES = {
    "review": "portal.idea.shortlisted",
    "planned": "portal.idea.accepted",
    "shipped": "portal.idea.shipped",
    "declined": "portal.idea.declined",
}
THE_COMPANY = Viewer(kind=Kind.STAFF.value, roles=frozenset({Role.ADMIN.value}))
"""Who reads a CRM: events name what they are about as staff would see it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing to remember of a member: its CloudEvents name and what it is about."""

    type: str
    member_id: int | None
    about: tuple[str, int] | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def told_by(event: Event) -> Told | None:
    """Return what a CRM should remember of an event, or None: most only move figures."""
    told: Told | None = None
    match event:
        case MemberJoined():
            told = Told("portal.member.joined", event.member_id, data={"kind": event.kind, "origin": event.origin})
        case IdeaPosted():
            told = Told("portal.idea.submitted", event.author_id, ("idea", event.idea_id))
        case IdeaStageChanged() if event.stage in STAGES:
            data = {"before": event.before, "stage": event.stage, "reason": event.reason_code}
            told = Told(STAGES[event.stage], event.author_id, ("idea", event.idea_id), data)
        case QuestionAsked():
            told = Told("portal.question.asked", event.actor_id, ("question", event.question_id))
        case AnswerAccepted():
            told = Told("portal.answer.accepted", event.author_id, ("question", event.question_id))
        case AnswerMarked() if event.on and event.mark in {"verified", "official"}:
            told = Told(f"portal.answer.{event.mark}", event.author_id, ("question", event.question_id))
    return told


def people_of(event: Event) -> Iterator[int]:
    """Yield the members whose figures an event may move."""
    for name in PEOPLE:
        member_id = getattr(event, name, None)
        if member_id is not None:
            yield member_id
    if isinstance(event, FiguresChanged):
        yield from event.member_ids


@projection(PROJECTION, on=MOVES_FIGURES, reset=lambda: None)
def tell_crms(facts: Sequence[FactRow]) -> None:
    """Mark whose figures may have moved and record what happened; a rebuild adds only what is not there."""
    if not marking.known_gateways():
        return
    touched = {member_id for fact in facts for member_id in people_of(fact.event)}
    contacts = {contact.member_id for contact in members.crm_contacts(touched)}
    marking.want("contact", {leaving for fact in facts if (leaving := _leaves_a_place(fact.event))})
    marking.want_sync(contacts)
    organisations = {f.event.organisation_id for f in facts if isinstance(f.event, OrganisationChanged)}
    marking.want("account", organisations)
    marking.record_occurrences(_occurrences(facts, contacts))
    dispatch_soon()


def _leaves_a_place(event: Event) -> int | None:
    """Return who may have to leave a contact before another member can have it: she is marked first."""
    match event:
        case MembersMerged():
            return event.gone_id
        case MembersUnmerged():
            return event.member_id
    return None


def _occurrences(facts: Sequence[FactRow], contacts: set[int]) -> list[Occurrence]:
    told = [(fact, one) for fact in facts if (one := told_by(fact.event)) and one.member_id in contacts]
    cards = describe(THE_COMPANY, sorted({one.about for _, one in told if one.about}))
    return [_occurrence(fact, one, cards) for fact, one in told]


def _occurrence(fact: FactRow, one: Told, cards: Mapping[tuple[str, int], Any]) -> Occurrence:
    card = cards.get(one.about) if one.about else None
    about = {f"{one.about[0]}_id": one.about[1]} if one.about else {}
    return Occurrence(
        id=f"fact-{fact.id}",
        kind="contact",
        subject_id=one.member_id or 0,
        type=one.type,
        at=fact.happened_at,
        sequence=fact.id,
        summary=card.title if card else "",
        path=card.url if card else "",
        data={**about, **one.data},
    )
