"""Who will answer: nothing is known before it happened, and what is known is used."""

import math
import random

import pytest

from portal.analytics.routing.baselines import Baselines, z_score
from portal.analytics.routing.features import NAMES, context_of, features_of
from portal.analytics.routing.memory import DAY, HOUR, Answered, Asked, Helper, InMemory, words_of
from portal.analytics.routing.model import Model, softmax
from portal.analytics.routing.replay import replay
from portal.analytics.routing.router import InMemoryShelf, Pending, Router, rank
from portal.analytics.routing.spread import Load, spread
from portal.analytics.routing.words import Reason, reasons_for, sentence

START = 1_700_000_000.0


def a_question(number, at, *, text="yarn needle", tags=("wool",), asker=900):
    return Asked(number, asker, at, words_of(text, ""), tags)


def test_words_are_folded_distinct_and_without_short_ones():
    assert words_of("Perché la LANA è così?", "lana, lana! Il filo") == ("cosi", "filo", "lana", "perche")


def test_counts_fade_by_half_in_their_half_life():
    helper = Helper(1)
    helper.replied(START, first=True)
    assert helper.faded(START + HOUR)[0] == pytest.approx(0.5)
    assert helper.faded(START + 7 * DAY)[4] == pytest.approx(0.5)


def test_a_further_reply_shows_presence_but_is_no_new_help():
    helper = Helper(1)
    helper.replied(START, first=True)
    helper.replied(START, first=False)
    assert helper.decayed[0] == pytest.approx(1.3)
    assert helper.decayed[-1] == pytest.approx(1.0)


def test_strength_orders_helpers_whatever_the_time_is():
    often, lately = Helper(1), Helper(2)
    for day in range(10):
        often.helped(a_question(day, START), START + day * DAY)
    lately.helped(a_question(1, START), START + 200 * DAY)
    assert lately.strength > often.strength


def test_what_is_kept_of_a_helper_comes_back_the_same():
    helper = Helper(3)
    helper.replied(START, first=True)
    helper.helped(a_question(1, START), START)
    assert Helper.from_json(helper.to_json()) == helper


def test_features_have_their_names():
    memory = InMemory()
    helper = memory.helper(1)
    assert len(features_of(helper, context_of(a_question(1, START), memory))) == len(NAMES)


def test_softmax_gives_chances():
    assert softmax([0.0, 0.0]) == [0.5, 0.5]
    assert sum(softmax([1000.0, 1.0, -5.0])) == pytest.approx(1.0)


def test_the_model_learns_which_feature_tells():
    model, draw = Model(), random.Random(7)
    helpers = [Helper(1), Helper(2)]
    for _ in range(300):
        rows = [[0.0] * len(NAMES), [0.0] * len(NAMES)]
        right = draw.random() < 0.5
        rows[int(right)][NAMES.index("tags")] = 1.0
        model.learn(rows, helpers, (), [not right, right])
    assert model.weights[NAMES.index("tags")] > 0.8
    assert Model.from_json(model.to_json()) == model


def test_nothing_is_learned_when_nobody_answered():
    model = Model()
    model.learn([[1.0] * len(NAMES)] * 2, [Helper(1), Helper(2)], (), [False, False])
    assert model.lessons == 0


def test_the_asker_is_no_candidate():
    router = Router(InMemory(), InMemoryShelf())
    router.ask(a_question(1, START))
    router.answer(Answered(1, 5, START + 60))
    assert [one.helper.id for one in router.ask(a_question(2, START + 120, asker=5))] == []
    assert [one.helper.id for one in router.ask(a_question(3, START + 180, asker=6))] == [5]


def test_a_question_is_learned_from_only_when_its_answers_could_have_come():
    router = Router(InMemory(), InMemoryShelf())
    for number, member in ((1, 5), (2, 6)):
        router.ask(a_question(number, START + number))
        router.answer(Answered(number, member, START + number + 60))
    router.ask(a_question(3, START + 1000))
    router.answer(Answered(3, 5, START + 2000))
    assert router.model.lessons == 0
    router.ask(a_question(4, START + 2 * DAY))
    assert router.model.lessons > 0


def test_a_pending_question_comes_back_the_same():
    pending = Pending(a_question(1, START), [5], [[0.5] * len(NAMES)], 1, {5})
    assert Pending.from_json(1, pending.to_json()) == pending


def a_small_world(seed=1, days=60):
    """Two helpers: one answers about wool, one about shipping, and the second one far more often."""
    draw, things, number = random.Random(seed), [], 0
    for day in range(days):
        for hour in (9, 12, 15, 18):
            number += 1
            about = "wool" if draw.random() < 0.4 else "shipping"
            at = START + day * DAY + hour * HOUR
            things += [
                a_question(number, at, text=f"{about} trouble number{number}", tags=(about,), asker=1000 + number),
                Answered(number, 1 if about == "wool" else 2, at + 1800),
            ]
    return things


def test_a_replay_beats_activity_where_content_tells():
    report = replay(a_small_world(), START + 30 * DAY, START + 60 * DAY)
    assert report["questions"] == 120
    assert report["ours"]["hit@1"] > 0.95
    assert report["ours"]["hit@1"] > report["last_30_days"]["hit@1"] + 0.2
    assert set(report) >= {"ours", "last_30_days", "answer_count", "z_score", "neighbours", "ours_spread"}


def test_a_replay_does_not_look_ahead():
    """Changing everything after a moment changes no ranking made before it."""
    things = a_small_world()
    cut = START + 45 * DAY
    other = [one if one.at < cut or isinstance(one, Asked) else Answered(one.question_id, 3, one.at) for one in things]
    before = [rankings(stream, cut) for stream in (things, other)]
    assert before[0] == before[1]


def rankings(stream, until):
    router, found = Router(InMemory(), InMemoryShelf()), []
    for one in stream:
        if isinstance(one, Answered):
            router.answer(one)
        elif one.at < until:
            found.append([(r.helper.id, r.score) for r in router.ask(one)])
        else:
            router.ask(one)
    return found


def test_z_score_is_that_of_zhang_ackerman_and_adamic():
    assert z_score(9, 0) == pytest.approx(3.0)
    assert z_score(4, 4) == 0.0
    assert z_score(0, 0) == 0.0
    assert z_score(1, 8) == pytest.approx(-7 / 3)


def test_baselines_forget_after_thirty_days():
    counts = Baselines()
    counts.ask(a_question(1, START))
    counts.answer(Answered(1, 5, START))
    counts.answer(Answered(1, 6, START + 29 * DAY))
    rankings = counts.rankings(a_question(2, START + 31 * DAY), 10)
    assert rankings["last_30_days"] == [6]
    assert set(rankings["answer_count"]) == {5, 6}


def test_later_places_pass_those_who_have_had_their_share():
    load = {1: 50, 2: 50, 3: 50, 4: 0, 5: 1, 6: 0, 7: 0}
    assert spread([1, 2, 3, 4, 5, 6, 7], load) == [1, 2, 4, 5, 6]
    assert spread([1, 2, 3], load) == [1, 2, 3]


def test_load_is_counted_over_thirty_days():
    load = Load()
    load.ask([1, 2], START)
    load.ask([1], START + 20 * DAY)
    assert load.at(START + 20 * DAY)[1] == 2
    assert load.at(START + 31 * DAY)[1] == 1


def test_reasons_say_what_is_known(app):
    memory = InMemory()
    router = Router(memory, InMemoryShelf())
    for number in range(14):
        router.ask(a_question(number, START + number * DAY, tags=("filters",)))
        router.answer(Answered(number, 5, START + number * DAY + 60))
    question = a_question(99, START + 14 * DAY, tags=("filters",))
    (only,) = rank(question, memory, router.model)
    found = reasons_for(only.helper, context_of(question, memory))
    assert found[0] == Reason("tag", 14, "filters")
    with app.test_request_context():
        assert sentence(found[0]) == "answered 14 questions about filters in 30 days"
    assert math.isfinite(only.score)
