"""The spam score: learns from decisions, says why, forgets, and is measured on a small planted set."""

import math
import random
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from portal.kernel.database import db
from portal.moderation import spam
from portal.moderation.rules import HELD_FROM, SUSPECTED_FROM
from portal.moderation.services import deciding
from portal.moderation.services import spam as memory
from portal.moderation.spam import Author
from tests.ideas.factories import an_idea
from tests.moderation.factories import a_moderator, a_newcomer

NEW, OLD = Author(0, False, 0), Author(400, True, 9)
WARES = ("cashmere", "merino", "replica scarves", "casino bonus", "cheap yarn", "wholesale wool", "crypto", "loans")
CALLS = ("write to me on whatsapp", "order now", "link in my profile", "free shipping today", "contact on telegram")
TOPICS = (
    "the collar",
    "a felted hat",
    "my grandmother's spindle",
    "the blue cone",
    "sleeves",
    "plant dyes",
    "the gauge",
)
TALK = ("came out too small after washing", "could be knitted in the round", "needs a softer yarn, I think",
        "would be lovely in saffron", "slips off the needles", "has held for ten winters", "is hard to read")  # fmt: skip


def a_spam(dice: random.Random) -> str:
    link = f" https://{dice.choice(('yarn-deals', 'best-shop', 'outlet'))}.example/{dice.randrange(99)}"
    return f"Best price {dice.choice(WARES)}, {dice.choice(CALLS)}{link if dice.random() < 0.7 else ''}"


def a_post(dice: random.Random) -> str:
    link = " See https://ravelry.example/pattern" if dice.random() < 0.15 else ""
    return f"I wonder whether {dice.choice(TOPICS)} {dice.choice(TALK)}, and {dice.choice(TALK)}.{link}"


def teach(dice: random.Random, count: int) -> None:
    """Let moderators decide about as many spam posts as fine ones, newcomers among both."""
    for n in range(count):
        memory.teach("idea", 2 * n, a_spam(dice), NEW, is_spam=True)
        memory.teach("idea", 2 * n + 1, a_post(dice), NEW if n % 3 == 0 else OLD, is_spam=False)


def test_precision_and_recall_on_a_planted_set(app: Flask, record_property: Callable[[str, object], None]) -> None:
    dice = random.Random(7)
    teach(dice, 25)
    planted = [(a_spam(dice), True) for _ in range(60)] + [(a_post(dice), False) for _ in range(140)]
    held = {True: 0, False: 0}
    brier = 0.0
    for words, is_spam in planted:
        verdict = memory.judge(words, NEW)
        held[is_spam] += verdict.probability >= 0.9
        brier += (verdict.probability - is_spam) ** 2 / len(planted)
    precision, recall = held[True] / sum(held.values()), held[True] / 60
    record_property("figures", f"precision {precision:.3f}, recall {recall:.3f}, Brier {brier:.4f} on 60 of 200")
    assert precision >= 0.95
    assert recall >= 0.85
    assert brier < 0.05


def test_a_newcomers_ordinary_words_are_not_spam_because_she_is_new(app: Flask) -> None:
    dice = random.Random(7)
    for n in range(12):
        memory.teach("idea", 2 * n, a_spam(dice), NEW, is_spam=True)
        memory.teach("idea", 2 * n + 1, a_post(dice), OLD, is_spam=False)
    verdict = memory.judge("Good morning, do you make gloves in that green, too?", NEW)
    assert verdict.probability < 0.9


def test_before_anything_was_decided_it_knows_plain_spam_and_lets_ordinary_words_pass(app: Flask) -> None:
    ordinary = (
        "Good morning, do you make gloves in that green, too?",
        "Buongiorno, dove trovo le istruzioni per il modello vecchio?",
        "The mail with the invoice never came, whom do I write to? My number is in the order.",
        "I found the pattern here, is it the same yarn? https://patterns.example/mittens",
        "Gratis non serve, ma uno sconto per chi compra da dieci anni sarebbe bello.",
    )
    spam_texts = (
        "Join my trading group, guaranteed profit in crypto, write to me on Telegram https://x-gain.example",
        "Guadagna da casa 300 euro al giorno, contattami su WhatsApp, link nel profilo https://x-soldi.example",
    )
    assert [words for words in ordinary if memory.judge(words, NEW).probability >= SUSPECTED_FROM] == []
    assert [words for words in spam_texts if memory.judge(words, NEW).probability < HELD_FROM] == []


def test_what_the_portal_knows_at_first_gives_way_to_what_moderators_decide(app: Flask) -> None:
    words = "Wholesale yarn at factory price, order now"
    before = memory.judge(words, NEW).probability
    for n in range(8):
        memory.teach("idea", n, f"Our wholesale yarn at factory price, order {n} boxes now", NEW, is_spam=False)
    assert before > 0.5
    assert memory.judge(words, NEW).probability < before / 2


def test_it_says_what_spoke_for_it_in_words_of_the_text_and_keeps_hashes(app: Flask) -> None:
    teach(random.Random(7), 20)
    words = "Best price cashmere, order now https://yarn-deals.example/3"
    verdict = memory.judge(words, NEW)
    said = dict(memory.in_words(words, verdict.reasons))
    assert {"best", "price"} <= set(said) or "link" in said
    kept = db.session.scalars(text("SELECT word FROM spam_word")).all()
    assert all(word.startswith(("#", "*")) or word.isascii() for word in kept)
    assert not [word for word in kept if "cashmere" in word or "yarn" in word]


def test_what_was_taught_is_forgotten_exactly(app: Flask) -> None:
    teach(random.Random(7), 10)
    before = memory.judge("Best price merino, order now", NEW)
    memory.teach("answer", 1, "Best price merino, order now", NEW, is_spam=False)
    assert memory.judge("Best price merino, order now", NEW).probability < before.probability
    memory.unteach("answer", 1)
    memory._refit()
    after = memory.judge("Best price merino, order now", NEW)
    assert after.score == pytest.approx(before.score, abs=1e-3)


def test_old_decisions_fade_by_half_in_180_days() -> None:
    assert spam.decayed(8.0, 180) == pytest.approx(4.0)
    assert spam.decayed(8.0, 360) == pytest.approx(2.0)
    assert spam.decayed(8.0, -5) == 8.0


def test_the_weight_of_a_word_is_the_formula_of_the_page() -> None:
    found = spam.weigh(["#a"], {"#a": (6.0, 2.0)}, (20.0, 20.0))
    chance = (0.6 * 0.5 + 8 * 0.75) / (0.6 + 8)
    assert found == [("#a", pytest.approx(math.log(chance / (1 - chance))))]


def test_the_curve_makes_probabilities_that_come_true() -> None:
    dice = random.Random(3)
    scores = [(dice.gauss(2, 2), True) for _ in range(500)] + [(dice.gauss(-2, 2), False) for _ in range(500)]
    curve = spam.fit(scores)
    at_zero = 1 / (1 + math.exp(-curve.offset))
    assert at_zero == pytest.approx(0.5, abs=0.08)
    # Two normal curves four apart with deviation two: the true slope is 4 / 2² = 1.
    assert curve.slope == pytest.approx(1.0, abs=0.15)


def test_a_held_spam_teaches_and_the_next_is_held_for_it(app: Flask) -> None:
    dice = random.Random(7)
    teach(dice, 12)
    newcomer = a_newcomer()
    for _ in range(1):
        deciding.approve(a_moderator(), "idea", an_idea(newcomer, title="A hat for winter", body="With a brim."))
    idea = an_idea(newcomer, title="Best price cashmere", body="Order now, write to me on whatsapp")
    why = db.session.scalar(
        text("SELECT why FROM moderation_item WHERE target_id = :i AND closed_at IS NULL"), {"i": idea}
    )
    assert why["held"] == ["spam"]
    assert why["spam"] > 0.9
