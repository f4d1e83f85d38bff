"""Between the first proof and the second: the password was right, and nobody is signed in yet.

What is remembered stands in the signed session cookie, for ten minutes. It opens nothing by itself, and is worth
nothing once the password or the address has been changed.
"""

import time
from dataclasses import dataclass

from flask import session

from portal.members import queries
from portal.members.models import Member
from portal.members.rules import own_path

KEY = "halfway"
SECONDS = 600
PAGE = "/sign-in/second"


@dataclass(frozen=True, slots=True)
class Halfway:
    """Who showed the first proof, and where she wanted to go."""

    member: Member
    way: str
    remember: bool
    next_path: str


def stop_here(member: Member, *, way: str, remember: bool, next_path: str | None) -> str:
    """Remember who showed the first proof; return the page that asks for the second."""
    session[KEY] = {
        "id": member.id,
        "mark": member.fs_uniquifier,
        "way": way,
        "remember": remember,
        "next": own_path(next_path),
        "at": int(time.time()),
    }
    return PAGE


def who_is_halfway() -> Halfway | None:
    """Return who showed the first proof a short while ago, if anybody did from this browser."""
    kept = session.get(KEY)
    if not isinstance(kept, dict) or time.time() - kept["at"] > SECONDS:
        return None
    member = queries.member_by_uniquifier(str(kept["mark"]))
    if member is None or member.id != kept["id"] or not member.active:
        return None
    return Halfway(member, str(kept["way"]), bool(kept["remember"]), own_path(kept["next"]))


def forget() -> None:
    """Begin anew."""
    session.pop(KEY, None)
