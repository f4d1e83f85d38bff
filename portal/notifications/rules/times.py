"""When a member may be reached: quiet hours and the hour of her digest, in her own time zone. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

DEFAULT_ZONE = "Europe/Rome"
QUIET_FROM, QUIET_TO = 21, 8
SUNDAY = 6
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
LATEST = {"daily": timedelta(hours=12), "weekly": timedelta(days=3)}
"""How long after its hour a digest is still sent when nobody was there to send it."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
HOURLY = 6
"""So many mails of notices a member gets within an hour; the rest waits and goes as one."""
GIVEN_UP_AFTER = timedelta(days=4)
"""A mail that could not leave for so long is old news; it stands in the page."""


class Rhythm(StrEnum):
    """How often a digest comes."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Clock:
    """A member's own time: her zone and the hours in which nothing is sent (``quiet_from`` = ``quiet_to``: none)."""

    zone: str = DEFAULT_ZONE
    quiet_from: int = QUIET_FROM
    quiet_to: int = QUIET_TO

    def local(self, moment: datetime) -> datetime:
        """Return a moment by her clock."""
        return moment.astimezone(zone(self.zone))

    def is_quiet(self, moment: datetime) -> bool:
        """Return whether nothing is to be sent now."""
        hour = self.local(moment).hour
        if self.quiet_from <= self.quiet_to:
            return self.quiet_from <= hour < self.quiet_to
        return hour >= self.quiet_from or hour < self.quiet_to

    def when(self, moment: datetime) -> datetime:
        """Return the moment itself, or the end of the quiet hours it lies in, in UTC."""
        if not self.is_quiet(moment):
            return moment
        here = self.local(moment)
        day = here.date() + (DAY if here.hour >= self.quiet_to else timedelta())
        return at(day, self.quiet_to, self.zone)


@lru_cache(maxsize=600)
def zone(name: str) -> ZoneInfo:
    """Return a time zone; the default one for a name that is none."""
    return ZoneInfo(name if name in known_zones() else DEFAULT_ZONE)


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """Return the names of places (``Europe/Rome``) and UTC."""
    return frozenset(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")) | {"UTC"}


def at(day: date, hour: int, name: str) -> datetime:
    """Return an hour of a local day, in UTC. An hour that the clocks skip is the one after it."""
    local = datetime.combine(day, time(hour), zone(name))
    return local.astimezone(UTC)


def digest_slot(moment: datetime, *, rhythm: str, weekday: int, hour: int, name: str) -> datetime | None:
    """Return the last hour, not after this moment, at which a digest was to come; None without a rhythm."""
    if rhythm not in {Rhythm.DAILY, Rhythm.WEEKLY}:
        return None
    day = moment.astimezone(zone(name)).date()
    if rhythm == Rhythm.WEEKLY:
        day -= timedelta(days=(day.weekday() - weekday) % 7)
    slot = at(day, hour, name)
    step = WEEK if rhythm == Rhythm.WEEKLY else DAY
    return slot if slot <= moment else at(day - step, hour, name)


def digest_is_due(slot: datetime | None, *, seen_to: datetime | None, moment: datetime, rhythm: str) -> bool:
    """Return whether the digest of a slot is to be made now: not seen to yet, and not too late for it."""
    if slot is None or (seen_to is not None and seen_to >= slot):
        return False
    return moment - slot <= LATEST[rhythm]


def since_of(slot: datetime, rhythm: str) -> datetime:
    """Return from when on a digest tells."""
    return slot - (WEEK if rhythm == Rhythm.WEEKLY else DAY)


def pause_after(tries: int) -> timedelta:
    """Return how long to wait after so many failures: doubling, an hour at most."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(tries, 12)))
