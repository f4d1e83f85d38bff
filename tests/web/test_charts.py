"""Charts: numbers in, markup out, nothing that a content policy would refuse."""

import re
from xml.etree import ElementTree as ET

import pytest
from markupsafe import Markup

from portal.kernel import charts
from portal.kernel.charts import Mark, Series

DRAWN = {
    "spark": charts.spark([1, 3, 2], "three weeks"),
    "spark of nothing": charts.spark([]),
    "spark of one": charts.spark([4]),
    "spark of zeros": charts.spark([0, 0, 0]),
    "small": charts.small([1, 2], 0, "flat"),
    "interval": charts.interval(1, 2, 3, ref=2, label="two"),
    "interval of one value": charts.interval(1, 1, 1, 1, 1),
    "hollow": charts.interval(1, 2, 3, shape="hollow"),
    "diamond": charts.interval(1, 2, 3, shape="diamond"),
    "bar": charts.bar(120, 100, ref=50),
    "stacked": charts.stacked([(8, "q5"), (24, "q3"), (68, "q1")]),
    "stacked of nothing": charts.stacked([(0, "q5")]),
    "tone": charts.tone(20, 50, 30, "mixed"),
    "dots": charts.dots([(1, 2, 3), (None, None, None), (4, 5, 6)]),
    "gap": charts.gap(80, 40),
    "week": charts.week([[0] * 24] * 7, ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"], "a week"),
    "swatch": charts.swatch([0, 1, 5] * 49, "147 days"),
    "lines": charts.lines(
        [Series(points=[0, 1, 2], cls="k1 step", name="all", low=[0, 0, 1], high=[0, 2, 3])],
        "steps",
        xticks=[(0, "0"), (100, "12")],
        yticks=[(1, "1")],
        notes=[(5, 5, "strong", "here")],
    ),
    "line": charts.line([1, 2], "one"),
    "area": charts.area([1, 2], "one"),
    "bars": charts.bars([("Mon", 3), ("Tue", 0)], "days"),
    "scatter": charts.scatter([Mark(x=1, y=2, text="a")], "plane", cross=True),
}


@pytest.mark.parametrize("name", DRAWN)
def test_each_chart_is_well_formed_and_has_no_style_or_script(name: str) -> None:
    drawn = DRAWN[name]
    assert isinstance(drawn, Markup)
    ET.fromstring(drawn)
    assert not re.search(r"\sstyle=|<script|\son\w+=|nan|inf", drawn)


def test_a_label_makes_a_picture_and_none_makes_decoration() -> None:
    assert 'role="img" aria-label="three weeks"' in DRAWN["spark"]
    assert 'aria-hidden="true"' in DRAWN["bar"]


def test_words_that_people_wrote_are_escaped() -> None:
    drawn = charts.lines([Series(points=[1, 2], name="<b>")], 'say "no"')
    assert "&lt;b&gt;" in drawn
    assert "<b>" not in drawn
    assert "say &#34;no&#34;" in drawn


def test_a_spark_ends_in_its_last_value() -> None:
    top = charts.spark([0, 10], h=32)
    bottom = charts.spark([10, 0], h=32)
    assert 'cy="3"' in top
    assert 'cy="29"' in bottom


def test_an_interval_lies_on_the_shared_scale_and_never_outside() -> None:
    drawn = charts.interval(-20, 50, 140, 0, 100)
    assert 'x1="0%" x2="100%"' in drawn
    assert 'cx="50%"' in drawn


def test_small_multiples_share_one_scale() -> None:
    assert charts.small([0, 5], 10) != charts.small([0, 5], 5)
    assert "M0 100L100 50" in charts.small([0, 5], 10)


def test_a_group_with_too_few_people_is_left_out() -> None:
    assert DRAWN["dots"].count("ring") == 2
    assert "f2 ring" not in DRAWN["dots"]


def test_heat_counts_the_limits_that_are_reached() -> None:
    assert [charts.heat(v, [28, 34, 42, 48, 90]) for v in (10, 28, 43, 100)] == [0, 1, 3, 5]


def test_two_swatches_on_a_page_do_not_share_a_name() -> None:
    names = [re.search(r'id="(\w+)"', charts.swatch([1], label)) for label in ("a", "b")]
    assert names[0]
    assert names[1]
    assert names[0][1] != names[1][1]
