"""Which clusters, and how many.

The first training tries several numbers within bounds that grow with the corpus. A later one begins
where the last topics lie, and adds clusters only where that makes clearly better topics: people who
have learnt to read a list of topics should find it again.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from portal.analytics.topics.reading import clusters, labels, mixtures, quality
from portal.analytics.topics.reading.corpus import LARGE, Vocabulary
from portal.analytics.topics.reading.pooling import FEWEST_THREADS, Watcher

__all__ = ["FEWEST_THREADS", "choose", "leanings", "numbers_to_try", "one_hot", "places_of_old", "topic_quality"]

Floats = npt.NDArray[np.float32]

SAMPLE: Final = 10_000
"""Threads on which the numbers of topics are compared."""

GAIN: Final = 0.005
"""More topics must be better by this much."""

CLEAR_GAIN: Final = 0.04
"""A topic is added to those that people know only when all become better by this much."""

STEPS_A_TRAINING: Final = 1
"""Old topics move by so many steps of k-means a training: they follow the talk, they do not jump."""

_RESTARTS: Final = 3
_RESTARTS_OF_SMALL: Final = 12
_SMALLEST: Final = 3
_FEWEST: Final = 4
_MOST: Final = 40


def choose(
    points: Floats,
    pooled: sparse.csr_matrix,
    vocabulary: Vocabulary,
    *,
    known: Floats,
    wanted: int | None,
    rng: np.random.Generator,
    watcher: Watcher,
) -> clusters.Clusters:
    """Return the clusters of these threads.

    :param points: where each thread lies (threads × dimensions, length one).
    :param known: centres of the last training's topics in this space, none at first.
    :param wanted: how many clusters; None to decide by topic quality.
    """
    chosen = rng.permutation(len(points))[:SAMPLE]
    sample, counts = points[chosen], pooled[chosen]
    numbers = [wanted] if wanted else numbers_to_try(len(points), known=len(known))
    best: tuple[float, Floats] | None = None
    for done, number in enumerate(numbers):
        watcher.tell(done)
        tried = _best_of(sample, number, known, rng)
        value = topic_quality(counts, tried, vocabulary)
        if best is None or value > best[0] + (CLEAR_GAIN if len(known) else GAIN):
            best = (value, known if number == len(known) else tried.centres)
    centres = known if best is None else best[1]
    rounds = STEPS_A_TRAINING if len(known) else clusters.ROUNDS
    return _without_crumbs(points, clusters.spherical_kmeans(points, centres, rounds=rounds), kept=len(known))


def numbers_to_try(threads: int, *, known: int = 0) -> Sequence[int]:
    """Return the numbers of topics worth trying, fewest first.

    >>> numbers_to_try(250)
    [10, 11, 12, 13]
    >>> numbers_to_try(30_000, known=20)
    [20, 21, 22, 24]
    """
    if known:
        return sorted({known + more for more in (0, 1, 2, max(2, known // 5))})
    most = max(_FEWEST, min(_MOST, round(0.85 * math.sqrt(threads))))
    fewest = max(min(_FEWEST, most), min(_MOST // 2, round(most * 0.75)))
    return sorted({round(number) for number in np.geomspace(fewest, most, 5)})


def topic_quality(counts: sparse.csr_matrix, found: clusters.Clusters, vocabulary: Vocabulary) -> float:
    """Return coherence times diversity of the topics that these clusters make."""
    weights = labels.word_weights(counts, one_hot(found.labels, len(found.centres)), vocabulary.idf)
    tops = labels.top_terms(weights, vocabulary.words, quality.DIVERSE)
    present = counts.copy()
    present.data = np.ones_like(present.data)
    return quality.npmi(tops, present) * quality.diversity(tops)


def one_hot(places: npt.NDArray[np.int64], width: int) -> Floats:
    """Return a row for each document with a one at its cluster."""
    rows = np.zeros((len(places), width), dtype=np.float32)
    rows[np.arange(len(places)), places] = 1
    return rows


def places_of_old(points: Floats, shares: Floats) -> Floats:
    """Return where the old topics lie in a new space: the mean of the threads they now hold.

    :param shares: threads × old topics. A topic without threads is left out.
    """
    held = shares.argmax(axis=1)
    sums = one_hot(held, shares.shape[1]).T @ points
    return clusters.unit(np.asarray(sums[sums.any(axis=1)], dtype=np.float32))


def leanings(points: Floats, centres: Floats) -> Floats:
    """Return how much each thread leans towards each cluster (rows sum to one)."""
    return mixtures.leaning(points @ centres.T)


def _best_of(points: Floats, number: int, known: Floats, rng: np.random.Generator) -> clusters.Clusters:
    """Return the tightest of a few clusterings."""
    given = known if len(known) else None
    tries = (
        clusters.spherical_kmeans(points, clusters.spread_out(points, wanted=number, rng=rng, given=given))
        for _ in range(1 if number == len(known) else _RESTARTS if len(points) > LARGE else _RESTARTS_OF_SMALL)
    )
    return max(tries, key=lambda one: float(one.closeness.sum()))


def _without_crumbs(points: Floats, found: clusters.Clusters, *, kept: int) -> clusters.Clusters:
    """Give up clusters too small to be topics; a topic of the last training that still lives may stay."""
    sizes = np.bincount(found.labels, minlength=len(found.centres))
    least = max(_SMALLEST, len(points) // 500)
    living = sizes >= np.where(np.arange(len(sizes)) < kept, _SMALLEST, least)
    if living.all() or not living.any():
        return found
    return clusters.spherical_kmeans(points, found.centres[living])
