"""Figures and times as the reader writes them, cheap enough for long lists.

Each function reads the language of the current request once; what Babel says is remembered per language.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from babel import dates, numbers
from markupsafe import Markup

from portal.kernel import clock, speech

MINUTE, HOUR, DAY, WEEK, MONTH, YEAR = 60, 3600, 86400, 604800, 2629746, 31556952
Unit = Literal["year", "month", "week", "day", "hour", "minute", "second"]
_UNITS: tuple[tuple[Unit, int, int], ...] = (
    ("year", YEAR, YEAR),
    ("month", MONTH, 8 * WEEK),
    ("week", WEEK, 2 * WEEK),
    ("day", DAY, DAY),
    ("hour", HOUR, HOUR),
    ("minute", MINUTE, MINUTE),
)
NOTHING = "–"


def language() -> str:
    """Return the two letters of the reader's language."""
    locale = speech.locale()
    return locale.language if locale is not None else "en"


def number(value: float | None, digits: int = 0) -> str:
    """Return ``1,066`` or ``1.066``; ``digits`` after the point."""
    return NOTHING if value is None else _number(round(value, digits) if digits else round(value), digits, _area())


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share of one as ``52%``."""
    return NOTHING if share is None else _number(round(share * 100, digits), digits, _area()) + "%"


def signed(value: float | None, digits: int = 0, unit: str = "") -> str:
    """Return ``+38`` or ``−18`` with a true minus sign; nothing before zero."""
    if value is None:
        return NOTHING
    rounded = round(value, digits)
    sign = "+" if rounded > 0 else "\N{MINUS SIGN}" if rounded < 0 else ""
    return f"{sign}{_number(abs(rounded), digits, _area())}{unit}"


def money(value: float | None, currency: str = "€") -> str:
    """Return ``€ 388k``: short, because the exact sum belongs to the CRM."""
    if value is None:
        return NOTHING
    return f"{currency}\N{NO-BREAK SPACE}{compact(value)}"


def compact(value: float | None) -> str:
    """Return ``1,240`` as ``1.2k``."""
    if value is None:
        return NOTHING
    for limit, letter in ((1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            unit = 1e6 if letter == "M" else 1e3
            return number(value / unit, 1 if abs(value) < 10 * unit else 0) + letter
    return number(value)


def day(value: date | datetime | None, *, year: bool | None = None) -> str:
    """Return ``14 September``, with the year when it is another than this one."""
    if value is None:
        return NOTHING
    when = _as_date(value)
    shown = when.year != clock.today().year if year is None else year
    return _day(when, "d MMMM y" if shown else "d MMMM", _area())


def short_day(value: date | datetime | None) -> str:
    """Return ``14 Sep`` for axes and narrow columns."""
    return NOTHING if value is None else _day(_as_date(value), "d MMM", _area())


def month(value: date | datetime | None) -> str:
    """Return ``September`` for cohorts, with the year when it is another than this one."""
    if value is None:
        return NOTHING
    when = _as_date(value)
    return _day(when, "LLLL" if when.year == clock.today().year else "LLL y", _area())


def moment(value: datetime | None) -> str:
    """Return ``14 September, 16:42`` in UTC."""
    return NOTHING if value is None else f"{day(value)}, {value:%H:%M}"


def ago(value: datetime | None) -> Markup:
    """Return ``<time>`` with ``3 hours ago``, or the day when it is more than a fortnight past."""
    if value is None:
        return Markup(NOTHING)  # noqa: S704
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.isoformat(timespec="seconds"), moment(value), since(value)
    )


def since(value: datetime) -> str:
    """Return how long ago something was in words, without markup."""
    seconds = (clock.now() - value).total_seconds()
    if seconds >= 2 * WEEK:
        return day(value)
    return _relative(*_in_units(max(seconds, 0)), _area())


def time_of(value: date | datetime | None) -> Markup:
    """Return ``<time>`` with the day."""
    if value is None:
        return Markup(NOTHING)  # noqa: S704
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), day(value))


def duration(value: float | timedelta | None) -> str:
    """Return seconds as ``2 h 10 min``, ``14 h``, ``3 days``: two units at most."""
    if value is None:
        return NOTHING
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds >= 2 * DAY:
        return _length(round(seconds / DAY), "day", _area())
    if seconds >= HOUR:
        hours, minutes = divmod(round(seconds / MINUTE), 60)
        return f"{hours} h {minutes} min" if minutes and hours < 10 else f"{hours} h"  # noqa: PLR2004
    if seconds >= MINUTE:
        return f"{round(seconds / MINUTE)} min"
    return f"{number(seconds, 0 if seconds >= 10 or seconds == 0 else 1)} s"  # noqa: PLR2004


def initials(name: str) -> str:
    """Return the two letters that stand in a member's face."""
    parts = [part for part in name.split() if part[:1].isalnum()]
    if not parts:
        return name[:1].upper() or "?"
    return (parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")).upper()


def _area() -> str:
    return {"it": "it_IT", "en": "en_GB"}.get(language(), language())


def _as_date(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def _in_units(seconds: float) -> tuple[int, Unit]:
    for unit, size, least in _UNITS:
        if seconds >= least:
            return int(seconds // size), unit
    return 0, "second"


@lru_cache(maxsize=8192)
def _number(value: float, digits: int, area: str) -> str:
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return str(numbers.format_decimal(value, format=pattern, locale=area)).replace("-", "\N{MINUS SIGN}")


@lru_cache(maxsize=4096)
def _day(value: date, pattern: str, area: str) -> str:
    return str(dates.format_date(value, pattern, locale=area))


@lru_cache(maxsize=1024)
def _relative(amount: int, unit: Unit, area: str) -> str:
    if not amount:
        return "adesso" if area.startswith("it") else "just now"
    sizes = {"minute": MINUTE, "hour": HOUR, "day": DAY, "week": WEEK, "month": MONTH, "year": YEAR}
    delta = timedelta(seconds=-amount * sizes[unit])
    return str(dates.format_timedelta(delta, granularity=unit, threshold=9999, add_direction=True, locale=area))


@lru_cache(maxsize=1024)
def _length(amount: int, unit: Unit, area: str) -> str:
    size = {"day": DAY, "week": WEEK}[str(unit)]
    return str(dates.format_timedelta(timedelta(seconds=amount * size), granularity=unit, threshold=9999, locale=area))
