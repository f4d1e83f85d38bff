"""The fold of the ledger: worked examples, and the same sum whatever the order of arrival."""

import doctest
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.analytics.reputation import levels, rules
from portal.analytics.reputation.levels import Level, Need, Signs, level_of, missing
from portal.analytics.reputation.rules import DAY_CAP, OBJECT_CAP, PAIR_CAP, SCALE, WORTH, Cap, Entry, fold

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ME = 7


def line(number, kind="vote", *, actor=8, thing=1, hours=0, reverses=None):
    worth = WORTH.get(kind)
    return Entry(
        id=number, beneficiary_id=ME, actor_id=actor, kind=kind, at=NOON + timedelta(hours=hours), object_kind="idea",
        object_id=thing, points=worth.points if worth and reverses is None else 0, reverses=reverses,
    )  # fmt: skip


def points(entries, weights):
    return fold(entries, weights).points / SCALE


def test_the_examples_in_words():
    for module in (rules, levels):
        assert doctest.testmod(module).failed == 0


def test_a_line_counts_its_points_times_the_trust_of_who_gave_it():
    assert points([line(1), line(2, actor=9), line(3, actor=10)], {8: 1.0, 9: 0.25}) == 2 + 0.5
    assert fold([line(1), line(2, actor=9)], {8: 1.0, 9: 0.74}).people == {8}
    folded = fold([line(1, actor=10)], {})
    assert folded.lines[1].cap == Cap.UNKNOWN
    assert folded.people == set()


def test_one_person_gives_another_thirty_points_a_year():
    accepted = [line(n, "accepted", thing=n, hours=24 * n) for n in range(1, 4)]
    folded = fold(accepted, {8: 1.0})
    assert [folded.lines[n].counted // SCALE for n in (1, 2, 3)] == [15, 15, 0]
    assert folded.lines[3].cap == Cap.PAIR
    assert points([*accepted, line(9, "accepted", thing=9, hours=24 * 300)], {8: 1.0}) == 45


def test_a_day_brings_a_hundred_points_and_so_does_a_thing():
    crowd = dict.fromkeys(range(100, 200), 1.0)
    a_day = [line(n, actor=n, thing=n) for n in crowd]
    assert points(a_day, crowd) == 100
    assert fold(a_day, crowd).lines[199].cap == Cap.DAY
    a_thing = [line(n, actor=n, hours=24 * (n - 100)) for n in crowd]
    assert points(a_thing, crowd) == 100
    assert fold(a_thing, crowd).lines[199].cap == Cap.OBJECT


def test_what_the_company_says_is_held_by_no_cap():
    said = [line(n, "shipped", actor=8, thing=n) for n in range(10)]
    assert points(said, {8: 1.0}) == 300


def test_a_reversal_gives_room_to_what_was_capped():
    lines = [line(n, "accepted", thing=n, hours=24 * n) for n in range(1, 4)]
    assert points([*lines, line(9, "undone", thing=1, reverses=1)], {8: 1.0}) == 30
    folded = fold([*lines, line(9, "undone", thing=1, reverses=1)], {8: 1.0})
    assert (folded.lines[1].cap, folded.lines[1].reversed_by) == (Cap.REVERSED, 9)
    assert folded.lines[3].counted == 15 * SCALE


def test_a_reversal_can_be_reversed():
    hidden = [line(1), line(2, "out_of_sight", reverses=1)]
    assert points(hidden, {8: 1.0}) == 0
    assert points([*hidden, line(3, "shown_again", reverses=2)], {8: 1.0}) == 2
    twice = [line(1), line(2, "withdrawn", reverses=1), line(3, "out_of_sight", reverses=1),
             line(4, "shown_again", reverses=3)]  # fmt: skip
    assert fold(twice, {8: 1.0}).lines[1].reversed_by == 2


@st.composite
def ledgers(draw):
    """Draw a ledger of one member: lines, reversals of lines, reversals of reversals."""
    entries = []
    for number in range(1, draw(st.integers(0, 40)) + 1):
        if entries and draw(st.booleans()) and draw(st.booleans()):
            target = draw(st.sampled_from(entries))
            entries.append(line(number, "withdrawn", actor=target.actor_id, reverses=target.id))
        else:
            kind = draw(st.sampled_from(sorted(WORTH)))
            entries.append(
                line(number, kind, actor=draw(st.integers(8, 12)), thing=draw(st.integers(1, 4)),
                     hours=draw(st.integers(0, 24 * 500)))
            )  # fmt: skip
    weights = draw(st.dictionaries(st.integers(8, 12), st.floats(0, 1), max_size=5))
    return entries, weights


def naive(entries, weights):
    """Add up the plainest way: for each line look at all lines before it anew."""
    by_id = {one.id: one for one in entries}

    def stands(one):
        return not any(other.reverses == one.id and stands(other) for other in by_id.values())

    standing = [one for one in entries if one.reverses is None and stands(one)]
    standing.sort(key=lambda one: (one.at, one.kind, one.object_kind, one.object_id, one.actor_id or 0, one.id))
    counted = {}
    for place, one in enumerate(standing):
        wish = round(one.points * SCALE * weights.get(one.actor_id, 0.0))
        if WORTH[one.kind].capped:
            earlier = [before for before in standing[:place] if WORTH[before.kind].capped]
            thing = [b for b in earlier if (b.object_kind, b.object_id) == (one.object_kind, one.object_id)]
            pair = [b for b in earlier if (b.actor_id, b.at.year) == (one.actor_id, one.at.year)]
            day = [b for b in earlier if b.at.date() == one.at.date()]
            for cap, group in ((OBJECT_CAP, thing), (PAIR_CAP, pair), (DAY_CAP, day)):
                wish = min(wish, cap - sum(counted[b.id] for b in group))
        counted[one.id] = max(0, wish)
    return counted


@settings(max_examples=150, deadline=None)
@given(ledgers(), st.randoms(use_true_random=False))
def test_the_fold_is_the_naive_sum_for_any_order_of_arrival(ledger, shuffle):
    entries, weights = ledger
    arrived = list(entries)
    shuffle.shuffle(arrived)
    folded = fold(arrived, weights)
    assert folded == fold(entries, weights)
    expected = naive(entries, weights)
    assert folded.points == sum(expected.values())
    assert {number: one.counted for number, one in folded.lines.items() if one.cap != Cap.REVERSED} == expected


@settings(max_examples=100, deadline=None)
@given(ledgers(), st.data())
def test_a_reversal_of_a_reversal_restores_every_line(ledger, data):
    entries, weights = ledger
    if not entries:
        return
    before = fold(entries, weights)
    target = data.draw(st.sampled_from(entries))
    gone = [*entries, line(900, "withdrawn", actor=target.actor_id, reverses=target.id)]
    back = [*gone, line(901, "shown_again", actor=target.actor_id, reverses=900)]
    assert fold(back, weights) == before


@settings(max_examples=100, deadline=None)
@given(ledgers(), ledgers())
def test_members_are_folded_each_for_herself(first, second):
    """What one member's lines come to does not depend on anybody else's."""
    (mine, weights), (hers, _) = first, second
    shifted = [
        Entry(id=one.id + 1000, beneficiary_id=99, actor_id=one.actor_id, kind=one.kind, at=one.at,
              object_kind=one.object_kind, object_id=one.object_id, points=one.points,
              reverses=one.reverses + 1000 if one.reverses else None)
        for one in hers
    ]  # fmt: skip
    by_member = defaultdict(list)
    mixed = [*mine, *shifted]
    random.Random(1).shuffle(mixed)
    for one in mixed:
        by_member[one.beneficiary_id].append(one)
    assert fold(by_member[ME], weights) == fold(mine, weights)


# Levels


def test_levels_are_climbed_one_by_one():
    assert level_of(Signs()) is Level.NEWCOMER
    assert level_of(Signs(voice=0.04)) is Level.NEWCOMER
    assert level_of(Signs(voice=0.05)) is Level.KNOWN
    regular = Signs(known=True, good=4, judged=6, days=6, people=3)
    assert level_of(regular) is Level.REGULAR
    assert {one.need for one in missing(regular, Level.TRUSTED)} == {Need.SHARE, Need.JUDGED, Need.DAYS, Need.PEOPLE}
    assert level_of(Signs(known=True, good=40, judged=50, days=40, people=20)) is Level.PILLAR
    assert level_of(Signs(staff=True)) is Level.PILLAR


def test_a_small_sample_opens_less_than_a_large_one():
    lucky = Signs(known=True, good=3, judged=3, days=90, people=20)
    steady = Signs(known=True, good=60, judged=90, days=90, people=20)
    assert lucky.share < steady.share
    assert level_of(lucky) < level_of(steady)


def test_what_moderators_hid_holds_a_member_back():
    good = {"known": True, "good": 40, "judged": 50, "days": 40, "people": 20}
    assert level_of(Signs(**good, flags=1)) is Level.KNOWN
    assert level_of(Signs(**good, flags=3)) is Level.NEWCOMER
    assert [one.need for one in missing(Signs(**good, flags=1), Level.REGULAR)] == [Need.FLAGS]


def test_without_new_days_a_level_fades():
    busy = {"known": True, "good": 40, "judged": 50, "people": 20}
    assert level_of(Signs(**busy, days=30)) is Level.PILLAR
    assert level_of(Signs(**busy, days=6)) is Level.REGULAR
    assert level_of(Signs(**busy, days=0)) is Level.KNOWN
