"""Worked examples of the formulas."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from portal.analytics import metrics
from portal.analytics.expertise import Given, Word, rank_topics
from portal.analytics.inequality import fewest_for, gini, lorenz, top_share
from portal.analytics.metrics import Lifecycle, engagement, lifecycle, shrunk, wilson
from portal.analytics.participation import (
    activation,
    cohorts,
    daily_over_monthly,
    gini_interval,
    later,
    period_of,
    shares_90_9_1,
    tiers,
)
from portal.analytics.survival import course
from portal.analytics.trust import pagerank, percentiles, voices

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_gini_of_equals_is_nothing_and_of_one_who_has_all_nearly_one():
    assert gini([5, 5, 5, 5]) == pytest.approx(0.0)
    assert gini([0, 0, 0, 8]) == pytest.approx(0.75)
    assert gini([1, 2, 3, 4]) == pytest.approx(0.25)
    assert gini([]) is None
    assert gini([0, 0]) is None


def test_lorenz_goes_from_nothing_to_all():
    curve = lorenz([1, 1, 2], points=4)
    assert curve == pytest.approx([0, 0.25, 0.5, 1.0])


def test_how_few_have_half():
    assert fewest_for([1, 1, 2, 4], 0.5) == 1
    assert fewest_for([2, 2, 2, 2], 0.5) == 2
    assert top_share([1, 1, 2, 4], 0.25) == pytest.approx(0.5)


def test_wilson_interval_of_a_textbook_sample():
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)


def test_small_samples_are_shrunk_to_the_mean():
    assert shrunk(1, 1, 0.2) == pytest.approx(0.36)
    assert shrunk(0, 0, 0.2) == pytest.approx(0.2)


def test_engagement_is_points_on_a_curve():
    assert engagement({}) == 0.0
    assert engagement({"idea": 4}) == 63.2
    assert engagement({"vote": 1000}) == 100.0


@pytest.mark.parametrize(
    ("joined", "last", "gap", "stands"),
    [
        (3, None, None, Lifecycle.NEW),
        (300, None, None, Lifecycle.VISITOR),
        (300, 5, 20, Lifecycle.ACTIVE),
        (300, 5, 120, Lifecycle.RETURNING),
        (300, 45, None, Lifecycle.FADING),
        (300, 200, None, Lifecycle.DORMANT),
    ],
)
def test_lifecycle(joined, last, gap, stands):
    assert lifecycle(joined_days=joined, last_days=last, gap_days=gap) is stands


def test_every_figure_says_its_formula_unit_and_window():
    for metric in metrics.REGISTRY.values():
        assert str(metric.title)
        assert str(metric.formula)
        assert metric.unit
        assert metric.window


def test_kaplan_meier_keeps_those_who_still_wait():
    """Freireich's patients (1963), as every textbook has them: half of the treated relapsed by week 23."""
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    relapsed = [True, True, True, False, True, False, True, False, False, True, True, False, False, False, True, True,
                False, False, False, False, False]  # fmt: skip
    found = course(weeks, relapsed)
    assert found.quantile(0.5) == 23
    assert found.by(10)[0] == pytest.approx(1 - 0.753, abs=0.001)
    assert found.by(5) == (0.0, 0.0, 0.0)
    assert (found.n, found.happened) == (21, 9)
    share, low, high = found.by(10)
    assert low < share < high


def test_kaplan_meier_of_nothing_that_happened():
    assert course([1.0, 2.0], [False, False]).quantile(0.5) is None


def test_kaplan_meier_without_waiting_is_the_share():
    found = course([1, 2, 3, 4], [True] * 4)
    assert found.by(2)[0] == pytest.approx(0.5)
    assert found.by(4)[0] == pytest.approx(1.0)


def test_tiers_count_the_silent_too():
    found = tiers([30, 12, 3, 1], people=10, weeks=12)
    assert (found.engaged, found.casual, found.silent) == (2, 2, 6)


def test_bootstrap_interval_holds_the_figure_and_repeats_itself():
    values = [1, 1, 1, 2, 2, 3, 5, 8, 13, 40]
    low, high = gini_interval(values)
    assert low < gini(values) < high
    assert gini_interval(values) == (low, high)
    assert gini_interval([1, 2, 3]) is None


def test_90_9_1():
    assert shares_90_9_1([50, *[5] * 9, *[0] * 90], 100) == pytest.approx((50 / 95, 45 / 95, 0.0))


def test_cohorts_withhold_small_cells_and_keep_order():
    joined = dict.fromkeys(range(12), date(2026, 9, 3)) | {99: date(2026, 10, 1)}
    active = {member: {date(2026, 9, 1)} for member in range(12)} | {0: {date(2026, 9, 1), date(2026, 10, 1)}}
    found = cohorts(joined, active, date(2026, 10, 20), periods=2)
    assert [one.people for one in found] == [12, 1]
    assert found[0].shares == pytest.approx((1.0, 1 / 12))
    assert found[1].shares == (None,)


def test_periods():
    assert period_of(date(2026, 11, 22), 3) == date(2026, 10, 1)
    assert later(date(2026, 10, 1), -4, 3) == date(2025, 10, 1)
    assert later(date(2026, 12, 1), 1) == date(2027, 1, 1)


def test_activation_waits_seven_days_before_it_judges():
    joined = {1: date(2026, 10, 1), 2: date(2026, 10, 1), 3: date(2026, 10, 30)}
    assert activation(joined, {1: date(2026, 10, 5)}, date(2026, 9, 1), NOW.date()) == (1, 2)


def test_stickiness_is_a_median_day_over_the_month():
    today = NOW.date()
    days = {today - timedelta(days=back): {1} for back in range(30)} | {today: {1, 2}}
    assert daily_over_monthly(days, today) == pytest.approx(0.5)


def test_pagerank_of_three_in_a_row():
    """0 → 1 → 2, damping 0.85: solved by hand, with the last one's rank given back to all."""
    rank = pagerank([0, 1], [1, 2], [1.0, 1.0], 3)
    assert rank.sum() == pytest.approx(1.0)
    assert rank == pytest.approx(np.array([0.184417, 0.341171, 0.474412]), abs=1e-5)


def test_trust_has_no_floor():
    rank = pagerank([0, 2], [1, 3], [1.0, 1.0], 4, restart=[0])
    assert rank[2] == 0.0
    assert rank[3] == 0.0
    assert rank[1] > 0.0
    assert voices(rank, [0])[0] == 1.0
    assert pagerank([0], [1], [1.0], 2, restart=[]).sum() == 0.0


def test_percentiles():
    assert list(percentiles(np.array([0.1, 0.2, 0.3]))) == [0.0, 50.0, 100.0]


def an_answer(number, author, asker, *, day=0, words=(), topic=1):
    return Given(number, author, asker, NOW - timedelta(days=day), ((topic, 1.0),), tuple(words))


def a_helper_with(people, author=50, start=0):
    return [an_answer(start + n, author, 100 + n, day=n, words=[Word(100 + n, good=True)]) for n in range(people)]


def test_five_trusted_people_on_seven_days_give_a_place():
    trusted = {100 + n: 1.0 for n in range(20)}
    (enough,) = rank_topics(a_helper_with(7), trusted, {}, NOW)
    assert enough.standings[0].place == 1
    (few_days,) = rank_topics(a_helper_with(6), trusted, {}, NOW)
    assert few_days.standings[0].place is None


def test_evidence_fades_and_is_shrunk():
    trusted = {100: 1.0}
    fresh = rank_topics([an_answer(1, 50, 100, words=[Word(100, good=True)])], trusted, {}, NOW)[0].standings[0]
    old = rank_topics([an_answer(1, 50, 100, day=720, words=[Word(100, good=True)])], trusted, {}, NOW)[0].standings[0]
    assert 0.5 < old.mid < fresh.mid < 1.0
    assert fresh.low < fresh.mid < fresh.high


def test_the_same_person_counts_less_each_time():
    once = [an_answer(n, 50, 100, words=[Word(100, good=True)]) for n in range(4)]
    many = [an_answer(n, 50, 100 + n, words=[Word(100 + n, good=True)]) for n in range(4)]
    voice = {100 + n: 1.0 for n in range(4)}
    assert rank_topics(once, voice, {}, NOW)[0].standings[0].good == pytest.approx(1 + 1 / 2 + 1 / 3 + 1 / 4)
    assert rank_topics(many, voice, {}, NOW)[0].standings[0].good == pytest.approx(4.0)


def test_ten_throw_away_accounts_buy_no_place():
    """Thirty fake acceptances move the simpler rankings, and ours by nothing."""
    trusted = {100 + n: 1.0 for n in range(30)}
    honest = [
        *a_helper_with(9, author=50),
        *a_helper_with(8, author=51, start=40),
        *[an_answer(90, 66, 100, words=[Word(100, good=True)])],
    ]
    fake = [an_answer(200 + n, 66, 900 + n % 10, day=n % 9, words=[Word(900 + n % 10, good=True)]) for n in range(30)]

    def of_66(given):
        (topic,) = rank_topics(given, trusted, {}, NOW)
        order = [one.member_id for one in topic.standings]
        return next(one for one in topic.standings if one.member_id == 66), order

    before, order_before = of_66(honest)
    after, order_after = of_66([*honest, *fake])
    assert after.count_place == 1 < before.count_place
    assert after.z_score_place == 1
    assert (after.place, order_after) == (before.place, order_before)
    assert (after.low, after.mid) == (pytest.approx(before.low), pytest.approx(before.mid))
