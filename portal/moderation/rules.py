"""What moderators may decide, what waits for them, and in which order."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Reason(StrEnum):
    """Why a member flags something, and why a moderator hides it."""

    SPAM = "spam"
    ABUSE = "abuse"
    PRIVATE = "private"
    OFF_TOPIC = "off_topic"
    DUPLICATE = "duplicate"
    OTHER = "other"


class Queue(StrEnum):
    """The three lists of what waits."""

    POST = "post"
    DUPLICATE = "duplicate"
    APPEAL = "appeal"


class Verb(StrEnum):
    """What a moderator does."""

    APPROVE = "approve"
    HIDE = "hide"
    SPAM = "spam"
    RESTORE = "restore"
    REPHRASE = "rephrase"
    EDIT = "edit"
    SPLIT = "split"
    MOVE = "move"
    MERGE = "merge"
    DISTINCT = "distinct"
    SUSPEND = "suspend"
    LIFT = "lift"
    PURGE = "purge"
    SET_ASIDE = "set_aside"


APPEALABLE = frozenset({Verb.HIDE, Verb.SPAM, Verb.EDIT, Verb.SPLIT, Verb.MERGE, Verb.MOVE, Verb.SUSPEND, Verb.PURGE,
                        Verb.SET_ASIDE})  # fmt: skip
"""What its author may appeal against."""
UNDO_DAYS = 30
TERMS = {"day": 1, "3_days": 3, "week": 7, "month": 30, "quarter": 90, "good": 36_500}
"""How long a suspension may last, in days."""
OPT_OUT_DAYS = 14
WORDS_MAX = 2000
FLAG_WORDS_MAX = 500

NEWCOMER_DAYS = 30
NEWCOMER_POSTS = 5
FIRST_POSTS = 1
"""So many posts of a newcomer wait, where a board does not say otherwise."""

HELD_FROM = 0.9
SUSPECTED_FROM = 0.7
SAME_FROM = 0.5
HOURS = {Reason.SPAM: 12, Reason.ABUSE: 24, Reason.PRIVATE: 72, Reason.OFF_TOPIC: 4, Reason.DUPLICATE: 2,
         Reason.OTHER: 8}  # fmt: skip
"""What a flag is worth: as urgent as a thing without flags that has waited for so many hours longer."""
HELD_HOURS = 6
APPEAL_HOURS = 24
SPAM_HOURS = 24
VOTER_HOURS = 3
"""New voters who came together on one idea: times the root of their number."""
JUST_OPENED = 0.5
"""Where so large a share of all accounts is new, new voters are nothing to tell moderators of."""
LOOKED_AGAIN = 2
"""A crowd that a moderator has looked at is told of again when it has grown so many times."""
EPOCH = datetime.fromisoformat("2026-01-01T00:00:00+00:00")

FLAGS_A_DAY = 20
FEWEST_FLAGS = 3
FLAGS_REMEMBERED = 20


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What the rule must know of somebody who posts."""

    staff: bool
    trust_level: int
    joined_days: int
    by_herself: bool
    seen_posts: int
    """Posts of hers that can be seen, counted up to `NEWCOMER_POSTS`."""


def is_newcomer(who: Newcomer) -> bool:
    """Return whether nobody knows yet how somebody writes: she came by herself, lately, and has written little."""
    return (
        not who.staff
        and who.trust_level == 0
        and who.by_herself
        and who.joined_days < NEWCOMER_DAYS
        and who.seen_posts < NEWCOMER_POSTS
    )


def why_hold(who: Newcomer, *, first_posts: int, links: bool, has_link: bool, spam: float) -> list[str]:
    """Return why a post is looked at before it is shown; nothing when it may be seen at once."""
    if not is_newcomer(who):
        return []
    whys = []
    if who.seen_posts < first_posts:
        whys.append("first_posts")
    if links and has_link:
        whys.append("links")
    if spam >= HELD_FROM:
        whys.append("spam")
    return whys


def urgency(why: Mapping[str, object], *, opened_at: datetime, visible: bool = True) -> float:
    """Return the place in the queue, the highest first: hours of waiting since a fixed day, and what adds to them.

    A thing with weight W stands where a thing without would stand that came W hours earlier; so nothing waits for ever.
    """
    hours = 0.0
    flags = why.get("flags")
    if isinstance(flags, dict):
        worth = sum(HOURS.get(Reason(reason), 0) * math.sqrt(count) for reason, count in flags.items())
        hours += worth if visible else worth / 4
    if isinstance(spam := why.get("spam"), int | float):
        hours += SPAM_HOURS * float(spam) if visible else 0.0
    if isinstance(voters := why.get("voters"), int):
        hours += VOTER_HOURS * math.sqrt(voters)
    if why.get("held"):
        hours += HELD_HOURS
    if why.get("appeal"):
        hours += APPEAL_HOURS
    return hours - (opened_at - EPOCH) / timedelta(hours=1)


def flags_a_day(outcomes: Sequence[str | None]) -> int:
    """Return how many flags a member may raise in a day: fewer, the more of her last ones were not right.

    :param outcomes: of her last decided flags, ``upheld`` or ``rejected``.
    """
    last = list(outcomes)[:FLAGS_REMEMBERED]
    right = (last.count("upheld") + 2) / (len(last) + 2)
    return max(FEWEST_FLAGS, round(FLAGS_A_DAY * right))


def why_not_suspend(*, actor_id: int, member_id: int, staff: bool, admin: bool, actor_is_admin: bool) -> str | None:
    """Return why somebody cannot be suspended, or None."""
    if actor_id == member_id:
        return "self"
    if admin:
        return "admin"
    if staff and not actor_is_admin:
        return "staff"
    return None


def why_not_undo(*, undone: bool, at: datetime, moment: datetime, later: bool) -> str | None:
    """Return why an act cannot be undone, or None."""
    if undone:
        return "undone"
    if later:
        return "later"
    if moment - at > timedelta(days=UNDO_DAYS):
        return "old"
    return None


def why_not_appeal(verb: str, *, author_id: int | None, member_id: int, undone: bool, appealed: bool) -> str | None:
    """Return why a decision cannot be appealed against, or None."""
    if author_id != member_id:
        return "not_yours"
    if verb not in APPEALABLE:
        return "verb"
    if undone:
        return "undone"
    return "once" if appealed else None
