"""What time it is, always with its zone."""

from datetime import UTC, date, datetime


def now() -> datetime:
    """Return this moment in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Return the current day in UTC."""
    return now().date()
