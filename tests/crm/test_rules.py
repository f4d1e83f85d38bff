"""Decisions: what travels, who wins, how long to wait."""

import doctest
from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from portal.crm import rules
from portal.crm.rules import Policy, Purpose


def test_the_examples_hold() -> None:
    assert doctest.testmod(rules).failed == 0


def test_values_travel_as_the_crm_keeps_them() -> None:
    rome = timezone(timedelta(hours=1))
    values = rules.values_of(
        "contact",
        {
            "joined": datetime(2026, 11, 1, 13, 0, 0, 999, tzinfo=rome),
            "votes": 7,
            "tone": 1 / 3,
            "top_topics": ["a", "b"],
        },
    )
    assert values["portal_joined"] == "2026-11-01T12:00:00+00:00"
    assert values["portal_votes"] == 7
    assert values["portal_tone"] == 0.333333
    assert values["portal_top_topics"] == "a, b"
    assert values["portal_answers"] is None


def test_a_refused_purpose_leaves_its_fields_empty() -> None:
    values = rules.values_of("contact", {"votes": 7, "tone": 0.5}, purposes=[Purpose.SHARE])
    assert (values["portal_votes"], values["portal_tone"]) == (7, None)


def test_each_difference_has_its_winner() -> None:
    ours = {"portal_votes": 3, "portal_lifecycle": "active", "portal_top_topics": None}
    theirs = {"portal_votes": 4, "portal_lifecycle": "lost", "portal_top_topics": ""}
    later = rules.differences("contact", ours, theirs, changed_there_later=True)
    assert [(d.field, d.winner) for d in later] == [("portal_lifecycle", Policy.CRM), ("portal_votes", Policy.PORTAL)]
    before = rules.differences("contact", ours, theirs, changed_there_later=False)
    assert {d.winner for d in before} == {Policy.PORTAL}


@given(st.integers(0, 60), st.none() | st.floats(0, 1000), st.floats(0, 1))
def test_a_pause_is_never_shorter_than_asked_nor_longer_than_the_longest(
    failures: int, asked: float | None, chance: float
) -> None:
    pause = rules.pause(failures, asked, chance)
    assert pause >= (asked or 0)
    assert pause <= max(asked or 0, rules.LONGEST_PAUSE)


@given(st.floats(0.1, 50), st.integers(1, 40))
def test_a_bucket_lets_through_its_rate(rate: float, seconds: int) -> None:
    bucket, made, step = rules.Bucket(1.0, rate), 0, 0.05
    for _ in range(int(seconds / step)):
        while bucket.wait() == 0:
            bucket = bucket.without(1)
            made += 1
        bucket = bucket.after(step)
    assert made <= seconds * rate + max(1.0, rate) + 1


def test_a_champion_is_told_when_she_becomes_one() -> None:
    before = {"portal_answers": 9, "portal_accepted_share": 0.5, "portal_engagement": 80.0}
    after = {**before, "portal_answers": 10}
    assert rules.turning_points(before, after) == ["portal.member.champion_qualified"]
    assert rules.turning_points(after, after) == []
    assert rules.turning_points({}, after) == [], "a first sending is no turn"
