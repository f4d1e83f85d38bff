"""Quiet hours, time zones and the hour of a digest: worked examples."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.notifications.rules.times import (
    LATEST,
    LONGEST_PAUSE,
    Clock,
    digest_is_due,
    digest_slot,
    known_zones,
    pause_after,
    zone,
)

ROME, SUNDAY = "Europe/Rome", 6


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        ("2026-11-22T12:00", "2026-11-22T12:00"),
        ("2026-11-22T20:30", "2026-11-23T07:00"),
        ("2026-11-23T02:00", "2026-11-23T07:00"),
        ("2026-11-23T06:59", "2026-11-23T07:00"),
        ("2026-11-23T07:00", "2026-11-23T07:00"),
        ("2026-07-01T19:30", "2026-07-02T06:00"),
    ],
)
def test_what_comes_in_the_night_waits_for_eight_in_rome(moment: str, sent: str) -> None:
    assert Clock().when(utc(moment)) == utc(sent)


def test_who_has_no_quiet_hours_hears_at_once() -> None:
    assert Clock(ROME, 0, 0).when(utc("2026-11-23T02:00")) == utc("2026-11-23T02:00")


def test_quiet_hours_may_lie_within_a_day() -> None:
    clock = Clock("UTC", 13, 15)
    assert clock.when(utc("2026-11-23T14:10")) == utc("2026-11-23T15:00")
    assert clock.when(utc("2026-11-23T15:00")) == utc("2026-11-23T15:00")


@given(
    seconds=st.integers(0, 500_000_000),
    name=st.sampled_from(["Europe/Rome", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"]),
    begin=st.integers(0, 23),
    end=st.integers(0, 23),
)
def test_nothing_is_ever_sent_in_quiet_hours_nor_before_it_happened(
    seconds: int, name: str, begin: int, end: int
) -> None:
    clock, at = Clock(name, begin, end), utc("2020-01-01T00:00") + timedelta(seconds=seconds)
    sent = clock.when(at)
    assert at <= sent < at + timedelta(hours=26)
    assert not clock.is_quiet(sent)


@pytest.mark.parametrize(
    ("moment", "slot"),
    [
        ("2026-11-22T07:00", "2026-11-22T07:00"),
        ("2026-11-22T06:59", "2026-11-15T07:00"),
        ("2026-11-25T12:00", "2026-11-22T07:00"),
        ("2026-07-05T06:00", "2026-07-05T06:00"),
    ],
)
def test_the_weekly_digest_comes_on_sunday_at_eight_in_rome(moment: str, slot: str) -> None:
    assert digest_slot(utc(moment), rhythm="weekly", weekday=SUNDAY, hour=8, name=ROME) == utc(slot)


def test_the_daily_digest_comes_by_the_members_own_clock() -> None:
    found = digest_slot(utc("2026-11-22T12:30"), rhythm="daily", weekday=0, hour=8, name="America/New_York")
    assert found == utc("2026-11-21T13:00")


def test_a_run_that_was_missed_is_made_good_while_it_is_news() -> None:
    slot = utc("2026-11-22T07:00")
    late, too_late = slot + LATEST["weekly"], slot + LATEST["weekly"] + timedelta(seconds=1)
    assert digest_is_due(slot, seen_to=None, moment=late, rhythm="weekly")
    assert not digest_is_due(slot, seen_to=None, moment=too_late, rhythm="weekly")
    assert not digest_is_due(slot, seen_to=slot, moment=late, rhythm="weekly")
    assert not digest_is_due(None, seen_to=None, moment=late, rhythm="off")


def test_a_zone_that_is_none_is_rome() -> None:
    assert zone("../etc/passwd").key == ROME
    assert {"Europe/Rome", "America/New_York", "UTC"} <= known_zones()


def test_pauses_double_up_to_an_hour() -> None:
    pauses = [pause_after(tries) for tries in range(1, 20)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(seconds=10), LONGEST_PAUSE)
