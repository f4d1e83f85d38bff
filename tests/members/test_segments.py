"""Who belongs to a segment."""

from typing import Any

import pytest

from portal.members.rules import audience_of, is_in_audience
from portal.members.segments import belongs

SHOP = {
    "kind": "customer",
    "country": "IT",
    "organisation": {"crm": {"segment": "shop"}},
    "crm": {"products_owned": ["maiella"]},
}
RUTH = {"kind": "customer", "country": "GB", "organisation": None, "crm": {"tier": "gold", "products_owned": []}}


def test_a_field_of_the_organisation_counts() -> None:
    rule = {"all": [{"field": "organisation.crm.segment", "in": ["shop", "workshop"]}]}
    assert belongs(rule, SHOP)
    assert not belongs(rule, RUTH)


def test_all_conditions_must_hold_or_any() -> None:
    conditions = [{"field": "kind", "in": ["customer"]}, {"field": "country", "not_in": ["IT"]}]
    assert belongs({"all": conditions}, RUTH)
    assert not belongs({"all": conditions}, SHOP)
    assert belongs({"any": conditions}, SHOP)


def test_owning_one_of_several_is_enough() -> None:
    rule = {"all": [{"field": "crm.products_owned", "has": ["maiella", "morrone"]}]}
    assert belongs(rule, SHOP)
    assert not belongs(rule, RUTH)


def test_a_board_is_for_kinds_organisations_and_segments() -> None:
    rule = "kinds:supplier;organisations:7,9;segments:knitters"
    outside: dict[str, Any] = {"kind": "customer", "roles": (), "segments": (), "organisation_id": 8}
    assert not is_in_audience(rule, **outside)
    for one in ({"kind": "supplier"}, {"organisation_id": 9}, {"segments": ("knitters",)}, {"roles": ("admin",)}):
        assert is_in_audience(rule, **{**outside, **one})
    assert not is_in_audience(rule, **{**outside, "kind": None, "organisation_id": None})
    assert not is_in_audience("kinds:supplier", **{**outside, "organisation_id": None})


@pytest.mark.parametrize(
    "rule", ["", "organisations:", "organisations:mill", "kinds:a;kinds:b", "public;kinds:a", "who"]
)
def test_an_audience_that_makes_no_sense_is_refused(rule: str) -> None:
    with pytest.raises(ValueError):
        audience_of(rule)


@pytest.mark.parametrize("rule", [{}, {"all": [{"field": "kind"}]}, {"all": [{"in": ["x"]}]}, {"none": []}])
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        belongs(rule, SHOP)
