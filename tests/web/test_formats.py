"""Figures and times in both languages."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask_babel import force_locale

from portal.kernel import clock, formats


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("it", ["1.066", "0,52", "52%", "+38%", "−18%", "€\xa0388k", "1,2M", "–"]),
        ("en", ["1,066", "0.52", "52%", "+38%", "−18%", "€\xa0388k", "1.2M", "–"]),
    ],
)
def test_figures_are_written_as_the_reader_writes_them(portal: Flask, language: str, expected: list[str]) -> None:
    with portal.test_request_context(), force_locale(language):
        assert [
            formats.number(1066),
            formats.number(0.52, 2),
            formats.percent(0.52),
            formats.signed(38, 0, "%"),
            formats.signed(-18.2, 0, "%"),
            formats.money(388_123),
            formats.compact(1_240_000),
            formats.number(None),
        ] == expected


@pytest.mark.parametrize(
    ("seconds", "italian", "english"),
    [
        (3, "adesso", "just now"),
        (70, "1 minuto fa", "1 minute ago"),
        (3 * 3600 + 5, "3 ore fa", "3 hours ago"),
        (90_000, "1 giorno fa", "1 day ago"),
        (9 * 86400 + 5, "9 giorni fa", "9 days ago"),
        (-60, "adesso", "just now"),
    ],
)
def test_how_long_ago(portal: Flask, seconds: int, italian: str, english: str) -> None:
    then = clock.now() - timedelta(seconds=seconds)
    with portal.test_request_context():
        with force_locale("it"):
            assert formats.since(then) == italian
        with force_locale("en"):
            assert formats.since(then) == english


def test_older_things_carry_their_day_and_the_year_when_it_is_another(portal: Flask) -> None:
    with portal.test_request_context(), force_locale("en"):
        assert formats.since(datetime(2020, 9, 14, tzinfo=UTC)) == "14 September 2020"
        assert '<time datetime="2020-09-14T00:00:00+00:00"' in formats.ago(datetime(2020, 9, 14, tzinfo=UTC))


def test_lengths_of_time_have_two_units_at_most(portal: Flask) -> None:
    with portal.test_request_context(), force_locale("it"):
        assert formats.duration(7800) == "2 h 10 min"
        assert formats.duration(50_400) == "14 h"
        assert formats.duration(timedelta(days=3)) == "3 giorni"
        assert formats.duration(90) == "2 min"
        assert formats.duration(4.25) == "4,2 s"


def test_initials_come_from_the_first_and_the_last_name() -> None:
    assert [formats.initials(name) for name in ("Chiara D’Amico", "Ida", "", "Jan van der Berg")] == [
        "CD",
        "I",
        "?",
        "JB",
    ]
