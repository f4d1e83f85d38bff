"""Rank propagated through who helped whom. Needs numpy and scipy: for workers and commands only.

Page, Brin, Motwani & Winograd (1999), "The PageRank citation ranking"; with restarts at trusted members only, as in
Gyöngyi, Garcia-Molina & Pedersen (2004), "Combating web spam with TrustRank".
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
DAMPING = 0.85
ENOUGH = 1e-9
ROUNDS = 100
WORDS_LEAST = 10.0
"""Whoever has given fewer words hands on a tenth of her trust with each."""
PAIR_MOST = 1.0
"""All that one member says for another one counts as one word."""
TRUSTED = 0.75
"""Whose word weighs so much is a person whom others trust; what she says counts towards a public place."""


def pagerank(
    sources: Any,
    targets: Any,
    weights: Any,
    count: int,
    *,
    restart: Sequence[int] | None = None,
    damping: float = DAMPING,
    enough: float = ENOUGH,
) -> Floats:
    """Return the rank of ``count`` nodes, with sum 1, by power iteration on a sparse matrix.

    :param sources, targets, weights: one entry an edge; who is helped points to who helped.
    :param restart: nodes where walks begin; everywhere if None. With some, whoever cannot be reached from them has
        exactly 0: there is no floor. With none of them, all have 0.
    """
    if count == 0 or (restart is not None and not len(restart)):
        return np.zeros(count)
    begin = np.full(count, 1 / count)
    if restart is not None:
        begin = np.zeros(count)
        begin[list(restart)] = 1 / len(set(restart))
    sources = np.asarray(sources, dtype=np.int32)
    weights = np.asarray(weights, dtype=np.float64)
    out = np.bincount(sources, weights=weights, minlength=count)
    shares = weights / np.where(out > 0, out, 1.0)[sources]
    links = csr_array((shares, (np.asarray(targets, dtype=np.int32), sources)), shape=(count, count))
    lost = np.flatnonzero(out == 0)
    rank = begin.copy()
    for _ in range(ROUNDS):
        step = damping * (links @ rank)
        step += (1 - damping + damping * rank[lost].sum()) * begin
        change = np.abs(step - rank).sum()
        rank = step
        if change < enough:
            break
    return rank


def handed_on(sources: Any, targets: Any, weights: Any, count: int, seeds: Sequence[int]) -> Floats:
    """Return trust from the seeds, where one word hands on a tenth of one's trust at most.

    What a member's words do not use up goes back to the seeds by way of a node that nobody owns. A group that nobody
    else vouches for can therefore keep going round only what came in by the few who did: with k words from outside, by
    people trusted like a seed, all of its accounts together get no more than 0.85 · k / 10 / 0.15 = 0.57 · k of a
    seed's trust, however many they are. As each hands another one a tenth at most, a single account gets no more than
    0.085 · k + 0.085 · (0.57 · k - its own): for five words from outside 0.61, less than `TRUSTED`.
    """
    if count == 0 or not len(seeds):
        return np.zeros(count)
    sources = np.asarray(sources, dtype=np.int32)
    weights = np.minimum(np.asarray(weights, dtype=np.float64), PAIR_MOST)
    given = np.bincount(sources, weights=weights, minlength=count)
    thrifty = np.flatnonzero((given > 0) & (given < WORDS_LEAST))
    ground = np.full(len(thrifty), count, dtype=np.int32)
    ranks = pagerank(
        np.concatenate((sources, thrifty.astype(np.int32))),
        np.concatenate((np.asarray(targets, dtype=np.int32), ground)),
        np.concatenate((weights, WORDS_LEAST - given[thrifty])),
        count + 1,
        restart=seeds,
    )
    return ranks[:count]


def voices(rank: Floats, seeds: Sequence[int]) -> Floats:
    """Return how much each member's word weighs: 1 for seeds, others their rank by a seed’s mean, at most 1."""
    if not len(seeds):
        return np.zeros(len(rank))
    chosen = list(set(seeds))
    heard: Floats = np.minimum(1.0, rank / rank[chosen].mean())
    heard[chosen] = 1.0
    return heard


def percentiles(rank: Floats) -> Floats:
    """Return for each the share of others, in per cent, whose rank is lower."""
    if len(rank) <= 1:
        return np.zeros(len(rank))
    lower = np.searchsorted(np.sort(rank), rank, side="left")
    return 100.0 * lower / (len(rank) - 1)
