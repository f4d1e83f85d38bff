"""What counts as growth, and what is out of the ordinary."""

import pytest

from portal.analytics.topics import rules


def test_growth_carries_an_interval_that_holds_the_change():
    grown = rules.growth(300, 200)
    assert grown is not None
    assert grown.value == pytest.approx(0.5, abs=0.01)
    assert grown.low < grown.value < grown.high
    assert grown.is_sure


def test_a_small_change_of_few_posts_is_not_sure():
    grown = rules.growth(7, 6)
    assert grown is not None
    assert not grown.is_sure


def test_too_few_posts_are_not_compared_and_a_beginning_has_a_size():
    assert rules.growth(4, 3) is None
    begun = rules.growth(20, 0)
    assert begun is not None
    assert begun.value == pytest.approx(40)
    assert begun.high > begun.value > begun.low > 0


def test_a_week_like_the_others_is_no_surprise_and_a_burst_is():
    usual = [3, 5, 4, 2, 6, 4, 3, 5, 4, 4, 3]
    assert rules.chance_of(4, usual) > 0.3
    assert rules.chance_of(27, usual) < 1e-9
    assert rules.chance_of(0, usual) == 1


def test_where_weeks_differ_much_a_large_one_surprises_less():
    assert rules.chance_of(15, [0, 12, 1, 9, 0, 14, 2, 0, 8, 0, 10]) > rules.chance_of(
        15, [5, 6, 5, 5, 4, 5, 6, 5, 5, 5, 5]
    )


def test_of_many_chances_only_those_small_enough_together_are_discoveries():
    assert rules.discoveries([0.001, 0.008, 0.039, 0.041, 0.9], 0.05) == [True, True, False, False, False]
    assert rules.discoveries([0.04] * 3, 0.05) == [True, True, True]
    assert rules.discoveries([]) == []
