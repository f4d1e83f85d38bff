"""What the figures of topics say about a community of which the truth is known."""

from datetime import timedelta

import pytest
from flask import Flask

from portal.analytics.topics import figures, fresh, queries, scopes, training
from portal.community import facade as boards
from portal.kernel.clock import now
from portal.kernel.progress import Progress
from tests.analytics.topics.community import open_boards, talk
from tests.members.factories import a_viewer


@pytest.fixture
def burst(app: Flask) -> int:
    """Half a year of even talk, then a week in which eight people speak of parcels; return that topic."""
    fresh._models.clear()
    open_boards()
    begun = now() - timedelta(weeks=30)
    talk(60, at=lambda number: begun + timedelta(days=3.4 * number))
    late = [a_viewer() for _ in range(8)]
    opened = talk(16, seed=7, writers=late, themes=("parcels",), at=lambda number: now() - timedelta(hours=6 + number))
    training.train(scopes.scope_of(None), Progress(), topics=3)
    kind, number = opened[0]
    return queries.mixtures_of(kind, [number])[number][0][0]


def everywhere() -> list[int]:
    return [board.id for board in boards.every_board()]


def test_a_burst_is_announced_with_its_significance(burst):
    seen = figures.overview(everywhere(), weeks=12)
    (one,) = seen.emerging
    assert one.topic.id == burst
    assert one.people == 8
    assert one.posts >= 32
    assert one.expected < 4
    assert one.chance < 0.001
    assert one.once_in > 1000


def test_growth_is_told_where_there_is_something_to_compare_with(burst):
    seen = figures.overview(everywhere(), weeks=12)
    grown = {line.topic.id: line.growth for line in seen.lines}
    assert seen.comparable
    assert grown[burst] is not None
    assert grown[burst].low > 0
    others = [growth for topic, growth in grown.items() if topic != burst and growth is not None]
    assert not any(growth.is_sure for growth in others)


def test_growth_is_not_told_over_a_time_in_which_nobody_was_there(burst):
    seen = figures.overview(everywhere(), weeks=26)
    assert not seen.comparable
    assert all(line.growth is None for line in seen.lines)


def test_weeks_add_up_to_the_volume(burst):
    seen = figures.overview(everywhere(), weeks=12)
    for line in seen.lines:
        assert sum(line.volume.weekly) == line.volume.posts
        assert len(line.volume.weekly) == 12
    assert sum(line.volume.posts for line in seen.lines) == seen.posts


def test_a_share_over_few_people_is_withheld(burst):
    seen = figures.overview(everywhere(), weeks=12)
    assert all(line.unmet.share is None for line in seen.lines)
    enough = figures.Unmet(20, 10, (1, 2, 3, 4, 5), (0,))
    assert enough.share == 0.25
