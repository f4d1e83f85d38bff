"""Segments by rule: which members a rule over CRM attributes, place and kind takes in. Pure.

A rule is ``{"all": [condition, …]}`` or ``{"any": [condition, …]}``. A condition names a field of the member by a
dotted path and what its value must be: ``in`` and ``not_in`` a list, or, for a field that is itself a list, ``has``
one of a list.
"""

from collections.abc import Mapping
from typing import Any

OPERATORS = ("in", "not_in", "has")


def belongs(rule: Mapping[str, Any], about: Mapping[str, Any]) -> bool:
    """Return whether somebody, described by nested values, is in a segment.

    :raise ValueError: for a rule that cannot be read.
    """
    if set(rule) not in ({"all"}, {"any"}):
        raise ValueError(rule)
    joined = all if "all" in rule else any
    return joined(_holds(condition, about) for condition in rule.get("all", rule.get("any", ())))


def _holds(condition: Mapping[str, Any], about: Mapping[str, Any]) -> bool:
    operators = [name for name in OPERATORS if name in condition]
    if len(operators) != 1 or "field" not in condition:
        raise ValueError(condition)
    value, wanted = _value(condition["field"], about), condition[operators[0]]
    match operators[0]:
        case "in":
            return value in wanted
        case "not_in":
            return value not in wanted
        case _:
            return isinstance(value, list) and not set(value).isdisjoint(wanted)


def _value(path: str, about: Mapping[str, Any]) -> Any:
    found: Any = about
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found
