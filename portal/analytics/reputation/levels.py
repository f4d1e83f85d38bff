"""Trust levels: earned by the share of contributions that were well received, by its lower bound. Pure.

They rest on the last year and the last 90 days, and so they fade when nothing follows. Points open none of them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

WILSON_Z = 1.96
KNOWN_VOICE = 0.05
"""About one accepted answer by somebody whom the company knows."""
JUDGED_DAYS = 365
ACTIVE_DAYS = 90
FLAG_DAYS = 90
FLAGS_MOST = 3
"""With so many contributions hidden by moderators in 90 days one begins anew."""


class Level(IntEnum):
    """How far a member is trusted."""

    NEWCOMER = 0
    KNOWN = 1
    REGULAR = 2
    TRUSTED = 3
    PILLAR = 4


class Need(StrEnum):
    """What a level asks for."""

    VOICE = "voice"
    SHARE = "share"
    JUDGED = "judged"
    DAYS = "days"
    PEOPLE = "people"
    FLAGS = "flags"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known of a member.

    ``judged`` are her ideas and answers of a year, ``good`` those of them that somebody trusted received well;
    ``days`` those of 90 on which she was active; ``flags`` what moderators hid in 90 days.
    """

    staff: bool = False
    known: bool = False
    """The CRM knows her as a customer."""
    voice: float = 0.0
    good: int = 0
    judged: int = 0
    days: int = 0
    people: int = 0
    flags: int = 0

    @property
    def share(self) -> float:
        """Return the lower end of the 95% interval of the share that was well received."""
        return lower_bound(self.good, self.judged)


@dataclass(frozen=True, slots=True)
class Rung:
    """What one level asks for."""

    share: float
    judged: int
    days: int
    people: int


RUNGS: Mapping[Level, Rung] = {
    Level.REGULAR: Rung(share=0.15, judged=3, days=5, people=2),
    Level.TRUSTED: Rung(share=0.30, judged=8, days=12, people=5),
    Level.PILLAR: Rung(share=0.45, judged=20, days=25, people=10),
}


@dataclass(frozen=True, slots=True)
class Missing:
    """What stands between a member and the next level: how much there is, and how much it takes."""

    need: Need
    has: float
    wants: float


def lower_bound(good: int, judged: int, z: float = WILSON_Z) -> float:
    """Return the lower end of the interval of a share.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference".

    >>> lower_bound(0, 0), round(lower_bound(8, 10), 3)
    (0.0, 0.49)
    """
    if judged <= 0:
        return 0.0
    share, extra = min(good, judged) / judged, z * z / judged
    spread = z * math.sqrt(share * (1 - share) / judged + extra / (4 * judged))
    return max(0.0, (share + extra / 2 - spread) / (1 + extra))


def level_of(signs: Signs) -> Level:
    """Return the level that the signs earn; each level asks for all below it.

    >>> level_of(Signs(known=True)).name, level_of(Signs()).name
    ('KNOWN', 'NEWCOMER')
    """
    if signs.staff:
        return Level.PILLAR
    level = Level.NEWCOMER
    for rung in Level:
        if rung > Level.NEWCOMER and missing(signs, rung):
            break
        level = rung
    return level


def missing(signs: Signs, level: Level) -> list[Missing]:
    """Return what is missing for one level; nothing when it is earned."""
    if signs.flags >= FLAGS_MOST or (signs.flags and level > Level.KNOWN):
        allowed = FLAGS_MOST - 1 if level <= Level.KNOWN else 0
        return [Missing(Need.FLAGS, signs.flags, allowed)]
    found = []
    if not signs.known and signs.voice < KNOWN_VOICE:
        found.append(Missing(Need.VOICE, signs.voice, KNOWN_VOICE))
    rung = RUNGS.get(level)
    if rung is not None:
        wanted = (
            (Need.SHARE, signs.share, rung.share),
            (Need.JUDGED, signs.judged, rung.judged),
            (Need.DAYS, signs.days, rung.days),
            (Need.PEOPLE, signs.people, rung.people),
        )
        found += [Missing(need, has, wants) for need, has, wants in wanted if has < wants]
    return found
