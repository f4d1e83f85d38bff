"""From the stems of many posts to the counted, weighted matrix that is clustered.

Threads are pooled (Hong & Davison 2010, "Empirical study of topic modeling in Twitter"): a question
with its answers, an idea with its comments, make one document. A short post alone says too little;
and where people answer in another language than they were asked in, pooling ties the two together
(Dumais et al. 1997, "Automatic cross-language retrieval using latent semantic indexing").
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float32]

MOST_WORDS: Final = 20_000
"""A vocabulary starts with no more words than this; later trainings append."""

COMMON: Final = 0.4
"""A word in more than this share of the threads says nothing about any of them."""

SHARPNESS: Final = 1.6
"""Exponent of idf in a large corpus. Measured: NMI with Barcelona's 29 subjects .27 at 1, .33 at 1.6,
.30 at 3; Thunderbird's categories .130, .133, .112. In a small one rare words are accidents."""

LARGE: Final = 2_000
"""From this many threads on a corpus counts as large."""

_PHRASE_SAMPLE: Final = 600_000
_PHRASE_THRESHOLD: Final = 0.45
_JOIN: Final = "_"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words a model knows, in an order that only ever grows at its end."""

    words: tuple[str, ...]
    phrases: frozenset[tuple[str, str]]
    idf: Floats
    """Per word; 0 for a word that no longer occurs, or that occurs nearly everywhere."""

    def index(self) -> dict[str, int]:
        """Return the position of each word."""
        return {word: place for place, word in enumerate(self.words)}


def find_phrases(posts: Iterable[Sequence[str]], *, at_least: int) -> frozenset[tuple[str, str]]:
    """Return the pairs of stems that belong together, by normalised mutual information.

    Bouma (2009), "Normalized (pointwise) mutual information in collocation extraction"; read from
    the first posts up to a fixed number of stems, which is plenty to know the common phrases.
    """
    from gensim.models.phrases import Phrases

    model = Phrases(
        _until(posts, _PHRASE_SAMPLE), min_count=at_least, threshold=_PHRASE_THRESHOLD, scoring="npmi", delimiter=_JOIN
    )
    pairs = (phrase.split(_JOIN) for phrase in model.freeze().phrasegrams)
    return frozenset((first, second) for first, second in pairs if first != second)


def _until(posts: Iterable[Sequence[str]], stems: int) -> Iterable[Sequence[str]]:
    read = 0
    for post in posts:
        yield post
        read += len(post)
        if read > stems:
            return


def join_phrases(stems: list[str], phrases: frozenset[tuple[str, str]]) -> list[str]:
    """Return the stems with the known pairs joined, from left to right.

    >>> join_phrases(["big", "dye", "lot"], frozenset({("dye", "lot")}))
    ['big', 'dye_lot']
    """
    if phrases.isdisjoint(pairwise(stems)):
        return stems
    joined: list[str] = []
    rest = iter(range(len(stems)))
    for place in rest:
        pair = (stems[place], stems[place + 1]) if place + 1 < len(stems) else None
        if pair in phrases:
            joined.append(_JOIN.join(pair))
            next(rest)
        else:
            joined.append(stems[place])
    return joined


def learn_vocabulary(
    threads: Sequence[Iterable[str]],
    *,
    phrases: frozenset[tuple[str, str]],
    known: Sequence[str] = (),
) -> Vocabulary:
    """Return the vocabulary of these threads: the words known already, then the new ones.

    A new word must occur in a few threads; the most widespread come first when there are too many.
    """
    spread: Counter[str] = Counter()
    for thread in threads:
        spread.update(set(thread))
    fewest = least_threads(len(threads))
    have = set(known)
    room = max(MOST_WORDS - len(have), MOST_WORDS // 10)
    fresh = sorted((w for w, n in spread.items() if n >= fewest and w not in have), key=lambda w: (-spread[w], w))
    words = (*known, *fresh[:room])
    return Vocabulary(words=words, phrases=phrases, idf=_idf(words, spread, len(threads)))


def least_threads(threads: int) -> int:
    """Return in how many threads a word must occur to be counted."""
    return 2 if threads < LARGE else 4 if threads < 20_000 else 6  # noqa: PLR2004


def _idf(words: Sequence[str], spread: Counter[str], threads: int) -> Floats:
    from gensim.corpora import Dictionary
    from gensim.models import TfidfModel

    dictionary = Dictionary()
    dictionary.token2id = {word: place for place, word in enumerate(words)}
    dictionary.num_docs = max(threads, 1)
    dictionary.dfs = {place: spread[word] for place, word in enumerate(words) if spread[word]}
    weights = np.zeros(len(words), dtype=np.float32)
    for place, weight in TfidfModel(dictionary=dictionary).idfs.items():
        weights[place] = weight ** (SHARPNESS if threads >= LARGE else 1)
    common = [spread[word] > COMMON * threads for word in words]
    weights[np.asarray(common, dtype=bool)] = 0.0
    return weights


def count(documents: Iterable[Iterable[str]], index: dict[str, int], *, words: int) -> sparse.csr_matrix:
    """Return how often each word of the vocabulary occurs in each document (documents × words)."""
    places: list[int] = []
    ends: list[int] = [0]
    for document in documents:
        places.extend([place for place in map(index.get, document) if place is not None])
        ends.append(len(places))
    matrix = sparse.csr_matrix(
        (np.ones(len(places), dtype=np.float32), np.asarray(places, dtype=np.int32), ends),
        shape=(len(ends) - 1, words),
    )
    matrix.sum_duplicates()
    return matrix


def damp(counts: sparse.csr_matrix, idf: Floats) -> sparse.csr_matrix:
    """Return the counts with repeats by their logarithm, and each word by how much it tells."""
    damped = counts.astype(np.float32, copy=True)
    damped.data = np.log1p(damped.data) * idf[damped.indices]
    damped.eliminate_zeros()
    return damped


def weigh(counts: sparse.csr_matrix, idf: Floats) -> sparse.csr_matrix:
    """Return the counts as tf-idf, each document of length one."""
    weighted = damp(counts, idf)
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1
    return sparse.csr_matrix(sparse.diags_array(1 / lengths) @ weighted, dtype=np.float32)
