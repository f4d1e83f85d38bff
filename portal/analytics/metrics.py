"""The named figures: what each is called, its formula in words, its unit and its window; and the formulas themselves.

Pure. A figure that stands on a page or goes to the CRM is one of these.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.analytics.folding import Did

WILSON_Z = 1.96
PRIOR_WEIGHT = 4.0
"""How many imagined cases at everybody's mean a share is shrunk by."""
NEW_DAYS = 30
ACTIVE_DAYS = 30
DORMANT_DAYS = 90
POINTS: dict[str, float] = {
    Did.IDEA: 5.0,
    Did.ANSWER: 4.0,
    Did.ACCEPTED: 4.0,
    Did.COMMENT: 2.0,
    Did.QUESTION: 2.0,
    Did.FOLLOW_UP: 1.0,
    Did.VOTE: 1.0,
    Did.HELPED: 1.0,
    Did.THANKS: 0.5,
    Did.SAME_PROBLEM: 0.5,
    Did.FOLLOW: 0.5,
}
HALF_ENGAGED = 20.0
"""So many points in 30 days make an engagement of 63 of 100."""


class Lifecycle(StrEnum):
    """Where a member stands in coming and going."""

    NEW = "new"
    ACTIVE = "active"
    RETURNING = "returning"
    FADING = "fading"
    DORMANT = "dormant"
    VISITOR = "visitor"


LIFECYCLE_WORDS = {
    Lifecycle.NEW: _l("new"),
    Lifecycle.ACTIVE: _l("active"),
    Lifecycle.RETURNING: _l("returning"),
    Lifecycle.FADING: _l("fading"),
    Lifecycle.DORMANT: _l("dormant"),
    Lifecycle.VISITOR: _l("visitor"),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """A named figure: whose it is, its formula in words, its unit and window."""

    name: str
    subject: str
    title: Any
    formula: Any
    unit: str = "count"
    window: str = "all"


def wilson(hits: int, whole: int, z: float = WILSON_Z) -> tuple[float, float]:
    """Return the interval of a share of ``hits`` in ``whole``.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    if whole == 0:
        return 0.0, 1.0
    share, extra = hits / whole, z * z / whole
    middle = share + extra / 2
    spread = z * math.sqrt(share * (1 - share) / whole + extra / (4 * whole))
    return max(0.0, (middle - spread) / (1 + extra)), min(1.0, (middle + spread) / (1 + extra))


def shrunk(hits: float, whole: float, mean: float, weight: float = PRIOR_WEIGHT) -> float:
    """Return a share shrunk towards everybody's mean: that of a Beta posterior with ``weight`` imagined cases."""
    return (hits + weight * mean) / (whole + weight)


def engagement(done: Mapping[str, int]) -> float:
    """Return 0 to 100 from what a member did in 30 days: 100 · (1 − exp(−points / 20))."""
    points = sum(POINTS.get(kind, 0.0) * max(n, 0) for kind, n in done.items())
    return round(100 * (1 - math.exp(-points / HALF_ENGAGED)), 1)


def lifecycle(*, joined_days: int, last_days: int | None, gap_days: int | None) -> Lifecycle:
    """Return where a member stands.

    :param last_days: days since she last did something; None: never.
    :param gap_days: length of the pause before her present activity; None: none before.
    """
    if last_days is None:
        return Lifecycle.NEW if joined_days < NEW_DAYS else Lifecycle.VISITOR
    if joined_days < NEW_DAYS:
        return Lifecycle.NEW
    if last_days >= DORMANT_DAYS:
        return Lifecycle.DORMANT
    if last_days >= ACTIVE_DAYS:
        return Lifecycle.FADING
    return Lifecycle.RETURNING if gap_days is not None and gap_days >= DORMANT_DAYS else Lifecycle.ACTIVE


def _member(name: str, title: Any, formula: Any, unit: str = "count", window: str = "all") -> Metric:
    return Metric(name, "member", title, formula, unit, window)


def _community(name: str, title: Any, formula: Any, unit: str = "count", window: str = "chosen weeks") -> Metric:
    return Metric(name, "community", title, formula, unit, window)


def _account(name: str, title: Any, formula: Any, unit: str = "count", window: str = "all") -> Metric:
    return Metric(name, "account", title, formula, unit, window)


_ALL = (
    _member("joined", _l("Joined"), _l("The day the account was made."), "date"),
    _member("last_active", _l("Last active"), _l(
        "The last day on which she wrote, voted, thanked or followed."), "date"),
    _member("lifecycle", _l("Lifecycle"), _l(
        "New: joined less than 30 days ago. Active: did something in the last 30 days; returning, if after a pause of "
        "90 or more. Fading: 30 to 90 days ago. Dormant: longer. Visitor: never did anything."), "word"),
    _member("active_days", _l("Active days"), _l("Days on which she did at least one thing."), "days", "90 d"),
    _member("ideas_submitted", _l("Ideas"), _l("Ideas she proposed that can be seen.")),
    _member("ideas_shortlisted", _l("Ideas looked into"), _l("Those that came to review or beyond.")),
    _member("ideas_accepted", _l("Ideas planned"), _l("Those that were planned or came further.")),
    _member("ideas_shipped", _l("Ideas shipped"), _l("Those that were shipped.")),
    _member("idea_success", _l("Idea success"), _l(
        "Planned ideas in all of hers, shrunk by four imagined ideas at everybody’s mean."), "share"),
    _member("votes", _l("Votes"), _l("Votes of support that stand.")),
    _member("foresight", _l("Foresight"), _l(
        "Of the ideas she supported before the company had planned them, the share that was planned later; "
        "shrunk by four imagined votes at everybody’s mean."), "share"),
    _member("comments", _l("Comments"), _l("Comments she wrote.")),
    _member("questions", _l("Questions"), _l("Questions she asked.")),
    _member("answers", _l("Answers"), _l("Answers to others’ questions.")),
    _member("answers_accepted", _l("Accepted answers"), _l("Answers that those who asked accepted.")),
    _member("accepted_share", _l("Accepted share"), _l(
        "Lower end of the 95% Wilson interval of accepted in all answers."), "share"),
    _member("first_response_hours", _l("First response"), _l(
        "Median time from a question to her answer, where hers was the first."), "hours"),
    _member("engagement", _l("Engagement"), _l(
        "100 · (1 − exp(−points / 20)); points: idea 5, answer 4, accepted 4, comment 2, question 2, vote 1, "
        "thanks received 1, others ½."), "0–100", "30 d"),
    _member("top_topics", _l("Topics"), _l("The three topics she writes about most."), "words"),
    _member("expertise_percentile", _l("Expertise"), _l(
        "Her best place on any topic, as the share of ranked members she stands before or beside."), "percentile"),
    _member("influence_percentile", _l("Influence"), _l(
        "Share of members whose trust, propagated from staff and known customers, is lower."), "percentile"),
    _member("support_value", _l("Cases spared"), _l(
        "Accepted answers, and answers that solved it for somebody before she had asked.")),
    _member("reputation", _l("Reputation"), _l(
        "Points times the trust of whoever gave them, under caps a day, a thing and a pair; line by line on the page "
        "of your reputation."), "points"),
    _member("reputation_place", _l("Place by reputation"), _l(
        "By points, among those whom five people helped on seven days vouch for; none while it is too early.")),
    _member("trust_level", _l("Trust level"), _l(
        "0 to 4: by the lower end of the 95% interval of the share of ideas and answers that were well received, "
        "active days, and what moderators hid."), "level"),
    _member("badges", _l("Badges"), _l("Badges whose ground holds.")),
    _account("members", _l("Members"), _l("Members of this organisation.")),
    _account("members_active", _l("Active members"), _l("Those who did something."), "count", "30 d"),
    _account("penetration", _l("Penetration"), _l(
        "Active members in all members of the organisation."), "share", "30 d"),
    _account("ideas", _l("Ideas"), _l("Ideas its members proposed.")),
    _account("votes", _l("Votes"), _l("Votes of support of its members that stand.")),
    _account("questions", _l("Questions"), _l("Questions its members asked.")),
    _account("answers", _l("Answers"), _l("Answers its members gave to others.")),
    _account("innovation_share", _l("Innovation share"), _l("Its ideas in all ideas."), "share", "365 d"),
    _account("questions_late", _l("Questions past due"), _l(
        "Its open questions that nobody has answered for 48 hours.")),
    _account("gini", _l("Concentration"), _l(
        "Gini coefficient of what its members wrote: 0 when all write alike, near 1 when one writes all. "
        "Withheld below three members."), "0–1", "365 d"),
    _account("trend", _l("Trend"), _l(
        "What its members did against the 30 days before, as a change."), "share", "30 d"),
    _community("people", _l("People"), _l(
        "On one board, everybody who ever did something there; in all, members with an account as well."),
        "count", "all"),
    _community("active_month", _l("Active in a month"), _l(
        "People who wrote, voted, thanked or followed in the last 30 days."), "count", "30 d"),
    _community("stickiness", _l("A day in a month"), _l(
        "People active on a day, the median of 30 days, in all people active in these 30 days."), "share", "30 d"),
    _community("activation", _l("Activation"), _l(
        "Of those who came in the window at least seven days ago, the share that did something within seven days; "
        "95% interval by Wilson."), "share"),
    _community("tiers", _l("Engaged, casual, silent"), _l(
        "Engaged: as many contributions as weeks, or more. Casual: fewer. Silent: none; they may read and vote."),
        "share"),
    _community("gini", _l("Concentration"), _l(
        "Gini coefficient of contributions, among those who wrote and among all; 95% interval by 500 bootstrap draws."),
        "0–1"),
    _community("shares", _l("90-9-1"), _l(
        "What part of contributions the most active 1%, the next 9% and the other 90% of people wrote."), "share"),
    _community("retention", _l("Who comes back"), _l(
        "Of those who came in a month (or quarter), the share that did something in the n-th after it."),
        "share", "all"),
    _community("funnel", _l("Funnel"), _l(
        "Ideas that came to a stage or past it; the median time of those that did."), "count", "24 months"),
    _community("shipping", _l("Chance to be shipped"), _l(
        "Kaplan-Meier over ideas that came to review; those still open are censored today, declined ones stay in the "
        "count; 90% band from Greenwood’s variance."), "share", "24 months"),
    _community("first_answer", _l("Time to the first answer"), _l(
        "Kaplan-Meier median and ninth decile from a question to the first answer by somebody else; questions that "
        "still wait are censored."), "hours"),
)  # fmt: skip
REGISTRY: dict[tuple[str, str], Metric] = {(metric.subject, metric.name): metric for metric in _ALL}


def metrics_of(subject: str) -> list[Metric]:
    """Return the figures of members, accounts, boards or the whole community."""
    return [metric for metric in REGISTRY.values() if metric.subject == subject]
