"""What other features may ask of analytics: ids, plain values and frozen dataclasses."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.analytics import figures, queries
from portal.analytics.metrics import REGISTRY, Metric, metrics_of
from portal.analytics.queries import ExpertiseLine
from portal.analytics.reputation.facade import Standing, standing_of
from portal.analytics.reputation.levels import Level as TrustLevel
from portal.analytics.reputation.words import BADGE_GROUNDS, BADGES, LEVELS
from portal.analytics.routing.words import sentences
from portal.analytics.services.routing import Suggestion, suggest_for
from portal.community import facade as community
from portal.members import facade as members
from portal.members.policy import NOBODY, Viewer
from portal.support import facade as support

__all__ = [
    "BADGES",
    "BADGE_GROUNDS",
    "LEVELS",
    "REGISTRY",
    "ExpertiseLine",
    "Invited",
    "Metric",
    "Standing",
    "Suggestion",
    "TrustLevel",
    "account_figures",
    "contact_figures",
    "days_of",
    "expertise_of",
    "experts_on",
    "figures_of",
    "invited",
    "metrics_of",
    "standing_of",
    "suggest_for",
]
INVITATIONS = 20
account_figures = figures.of_accounts
contact_figures = figures.of_members
figures_of = queries.figures_of


@dataclass(frozen=True, slots=True)
class Invited:
    """A question that waits for a member, and why she was asked."""

    question_id: int
    title: str
    url: str
    lang: str | None
    reasons: tuple[str, ...]
    at: datetime


def expertise_of(member_id: int, viewer: Viewer = NOBODY) -> list[ExpertiseLine]:
    """Return how well a member answers, by topic; only of boards that the viewer may see."""
    if viewer.member_id != member_id and members.who_objects([member_id], members.Purpose.PROFILING):
        return []
    return queries.expertise_of(member_id, _boards(viewer))


def experts_on(topic_id: int, viewer: Viewer = NOBODY, limit: int = 50) -> list[ExpertiseLine]:
    """Return who knows a topic; only of boards that the viewer may see."""
    lines = queries.experts_on(topic_id, _boards(viewer), limit)
    silent = members.who_objects([line.member_id for line in lines], members.Purpose.PROFILING)
    return [line for line in lines if line.member_id not in silent]


def days_of(member_id: int | None, days: int, viewer: Viewer = NOBODY) -> list[int]:
    """Return how much a member (None: everybody) wrote on each of the last days, the oldest first, today last."""
    return queries.days_of(member_id, days, community.visible_board_ids(viewer))


def invited(viewer: Viewer, limit: int = INVITATIONS) -> list[Invited]:
    """Return the questions that wait for the viewer: she was asked, and nobody's answer has solved them."""
    if viewer.is_anonymous:
        return []
    invitations = queries.invitations_of(viewer.id, limit)
    ids = [one.question_id for one in invitations]
    cards = support.question_cards(ids, viewer)
    states = support.states_of(ids)
    return [
        Invited(one.question_id, card.title, f"/questions/{card.id}", card.lang, tuple(sentences(one.reasons)), one.at)
        for one in invitations
        if (card := cards.get(one.question_id)) is not None and states[one.question_id][0] != "solved"
    ]


def _boards(viewer: Viewer) -> Sequence[int] | Collection[int]:
    return community.visible_board_ids(viewer)
