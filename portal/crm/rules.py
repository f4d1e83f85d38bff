"""What goes to a CRM, for which purpose, who wins when two values differ, and how long to wait. Pure."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

Kind = Literal["contact", "account"]
Value = str | int | float | bool | None
SHRINK_AFTER = 3
GIVE_UP_AFTER = 8
SHORTEST_PAUSE = 2.0
LONGEST_PAUSE = 300.0
DIGITS = 6
TEXT_MOST = 500
FEWEST = 3
"""Sums over an organisation's members are withheld below this many."""
PRESENT, LEAVING = {"new", "active", "returning"}, {"fading", "dormant"}
CHAMPION = {"portal_answers": 10, "portal_accepted_share": 0.3, "portal_engagement": 50.0}
"""At least so much of each makes a champion: often there, and useful to others."""
COUNTED = {"members", "members_active", "penetration"}


class Policy(StrEnum):
    """Who wins when the CRM holds another value than the one that was sent."""

    PORTAL = "portal"
    CRM = "crm"
    NEWEST = "newest"


class Purpose(StrEnum):
    """Why a field is sent; a member may refuse a purpose, and then the field is empty."""

    SHARE = "share"
    PROFILING = "profiling"


@dataclass(frozen=True, slots=True)
class Field:
    """One figure of ours and the field of the CRM that holds it."""

    figure: str
    field: str
    type: str
    purpose: Purpose
    policy: Policy = Policy.PORTAL


def _share(figure: str, type_: str, field: str = "") -> Field:
    return Field(figure, f"portal_{field or figure}", type_, Purpose.SHARE)


def _profile(figure: str, type_: str, *, policy: Policy = Policy.PORTAL) -> Field:
    return Field(figure, f"portal_{figure}", type_, Purpose.PROFILING, policy)


WHOLE, NUMBER, TEXT, TIME, YES_NO = "whole number", "number", "text", "time", "yes or no"
FIELDS: Mapping[Kind, tuple[Field, ...]] = {
    "contact": (
        _share("url", TEXT),
        _share("joined", TIME),
        _share("last_active", TIME),
        _profile("lifecycle", TEXT, policy=Policy.NEWEST),
        _share("active_days", WHOLE),
        _share("ideas_submitted", WHOLE),
        _share("ideas_shortlisted", WHOLE),
        _share("ideas_accepted", WHOLE),
        _share("ideas_shipped", WHOLE),
        _profile("idea_success", NUMBER),
        _share("votes", WHOLE),
        _profile("foresight", NUMBER),
        _share("comments", WHOLE),
        _share("questions", WHOLE),
        _share("answers", WHOLE),
        _share("answers_accepted", WHOLE),
        _profile("accepted_share", NUMBER),
        _profile("first_response_hours", NUMBER),
        _profile("engagement", NUMBER),
        _profile("top_topics", TEXT),
        _profile("expertise_percentile", NUMBER),
        _profile("influence_percentile", NUMBER),
        _profile("support_value", NUMBER),
        _profile("tone", NUMBER),
        _share("consent", YES_NO),
    ),
    "account": (
        _share("members", WHOLE),
        _share("members_active", WHOLE),
        _share("penetration", NUMBER),
        _share("ideas", WHOLE, "account_ideas"),
        _share("votes", WHOLE, "account_votes"),
        _share("questions", WHOLE, "account_questions"),
        _share("answers", WHOLE, "account_answers"),
        _share("innovation_share", NUMBER),
        _share("questions_late", WHOLE),
        _share("gini", NUMBER),
        _share("trend", NUMBER),
    ),
}


def wanted_fields() -> dict[Kind, dict[str, str]]:
    """Return the CRM's fields that we need, name to type, by kind."""
    return {kind: {field.field: field.type for field in fields} for kind, fields in FIELDS.items()}


def values_of(
    kind: Kind, figures: Mapping[str, Any], *, purposes: Collection[Purpose] = tuple(Purpose)
) -> dict[str, Value]:
    """Return the CRM's fields with the figures in them; those of a refused purpose are empty."""
    return {
        field.field: as_sent(field.type, figures.get(field.figure)) if field.purpose in purposes else None
        for field in FIELDS[kind]
    }


def as_sent(type_: str, value: Any) -> Value:
    """Return a figure as it travels: whole seconds of UTC, six digits, lists joined by commas.

    >>> as_sent("number", 0.1234567)
    0.123457
    """
    if value is None:
        return None
    if type_ == TIME:
        return _moment(value)
    if type_ == TEXT:
        text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        return text[:TEXT_MOST] or None
    if type_ == NUMBER:
        return round(float(value), DIGITS)
    return bool(value) if type_ == YES_NO else int(value)


def _moment(value: datetime | str) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def fingerprint(values: Any) -> str:
    """Return a digest that is the same for the same values."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that holds something else over there than what was sent."""

    field: str
    ours: Value
    theirs: Value
    winner: Policy


def differences(
    kind: Kind, ours: Mapping[str, Value], theirs: Mapping[str, Value], *, changed_there_later: bool
) -> list[Difference]:
    """Compare what was sent with what is there, and say for each difference who wins.

    An empty text and nothing are the same, as are yes-or-no that is no and nothing.
    """
    return [
        Difference(field.field, mine, yours, _winner(field.policy, changed_there_later=changed_there_later))
        for field in FIELDS[kind]
        if field.field in ours
        for mine, yours in [(ours[field.field], theirs.get(field.field))]
        if not same(field.type, mine, yours)
    ]


def same(type_: str, mine: Value, yours: Value) -> bool:
    """Return whether two values mean the same in a CRM."""
    if type_ in {TEXT, YES_NO} and not mine and not yours:
        return True
    if type_ == NUMBER and isinstance(mine, (int, float)) and isinstance(yours, (int, float)):
        return bool(abs(mine - yours) <= 10.0**-DIGITS)
    return mine == yours


def _winner(policy: Policy, *, changed_there_later: bool) -> Policy:
    if policy is not Policy.NEWEST:
        return policy
    return Policy.CRM if changed_there_later else Policy.PORTAL


def pause(failures: int, asked: float | None, chance: float) -> float:
    """Return the seconds until the next try: full jitter (Brooker 2015) under a bound that doubles.

    It is never less than the CRM asked for.

    :param chance: a random number from 0 to 1.
    """
    bound: float = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2.0 ** min(failures, 20))
    return max(asked or 0.0, chance * bound)


def narrowed(rows: int, suspects: int, before: int | None) -> int | None:
    """Return how many rows the next batch may have after one failed in which a row may be the cause.

    >>> narrowed(200, 2, None), narrowed(200, 3, None), narrowed(1, 9, 1)
    (None, 100, 1)
    """
    return max(1, rows // 2) if suspects >= SHRINK_AFTER else before


def widened(before: int | None, limit: int) -> int | None:
    """Return how many rows the next batch may have after one arrived; None lifts the bound.

    >>> widened(None, 200), widened(30, 200), widened(100, 200)
    (None, 60, None)
    """
    return None if before is None or before * 2 >= limit else before * 2


def gives_up(tries: int, rows: int) -> bool:
    """Return whether a row that fails alone has failed often enough to be put aside."""
    return rows == 1 and tries >= GIVE_UP_AFTER


@dataclass(frozen=True, slots=True)
class Bucket:
    """Calls that may be made now. It fills by ``rate`` a second up to one second's worth, or one call."""

    tokens: float
    rate: float

    def after(self, seconds: float) -> "Bucket":
        """Return the bucket some seconds later."""
        return Bucket(min(max(self.rate, 1.0), self.tokens + seconds * self.rate), self.rate)

    def wait(self) -> float:
        """Return the seconds until a call may be made."""
        return 0.0 if self.rate <= 0 or self.tokens >= 1 else (1 - self.tokens) / self.rate

    def without(self, calls: int) -> "Bucket":
        """Return the bucket after some calls."""
        return Bucket(self.tokens - calls, self.rate)


def halves(rows: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Cut a refused batch in two, to find the row it was refused for."""
    middle = len(rows) // 2
    return rows[:middle], rows[middle:]


def withheld(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return an organisation's figures without the sums over too few members.

    >>> withheld({"members": 2, "votes": 9}), withheld({"members": 3, "votes": 9})
    ({'members': 2}, {'members': 3, 'votes': 9})
    """
    few = (figures.get("members") or 0) < FEWEST
    return {name: value for name, value in figures.items() if not few or name in COUNTED}


def turning_points(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[str]:
    """Return what the company may want to act upon when a contact's figures have moved, by its CloudEvents name.

    >>> turning_points({"portal_lifecycle": "active"}, {"portal_lifecycle": "fading"})
    ['portal.member.churn_signal']
    """
    if not before:
        return []
    found = []
    if before.get("portal_lifecycle") in PRESENT and after.get("portal_lifecycle") in LEAVING:
        found.append("portal.member.churn_signal")
    if is_champion(after) and not is_champion(before):
        found.append("portal.member.champion_qualified")
    return found


def is_champion(values: Mapping[str, Value]) -> bool:
    """Return whether these figures are those of somebody to thank and to ask."""
    return all(
        isinstance(amount := values.get(name), (int, float)) and amount >= least for name, least in CHAMPION.items()
    )
