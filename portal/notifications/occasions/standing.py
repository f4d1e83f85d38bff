"""A member's own standing: moderation, trust, roles, what she was given; and the duties of the staff."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

from portal.community import facade as community
from portal.community.events import ContributionHeld
from portal.kernel.projections import FactRow
from portal.members import facade as members
from portal.members.events import MemberRolesChanged
from portal.members.events.people import MemberInvited
from portal.members.events.trust import TrustLevelChanged
from portal.members.inviting.queries import open_invitations
from portal.members.queries import member_by_email
from portal.members.rules import Role
from portal.moderation.events import (
    AppealDecided,
    AppealMade,
    ContributionDecided,
    ContributionFlagged,
    ContributionHidden,
    ContributionReleased,
    DecisionUndone,
    FlagsAnswered,
    MemberSuspended,
    SuspensionLifted,
    ThingsMerged,
)
from portal.notifications.occasions.posts import THE_COMPANY
from portal.notifications.rules.kinds import Kind, Why
from portal.notifications.services.telling import Telling

Tellings = Iterator[Telling]
MINE = "/account/moderation"


def _to(
    kind: Kind,
    who: Collection[int | None],
    fact: FactRow,
    about: tuple[str, int | None] = ("member", None),
    **details: Any,
) -> Telling:
    """Return what is told to those whom a fact concerns; each such fact is told by itself."""
    return Telling(
        kind=kind,
        why=Why.CONCERNED,
        to=frozenset(one for one in who if one is not None),
        source=f"fact:{fact.id}",
        group=f"fact:{fact.id}",
        subject_kind=about[0],
        subject_id=about[1],
        board_id=getattr(fact.event, "board_id", None),
        actor_id=fact.event.actor_id,
        named=False,
        details=details,
    )


def _released(event: ContributionReleased, fact: FactRow) -> Tellings:
    yield _to(Kind.MODERATION, {event.author_id}, fact, (event.target_kind, event.target_id), act="released")


def _hidden(event: ContributionHidden, fact: FactRow) -> Tellings:
    about, way = (event.target_kind, event.target_id), _decision(event.decision_id)
    yield _to(Kind.MODERATION, {event.author_id}, fact, about, act="hidden", url=way, appeal=way)


def _decided(event: ContributionDecided, fact: FactRow) -> Tellings:
    about, way = (event.target_kind, event.target_id), _decision(event.decision_id)
    yield _to(Kind.MODERATION, {event.author_id}, fact, about, act="decided", url=way)


def _undone(event: DecisionUndone, fact: FactRow) -> Tellings:
    about, way = (event.target_kind, event.target_id), _decision(event.decision_id)
    yield _to(Kind.MODERATION, {event.author_id}, fact, about, act="undone", url=way)


def _suspended(event: MemberSuspended, fact: FactRow) -> Tellings:
    way = _decision(event.decision_id)
    yield _to(Kind.MODERATION, {event.member_id}, fact, act="suspended", until=event.until, url=way, appeal=way)


def _lifted(event: SuspensionLifted, fact: FactRow) -> Tellings:
    yield _to(Kind.MODERATION, {event.member_id}, fact, act="unsuspended", url=MINE)


def _appeal_decided(event: AppealDecided, fact: FactRow) -> Tellings:
    act = "appeal granted" if event.granted else "appeal"
    yield _to(Kind.MODERATION, {event.member_id}, fact, act=act, url=_decision(event.decision_id))


def _flags_answered(event: FlagsAnswered, fact: FactRow) -> Tellings:
    yield _to(Kind.FLAG, event.flaggers, fact, ("flag", None), upheld=event.upheld, url=MINE)


def _decision(decision_id: int) -> str:
    return f"/account/decisions/{decision_id}"


def _merged(event: ThingsMerged, fact: FactRow) -> Tellings:
    """Tell supporters that their votes count for another, which they may see, and until when they may opt out."""
    gone, kept = (event.kind, event.from_id), (event.kind, event.into_id)
    card = community.describe(THE_COMPANY, [gone]).get(gone)
    common: dict[str, Any] = {
        "kind": Kind.MERGE,
        "source": f"fact:{fact.id}",
        "group": f"fact:{fact.id}",
        "subject_kind": event.kind,
        "subject_id": event.into_id,
        "board_id": event.board_id,
        "actor_id": event.actor_id,
        "named": False,
        "needs": (kept,),
        "places": (gone, kept),
        "details": {"until": event.until, "url": MINE},
    }
    if card is not None and card.author_id is not None:
        yield Telling(**common, why=Why.AUTHOR, to=frozenset({card.author_id}))
    yield Telling(**common, why=Why.SUPPORTER, to=frozenset(event.supporters))


def _trusted(event: TrustLevelChanged, fact: FactRow) -> Tellings:
    yield _to(Kind.TRUST, {event.member_id}, fact, before=event.before, after=event.level, url="/account/reputation")


def _roles(event: MemberRolesChanged, fact: FactRow) -> Tellings:
    yield _to(Kind.TRUST, {event.member_id}, fact, act="roles", url="/account")


def _badge(event: Any, fact: FactRow) -> Tellings:
    yield _to(Kind.TRUST, {event.member_id}, fact, act="badge", badge=event.badge, url="/account/reputation")


def _benefit(event: Any, fact: FactRow) -> Tellings:
    yield _to(Kind.TRUST, {event.member_id}, fact, act="benefit", url="/account/benefits")


def _invited(event: MemberInvited, fact: FactRow) -> Tellings:
    """Tell whoever has an account under the address that was asked in, and has shown that it is hers."""
    card = open_invitations([event.invitation_id]).get(event.invitation_id)
    if card is not None:
        telling = _to(Kind.INVITATION, _owner(card.email), fact, ("invitation", card.id))
        yield replace(telling, named=True)


def _owner(email: str) -> set[int | None]:
    who = member_by_email(email)
    return {who.id} if who is not None and who.email_verified_at is not None else set()


# Duties


def _duty(fact: FactRow, what: str, *roles: Role, group: str = "", **details: Any) -> Telling:
    """Return what is told to the staff; while it is unread, more of the same joins it."""
    return Telling(
        kind=Kind.DUTY,
        why=Why.STAFF,
        to=frozenset(members.staff_ids(*roles)),
        source=f"fact:{fact.id}",
        group=f"{Kind.DUTY}:{group or what}",
        subject_kind=what,
        actor_id=fact.event.actor_id,
        named=False,
        details={"duty": what, **details},
    )


def _flagged(_event: ContributionFlagged, fact: FactRow) -> Tellings:
    yield _duty(fact, "flag", Role.MODERATOR)


def _held(_event: ContributionHeld, fact: FactRow) -> Tellings:
    yield _duty(fact, "held", Role.MODERATOR)


def _appealed(_event: AppealMade, fact: FactRow) -> Tellings:
    yield _duty(fact, "appeal", Role.MODERATOR)


def _gateway_paused(event: Any, fact: FactRow) -> Tellings:
    """Wake the admins, also at night: while a gateway is paused, nothing reaches the CRM."""
    yield _duty(
        fact, "gateway", Role.ADMIN, group=f"gateway:{event.gateway}", urgent=True, gateway=event.gateway,
        said=event.why[:300],
    )  # fmt: skip


TELLERS: dict[str, Callable[[Any, FactRow], Tellings]] = {
    "ContributionReleased": _released,
    "ContributionHidden": _hidden,
    "ContributionDecided": _decided,
    "DecisionUndone": _undone,
    "MemberSuspended": _suspended,
    "SuspensionLifted": _lifted,
    "AppealDecided": _appeal_decided,
    "FlagsAnswered": _flags_answered,
    "ThingsMerged": _merged,
    "TrustLevelChanged": _trusted,
    "MemberRolesChanged": _roles,
    "MemberInvited": _invited,
    "BadgeEarned": _badge,
    "BenefitGiven": _benefit,
    "ContributionFlagged": _flagged,
    "ContributionHeld": _held,
    "AppealMade": _appealed,
    "GatewayPaused": _gateway_paused,
}
