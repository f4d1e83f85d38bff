"""How close two texts are: worked examples."""

import pytest

from portal.search import rules
from portal.search.services import concepts


def test_a_term_weighs_more_the_rarer_it_is():
    assert rules.rarity(1, 1000) > rules.rarity(10, 1000) > rules.rarity(999, 1000) > 0


def test_the_rarest_terms_are_looked_for_within_a_budget():
    terms = {"en:wool": 900, "en:felt": 40, "en:conditioner": 3, "en:unheard": 0}
    assert rules.chosen_terms(terms, most=5, budget=100) == ["en:conditioner", "en:felt"]
    assert rules.chosen_terms({"en:wool": 900}, most=5, budget=100) == ["en:wool"]
    assert rules.chosen_terms(terms, most=1, budget=100) == ["en:conditioner"]


def test_two_common_words_are_looked_for_together_when_that_is_rare_enough():
    assert rules.pairs({"a": 100, "b": 200, "c": 3}, ["c"], 100_000) == [("a", "b")]
    assert rules.pairs({"a": 50_000, "b": 60_000}, [], 100_000) == []


def test_the_cosine_of_a_text_with_itself_is_one_and_without_shared_terms_nought():
    bag = {"en:wool": 2.0, "en:felt": 1.0, "c.en:lana": 3.0}
    assert rules.cosine(bag, bag, ("en:",)) == pytest.approx(1)
    assert rules.cosine(bag, {"en:mail": 1.0}, ("en:",)) == 0
    assert rules.cosine({"en:a": 1.0, "en:b": 1.0}, {"en:a": 1.0}, ("en:",)) == pytest.approx(0.5**0.5)


def test_who_stands_out_is_likelier_the_same_than_one_of_many_alike():
    one = rules.Likeness(0.6, 0.5, 0.6, 0.5, same_language=True)
    alike = [rules.Likeness(0.55, 0.5, 0.6, 0.5, same_language=True)] * 6
    far = [rules.Likeness(0.05, 0.0, 0.1, 0.0, same_language=True)] * 6
    assert rules.probabilities([one, *far])[0] > 0.5 > rules.probabilities([one, *alike])[0]


def test_candidates_of_the_other_language_are_no_rivals():
    one = rules.Likeness(0.0, 0.0, 0.3, 0.3, same_language=False)
    others = [rules.Likeness(0.6, 0.5, 0.6, 0.5, same_language=True)] * 6
    assert rules.probabilities([one, *others])[0] == rules.probabilities([one])[0]


def test_probabilities_lie_between_nought_and_one():
    extremes = [rules.Likeness(x, x, x, x, same) for x in (0.0, 1.0) for same in (True, False)]
    assert all(0 < p <= 1 for p in rules.probabilities(extremes))
    assert rules.probabilities([]) == []


def test_a_meaning_is_the_same_in_every_stemming():
    assert rules.in_stemming("c.en:lana", "it") == "c.it:lana"
    assert rules.in_stemming("p.it:maiel", "simple") == "p.simple:maiel"
    assert [rules.is_stem(term) for term in ("en:wool", "c.en:lana", "p.en:maiel")] == [True, False, False]


def test_the_bilingual_list_names_a_meaning_by_its_first_word():
    source = "# words\nlana lane | wool woollen | wolle\n\nfeltro | felt\n"
    assert concepts(source) == [
        ("it", "lana lane", "lana"),
        ("en", "wool woollen", "lana"),
        ("simple", "wolle", "lana"),
        ("it", "feltro", "feltro"),
        ("en", "felt", "feltro"),
    ]
