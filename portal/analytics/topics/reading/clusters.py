"""Latent semantic space and clusters in it.

The space is gensim's LSI over the pooled threads; the clusters are spherical k-means (Dhillon &
Modha 2001, "Concept decompositions for large sparse text data"). How many there are is decided by
topic quality, coherence times diversity (Dieng, Ruiz & Blei 2020, "Topic modeling in embedding
spaces"), and fewer are preferred when the gain is within the noise.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

DIMENSIONS: Final = 100
ROUNDS: Final = 30
_POWER_ITERATIONS: Final = 2
_EXTRA: Final = 30
_SEED: Final = 1


def latent_space(weighted: sparse.csr_matrix) -> Floats:
    """Return the projection (words × dimensions) of tf-idf documents into the latent space."""
    from gensim.models.lsimodel import Projection

    documents, words = weighted.shape
    wanted = max(2, min(DIMENSIONS, documents // 4, words // 4))
    found = Projection(
        words,
        wanted,
        docs=weighted.T.tocsc(),
        power_iters=_POWER_ITERATIONS,
        extra_dims=_EXTRA,
        use_svdlibc=False,
        random_seed=_SEED,
        dtype=np.float32,
    )
    return np.asarray(found.u, dtype=np.float32)


def unit(rows: Floats) -> Floats:
    """Return the rows at length one; an empty row stays empty."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    return np.asarray(rows / lengths, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Clusters:
    """Which cluster each document is in, and where the clusters lie."""

    centres: Floats
    """Clusters × dimensions, each of length one."""
    labels: Ints
    closeness: Floats
    """Cosine of each document with the centre of its own cluster."""


def spherical_kmeans(points: Floats, centres: Floats, *, rounds: int = ROUNDS) -> Clusters:
    """Return the clusters that grow from these centres; an empty cluster keeps its centre."""
    centres = unit(centres)
    labels = np.full(len(points), -1)
    for _ in range(rounds):
        likeness = points @ centres.T
        nearest = likeness.argmax(axis=1)
        moved = np.count_nonzero(nearest != labels)
        labels = nearest
        if moved <= len(points) // 1000:
            break
        member = sparse.csr_matrix(
            (np.ones(len(points), dtype=np.float32), (labels, np.arange(len(points)))),
            shape=(len(centres), len(points)),
        )
        sums = np.asarray(member @ points)
        empty = ~sums.any(axis=1)
        sums[empty] = centres[empty]
        centres = unit(sums)
    likeness = points @ centres.T
    labels = likeness.argmax(axis=1)
    return Clusters(centres, labels, likeness[np.arange(len(points)), labels])


def spread_out(points: Floats, *, wanted: int, rng: np.random.Generator, given: Floats | None = None) -> Floats:
    """Return starting centres, those given first (Arthur & Vassilvitskii 2007, "k-means++").

    Of several candidates for each centre the one that explains most is taken (greedy k-means++).
    """
    centres = list(given) if given is not None else [points[rng.integers(len(points))]]
    distance = 1 - (points @ np.asarray(centres).T).max(axis=1)
    while len(centres) < wanted:
        chance = np.clip(distance, 0, None).astype(np.float64)
        if not chance.sum():
            break
        candidates = rng.choice(len(points), size=4, p=chance / chance.sum())
        after = np.minimum(distance, 1 - points[candidates] @ points.T)
        best = int(after.sum(axis=1).argmin())
        centres.append(points[candidates[best]])
        distance = after[best]
    return np.asarray(centres, dtype=np.float32)
