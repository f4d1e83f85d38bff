"""How long things are kept: each feature says it once; the nightly job keeps to it, and the privacy page shows it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal.kernel.clock import now

Forgetter = Callable[[datetime], Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that is kept for a number of days: what it is, in the reader's language, and who throws it away."""

    name: str
    days: int
    what: Any
    forget: Forgetter | None


_kept: dict[str, Kept] = {}


def keep(name: str, *, days: int, what: Any, forget: Forgetter | None = None) -> None:
    """Say how long something is kept.

    :param what: a lazily translated sentence.
    :param forget: throws away what is older than the moment it is given; None when a job of its own does.
    """
    _kept[name] = Kept(name, days, what, forget)


def kept() -> list[Kept]:
    """Return everything that is kept for a time, the shortest first."""
    return sorted(_kept.values(), key=lambda one: (one.days, one.name))


def forget_what_is_old() -> list[str]:
    """Throw away what is older than it may be; return the names of what was looked at. A repeat finds nothing."""
    done = []
    for one in _kept.values():
        if one.forget is not None:
            one.forget(now() - timedelta(days=one.days))
            done.append(one.name)
    return done
