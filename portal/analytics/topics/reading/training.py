"""One training, from posts to topics: the story that the other modules of this folder tell in parts."""

import time
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from portal.analytics.topics.reading import choosing, clusters, corpus, identity, labels, mixtures, quality
from portal.analytics.topics.reading.labels import Word
from portal.analytics.topics.reading.model import Mixture, TopicModel, telling
from portal.analytics.topics.reading.pooling import Nobody, PooledPosts, Post, TooFewPosts, Watcher, read_posts

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_BILINGUAL: Final = 0.1
_LONG_ENOUGH: Final = 8
_TOO_LONG: Final = 120

__all__ = ["Post", "Report", "TooFewPosts", "Topic", "Training", "train"]


@dataclass(frozen=True, slots=True)
class Report:
    """What a training says about itself. ``kept`` is None for the first one."""

    topics: int
    documents: int
    npmi: float
    c_v: float
    diversity: float
    kept: float | None
    oov: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as found: who it is, and what it is shown by."""

    id: int
    labels: dict[str, str]
    """By language; under the empty text what it is called in general."""
    words: list[Word]
    representatives: list[Hashable]


@dataclass(frozen=True, slots=True)
class Training:
    """The outcome. New topics carry negative ids in model and mixtures, until the database names them."""

    model: TopicModel
    topics: list[Topic]
    mixtures: dict[Hashable, Mixture]
    report: Report

    def named(self, ids: Mapping[int, int]) -> "Training":
        """Return the training with lasting ids in place of the negative ones."""
        model = replace(self.model, ids=tuple(ids.get(one, one) for one in self.model.ids))
        mixed = {
            key: Mixture(tuple((ids.get(topic, topic), share) for topic, share in mixture.shares))
            for key, mixture in self.mixtures.items()
        }
        topics = [replace(topic, id=ids.get(topic.id, topic.id)) for topic in self.topics]
        return replace(self, model=model, mixtures=mixed, topics=topics)


def train(
    posts: Iterable[Post],
    *,
    languages: tuple[str, ...],
    previous: TopicModel | None = None,
    before: Mapping[Any, int] | None = None,
    names: frozenset[str] = frozenset(),
    topics: int | None = None,
    watcher: Watcher | None = None,
    seed: int = 0,
) -> Training:
    """Find the topics of these posts.

    :param languages: those expected, the likeliest first.
    :param previous: the last model, whose topics are continued.
    :param before: the topic of each post after the last training, for the share that kept theirs.
    :param names: what people here are called, folded: never part of a label.
    :param topics: how many topics; by default decided by their quality.
    :raise TooFewPosts: when there are fewer than a dozen threads.
    """
    watcher = watcher or Nobody()
    began = time.process_time()
    read = read_posts(posts, languages, previous.vocabulary if previous else None, watcher)
    watcher.begin("space")
    space, points = _locate(read)
    watcher.begin("clusters")
    found = _cluster(read, points, previous, topics, np.random.default_rng(seed), watcher)
    watcher.begin("mixtures")
    model = _learn(read, replace(space, centres=found.centres), found, previous, seed)
    leaning = mixtures.leaning(points @ found.centres.T)
    pooled, own = model.mix(read.pooled, leaning), model.mix(read.posts, leaning[read.threads])
    watcher.begin("labels")
    weights = labels.word_weights(read.pooled, pooled, read.vocabulary.idf)
    told = _tell_topics(read, model, weights, own, points @ found.centres.T, names)
    mixed = {
        key: model.mixture(row) if said else Mixture(())
        for key, row, said in zip(read.keys, own, read.said.tolist(), strict=True)
    }
    watcher.begin("quality")
    report = _report(read, weights, told, mixed, before, began)
    return Training(model=model, topics=told, mixtures=mixed, report=report)


def _locate(read: PooledPosts) -> tuple[TopicModel, Floats]:
    """Return a model that has a space but no topics yet, and where the threads lie in it."""
    weighted = corpus.weigh(read.pooled, read.vocabulary.idf)
    if not weighted.nnz:
        raise TooFewPosts
    projection = clusters.latent_space(weighted)
    dimensions = projection.shape[1]
    space = TopicModel(
        ids=(),
        languages=read.reader.languages,
        vocabulary=read.vocabulary,
        projection=projection,
        shifts=_shifts(np.asarray(weighted @ projection, dtype=np.float32), read.tongues),
        centres=np.zeros((0, dimensions), dtype=np.float32),
        topics=np.zeros((0, len(read.vocabulary.words)), dtype=np.float32),
    )
    return space, space.locate(read.pooled, read.tongues)


def _shifts(points: Floats, tongues: list[dict[str, float]]) -> dict[str, Floats]:
    """Return the mean place of the threads of each language, where several are spoken."""
    main = np.asarray([max(tongue, key=tongue.__getitem__, default="") for tongue in tongues])
    spoken = [lang for lang in sorted(set(main.tolist())) if lang and np.mean(main == lang) >= _BILINGUAL]
    if len(spoken) < 2:  # noqa: PLR2004 - one language needs no correction
        return {}
    return {lang: points[main == lang].mean(axis=0) for lang in spoken}


def _cluster(
    read: PooledPosts,
    points: Floats,
    previous: TopicModel | None,
    wanted: int | None,
    rng: np.random.Generator,
    watcher: Watcher,
) -> clusters.Clusters:
    """Cluster the threads that say something; the others are put to the nearest cluster, which is any."""
    inside = points.any(axis=1)
    if inside.sum() < choosing.FEWEST_THREADS:
        raise TooFewPosts
    known = np.zeros((0, points.shape[1]), dtype=np.float32)
    if previous is not None:
        known = choosing.places_of_old(points[inside], _old_shares(read, previous)[inside])
    found = choosing.choose(
        points[inside],
        read.pooled[np.flatnonzero(inside)],
        read.vocabulary,
        known=known,
        wanted=wanted,
        rng=rng,
        watcher=watcher,
    )
    likeness = points @ found.centres.T
    labelled = likeness.argmax(axis=1)
    return clusters.Clusters(found.centres, labelled, likeness[np.arange(len(points)), labelled])


def _old_shares(read: PooledPosts, previous: TopicModel) -> Floats:
    """Return how the last model divides today's threads among its topics."""
    counts = read.pooled[:, : len(previous.vocabulary.words)]
    leaning = mixtures.leaning(previous.locate(counts, read.tongues) @ previous.centres.T)
    return previous.mix(counts, leaning)


def _learn(
    read: PooledPosts, space: TopicModel, found: clusters.Clusters, previous: TopicModel | None, seed: int
) -> TopicModel:
    """Train the LDA from the clusters, or from the last topics where these continue; name the topics."""
    counts = telling(read.pooled, read.vocabulary.idf)
    seeds = np.asarray((counts.T @ choosing.one_hot(found.labels, len(found.centres))).T, dtype=np.float32)
    old = identity.widened(previous.topics, seeds.shape[1]) if previous else seeds[:0]
    for place, before in identity.match(seeds, old).items():
        seeds[place] = old[before]
    learnt = mixtures.learn_topics(counts, mixtures.prior_of(seeds), seed=seed)
    same = identity.match(learnt, old)
    ids = tuple(previous.ids[same[place]] if previous and place in same else -1 - place for place in range(len(learnt)))
    return replace(space, ids=ids, topics=learnt)


def _tell_topics(
    read: PooledPosts, model: TopicModel, weights: Floats, own: Floats, likeness: Floats, names: frozenset[str]
) -> list[Topic]:
    """Say what each topic is called, by which words it is known, and which posts show it."""
    speller = labels.Speller(read.reader.spellings())
    words = labels.spelled_words(weights, read.vocabulary.words, speller, names=names)
    called = labels.label_topics(words, speller)
    lengths = np.asarray(read.posts.sum(axis=1)).ravel()
    fit = read.opens & (lengths >= _LONG_ENOUGH) & (lengths <= _TOO_LONG)
    shown = labels.representatives(own, likeness, fit=fit, threads=read.threads)
    return [
        Topic(id=one, labels=label, words=mine, representatives=[read.keys[post] for post in posts])
        for one, label, mine, posts in zip(model.ids, called, words, shown, strict=True)
    ]


def _report(
    read: PooledPosts,
    weights: Floats,
    topics: list[Topic],
    mixed: Mapping[Hashable, Mixture],
    before: Mapping[Any, int] | None,
    began: float,
) -> Report:
    tops = labels.top_terms(weights, read.vocabulary.words, quality.DIVERSE)
    told = [labels.of_one_language(topic.words) for topic in topics]
    texts = _sample_of_threads(read, len(weights))
    after = {key: mixture.topic for key, mixture in mixed.items() if mixture.topic is not None}
    kept = identity.kept_share(before, after) if before else None
    return Report(
        topics=len(topics),
        documents=len(read.keys),
        npmi=round(quality.coherence(told, texts, "c_npmi"), 4),
        c_v=round(quality.coherence(told, texts, "c_v"), 4),
        diversity=round(quality.diversity(tops), 4),
        kept=None if kept is None else round(kept, 4),
        oov=round(read.oov, 4),
        cpu_seconds=round(time.process_time() - began, 2),
    )


def _sample_of_threads(read: PooledPosts, seed: int) -> list[list[str]]:
    """Return the stems of a sample of threads, in the order they were written."""
    total = len(read.tongues)
    chosen = np.random.default_rng(seed).permutation(total)[: quality.SAMPLE]
    texts: dict[int, list[str]] = {place: [] for place in chosen.tolist()}
    for place, stems in zip(read.threads.tolist(), read.stems, strict=True):
        if place in texts:
            texts[place].extend(stems)
    return [text for text in texts.values() if text]
