"""The demo community is always of today."""

from datetime import UTC, datetime

import pytest

from portal.demo.story import tell


@pytest.mark.parametrize("now", [datetime(2026, 11, 22, 0, 5, tzinfo=UTC), datetime(2028, 2, 29, 23, 59, tzinfo=UTC)])
def test_it_ends_today_and_never_tomorrow(now: datetime) -> None:
    story = tell(now)
    times = [vote["at"] for vote in story["votes"]] + [text["created_at"] for text in story["answers"]]
    times += [stage["at"] for idea in story["ideas"] for stage in idea["stages"]]
    assert max(times) <= now
    assert max(times).date() == now.date()


def test_hours_of_the_day_stay_true() -> None:
    early, late = tell(datetime(2026, 11, 22, 12, tzinfo=UTC)), tell(datetime(2027, 3, 1, 12, tzinfo=UTC))
    assert [row["created_at"].time() for row in early["questions"][:50]] == [
        row["created_at"].time() for row in late["questions"][:50]
    ]


def test_nobody_acts_before_joining() -> None:
    story = tell(datetime(2026, 11, 22, 12, tzinfo=UTC))
    joined = {row["key"]: row["joined_at"] for row in story["members"]}
    assert all(vote["at"] >= joined[vote["member"]] for vote in story["votes"])
