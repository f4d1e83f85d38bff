"""The pipeline on texts of known themes: no database."""

import random
from collections import Counter

import pytest

from portal.analytics.topics.reading import corpus, identity, quality
from portal.analytics.topics.reading.model import TopicModel
from portal.analytics.topics.reading.training import Post, TooFewPosts, Training, train
from portal.analytics.topics.reading.words import Reader
from tests.analytics.topics.talk import THEMES, threads


def posts(number: int, **wishes) -> list[Post]:
    made = []
    for place, one in enumerate(threads(number, **wishes)):
        hints = tuple((name, lang) for lang, name in THEMES[one.theme]["tag"].items())
        made.append(Post(("idea", place), place, f"{one.title}\n{one.body}", one.lang, opens=True, hints=hints))
        made.append(Post(("comment", place), place, one.reply, one.reply_lang))
    return made


def trained(number: int = 90, **wishes) -> Training:
    return train(posts(number), languages=("it", "en"), topics=3, **wishes)


def themes_of(found: Training, number: int) -> dict[int, Counter]:
    heard: dict[int, Counter] = {}
    for place, one in enumerate(threads(number)):
        heard.setdefault(found.mixtures["idea", place].topic, Counter())[one.theme] += 1
    return heard


def test_themes_are_found_across_two_languages():
    heard = themes_of(trained(), 90)
    assert len(heard) == 3
    assert all(max(counts.values()) >= 0.95 * counts.total() for counts in heard.values())


def test_a_reply_is_about_what_its_thread_is_about():
    found = trained()
    together = [found.mixtures["idea", n].topic == found.mixtures["comment", n].topic for n in range(90)]
    assert sum(together) >= 0.95 * len(together)


def test_labels_are_words_that_people_wrote_in_each_language():
    written = {lang: {word for theme in THEMES.values() for word in theme[lang].split()} for lang in ("it", "en")}
    for topic in trained().topics:
        for lang in ("it", "en"):
            words = topic.labels[lang].lower().split(", ")
            assert 2 <= len(words) <= 3
            assert set(words) <= written[lang]


def test_nobodys_name_becomes_a_topic():
    made = [Post(p.key, p.thread, f"{p.text} hamish hamish", p.lang, opens=p.opens) for p in posts(60)]
    found = train(made, languages=("it", "en"), topics=3, names=frozenset({"hamish"}))
    assert all("hamish" not in word.text for topic in found.topics for word in topic.words)


def test_representatives_open_threads_of_their_topic():
    found = trained()
    for topic in found.topics:
        assert len(topic.representatives) == 3
        assert all(kind == "idea" for kind, _ in topic.representatives)
        assert {found.mixtures[key].topic for key in topic.representatives} == {topic.id}


def test_topics_keep_their_identity_when_more_is_written():
    first = trained(75)
    first = first.named({topic.id: 100 - topic.id for topic in first.topics})
    before = {key: mixture.topic for key, mixture in first.mixtures.items()}
    second = train(posts(90), languages=("it", "en"), previous=first.model, before=before)
    assert set(second.model.ids) >= set(first.model.ids)
    assert second.report.kept is not None
    assert second.report.kept >= 0.9
    words = first.model.vocabulary.words
    assert second.model.vocabulary.words[: len(words)] == words


def test_a_topic_that_comes_up_later_gets_a_new_identity():
    first = trained()
    first = first.named({topic.id: 100 - topic.id for topic in first.topics})
    draw = random.Random(3)
    spinning = ["spindle", "wheel", "fleece", "carding", "comb", "whorl", "twist", "ply", "roving", "bobbin"]
    later = [
        Post(
            ("idea", 500 + n),
            500 + n,
            f"What should I do with the {' '.join(draw.choices(spinning, k=8))}",
            "en",
            opens=True,
        )
        for n in range(30)
    ]
    second = train([*posts(90), *later], languages=("it", "en"), previous=first.model, topics=4)
    assert set(first.model.ids) < set(second.model.ids)
    (fresh,) = (topic for topic in second.topics if topic.id < 0)
    assert {word.text for word in fresh.words[:5]} <= set(spinning)
    assert second.mixtures["idea", 510].topic == fresh.id


def test_a_model_that_was_kept_reads_as_before():
    model = trained().model
    again = TopicModel.from_bytes(model.to_bytes())
    text = "Il pacco del corriere e la consegna in ritardo"
    assert again.read(text, "it").topic == model.read(text, "it").topic
    assert again.vocabulary.words == model.vocabulary.words


def test_a_new_post_is_read_and_one_without_known_words_leans_on_its_thread():
    found = trained()
    model = found.model
    about = {
        Counter(found.mixtures["idea", n].topic for n, t in enumerate(threads(90)) if t.theme == theme).most_common(1)[
            0
        ][0]: theme
        for theme in THEMES
    }
    assert about[model.read("The courier left my parcel at the depot", "en").topic] == "parcels"
    assert about[model.read("Quanto allume per la robbia nel bagno?", "it").topic] == "dyeing"
    thread = dict(model.read("The courier left my parcel", "en").shares)
    assert about[model.read("Zzz!", "en", thread=thread).topic] == "parcels"
    assert model.read("Zzz!", "en").topic is None


def test_the_same_posts_give_the_same_topics():
    assert trained().mixtures == trained().mixtures


def test_too_few_threads_are_refused():
    with pytest.raises(TooFewPosts):
        train(posts(5), languages=("en",))
    with pytest.raises(TooFewPosts):
        train([], languages=("en",))
    with pytest.raises(TooFewPosts):
        train([Post(n, n, "Wool felts", "en", opens=True) for n in range(30)], languages=("en",))


def test_texts_without_words_do_no_harm():
    odd = [
        Post(("idea", 1000 + n), 1000 + n, text, None, opens=True)
        for n, text in enumerate(["", "???", "🙂" * 9, "1 2 3"])
    ]
    found = train(posts(40) + odd, languages=("it", "en"), topics=3)
    assert all(found.mixtures["idea", 1000 + n].topic is None for n in range(3))
    assert found.report.documents == 84


def test_a_report_is_computed_from_what_was_read():
    report = trained().report
    assert report.documents == 180
    assert -1 <= report.npmi <= 1
    assert 0 < report.c_v <= 1
    assert 0 < report.diversity <= 1
    assert 0 <= report.oov < 0.2
    assert report.kept is None
    assert report.cpu_seconds > 0


def test_code_links_and_quotations_are_not_read():
    reader = Reader(("en",))
    text = "The yarn felts.\n> quoted wool\n```\ncode block\n```\nSee https://example.org/spindle or `inline` now"
    assert reader.read(text, "en")[0] == ["yarn", "felt"]


def test_a_form_that_comes_again_and_again_is_not_read():
    reader = Reader(("en",))
    form = "Troubleshooting information about Windows"
    read = [len(reader.read(f"Wool shrinks\n{form}", "en")[0]) for _ in range(40)]
    assert read[0] > read[-1] == 2


def test_a_language_that_is_not_what_it_is_said_to_be_is_recognised():
    text = (
        "Vorrei sapere perché questi maglioni sono diventati così piccoli dopo il lavaggio e che cosa devo fare adesso"
    )
    assert Reader(("en", "it")).read(text, "en")[1] == "it"


def test_pairs_that_belong_together_are_joined():
    stems = [["dye", "lot", "wool"], ["big", "dye", "lot"], ["wool", "spin", "card"], ["card", "comb"]] * 20
    found = corpus.find_phrases(stems, at_least=5)
    assert ("dye", "lot") in found
    assert corpus.join_phrases(["red", "dye", "lot"], found)[-1] == "dye_lot"


def test_measures_have_worked_examples():
    assert quality.diversity([[1, 2], [2, 3]]) == 0.75
    assert identity.kept_share({"a": 1, "b": 2}, {"a": 1, "b": 3}) == 0.5
    assert identity.kept_share({}, {"a": 1}) is None
    together = [["wool", "felt"]] * 20 + [["parcel", "van"]] * 20
    good = quality.coherence([["wool", "felt"], ["parcel", "van"]], together, "c_npmi")
    bad = quality.coherence([["wool", "van"], ["parcel", "felt"]], together, "c_npmi")
    assert good > 0.9
    assert bad < 0
