"""What others may ask of reputation: plain values and frozen dataclasses."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from portal.analytics.reputation import given, queries
from portal.analytics.reputation.given import BenefitLine
from portal.analytics.reputation.levels import Level, Missing, Signs, missing
from portal.analytics.reputation.queries import BadgeCard, Sum
from portal.members import facade as members
from portal.members.policy import Viewer
from portal.members.rules import Purpose

_SIGNS = {one.name for one in fields(Signs)}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a member stands, as far as the reader may know: level, badges, and the sum with its place.

    ``sum`` is for the member herself and for the company; others see the place only, if she agrees to profiling.
    """

    level: Level
    badges: Sequence[BadgeCard]
    place: int | None = None
    ranked: int = 0
    sum: Sum | None = None
    credits: Sequence[BenefitLine] = ()
    """Credit that she was given for ideas that shipped, and took."""

    @property
    def top_percent(self) -> int | None:
        """Return among which first per cent of the ranked members this one is, at least 1."""
        return max(1, round(100 * self.place / self.ranked)) if self.place is not None and self.ranked else None


@dataclass(frozen=True, slots=True)
class Climb:
    """Where a member stands on the way up: her signs, since when, the next level and what it takes."""

    level: Level
    since: datetime | None
    signs: Signs
    next: Level | None
    missing: Sequence[Missing]


def may_see_all(viewer: Viewer, member_id: int) -> bool:
    """Return whether the reader sees every line: the member herself, and staff."""
    return viewer.member_id == member_id or viewer.is_staff


def standing_of(member_id: int, viewer: Viewer) -> Standing:
    """Return how a member stands."""
    level = Level(queries.levels([member_id]).get(member_id, 0))
    badges = queries.badges_of([member_id]).get(member_id, [])
    found = queries.sum_of(member_id)
    thanks = [one for one in given.benefits_of(member_id) if (one.kind, one.state) == ("credit", "claimed")]
    if may_see_all(viewer, member_id):
        return Standing(level, badges, found.place, found.ranked, found, thanks)
    if member_id not in members.consents([member_id], Purpose.PROFILING):
        return Standing(level, badges, credits=thanks)
    return Standing(level, badges, found.place, found.ranked, credits=thanks)


def climb_of(member_id: int) -> Climb:
    """Return what a member's level rests on, and what opens the next one."""
    row = queries.standings([member_id]).get(member_id)
    signs = Signs(**{name: value for name, value in row.signs.items() if name in _SIGNS}) if row else Signs()
    level = Level(queries.levels([member_id]).get(member_id, 0))
    following = Level(level + 1) if level < max(Level) else None
    return Climb(level, row.since if row else None, signs, following, missing(signs, following) if following else [])


def figures_of(member_ids: Collection[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return the figures that reputation adds to those of members."""
    sums, badges, levels = queries.sums_of(member_ids), queries.badges_of(member_ids), queries.levels(member_ids)
    return {
        member_id: {
            "reputation": round(sums[member_id].points, 3),
            "reputation_place": sums[member_id].place,
            "trust_level": levels.get(member_id, 0),
            "badges": len(badges.get(member_id, ())),
        }
        for member_id in member_ids
    }
