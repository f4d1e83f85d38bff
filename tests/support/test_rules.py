"""The order of answers: worked examples."""

import pytest

from portal.support import rules


@pytest.mark.parametrize(
    ("helped", "unhelped", "bound"),
    # The 5 % quantile of Beta(helped + 2, unhelped + 2), as scipy.stats.beta.ppf gives it.
    [(0, 0, 0.135350), (1, 0, 0.248605), (10, 0, 0.683660), (41, 2, 0.839978), (4, 6, 0.223955), (3000, 12, 0.993153)],
)
def test_the_bound_is_the_quantile_of_the_beta_distribution(helped, unhelped, bound):
    assert rules.lower_bound(helped, unhelped) == pytest.approx(bound, abs=1e-6)


def test_more_help_is_surer_and_less_help_is_less_sure():
    assert rules.lower_bound(9, 1) > rules.lower_bound(2, 0) > rules.lower_bound(0, 0) > rules.lower_bound(0, 1)


def test_the_interval_holds_the_mean():
    low, mean, high = rules.interval(41, 2)
    assert mean == pytest.approx(43 / 47)
    assert low < mean < high


def test_the_distribution_of_a_uniform_variable_is_a_line():
    assert [rules.beta_cdf(x / 10, 1, 1) for x in range(11)] == pytest.approx([x / 10 for x in range(11)])


def test_reasons_are_given_for_what_is_refused():
    assert rules.why_not_vote(author_id=1, voter_id=1) is rules.Why.OWN_ANSWER
    assert rules.why_not_vote(author_id=1, voter_id=2) is None
    assert rules.why_not_accept(asker_id=1, member_id=2, is_agent=False) is rules.Why.NOT_YOURS
    assert rules.why_not_accept(asker_id=1, member_id=2, is_agent=True) is None
