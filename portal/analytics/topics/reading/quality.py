"""How good a set of topics is: figures that need no judge.

NPMI and C_v are gensim's coherence measures (Röder, Both & Hinneburg 2015, "Exploring the space of
topic coherence measures"); diversity is the share of different words among the topics' 25 strongest
(Dieng, Ruiz & Blei 2020).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import sparse

COHERENT: Final = 10
DIVERSE: Final = 25
SAMPLE: Final = 3_000
_WINDOW: Final = {"c_npmi": 10, "c_v": 110}


def diversity(topics: Sequence[Sequence[int]]) -> float:
    """Return the share of different words among the topics' strongest.

    >>> diversity([[1, 2], [2, 3]])
    0.75
    """
    words = [word for topic in topics for word in topic[:DIVERSE]]
    return len(set(words)) / len(words) if words else 0.0


def coherence(topics: Sequence[Sequence[str]], texts: Sequence[Sequence[str]], measure: str) -> float:
    """Return a coherence (``c_npmi`` or ``c_v``) of the topics' ten strongest words, by gensim.

    :param texts: stems of a sample of threads, in order: both measures look through a window.
    """
    from gensim.corpora import Dictionary
    from gensim.models import CoherenceModel

    occurring = {word for text in texts for word in text}
    told = [[word for word in topic if word in occurring][:COHERENT] for topic in topics]
    told = [topic for topic in told if len(topic) > 1]
    if not told:
        return 0.0
    wanted = {word for topic in told for word in topic}
    dictionary = Dictionary([sorted(wanted)])
    model = CoherenceModel(
        topics=told,
        texts=texts,
        dictionary=dictionary,
        coherence=measure,
        window_size=_WINDOW[measure],
        topn=COHERENT,
        processes=1,
    )
    values = np.asarray(model.get_coherence_per_topic(), dtype=float)
    return float(np.nanmean(values)) if not np.isnan(values).all() else 0.0


def npmi(topics: Sequence[Sequence[int]], present: sparse.csr_matrix) -> float:
    """Return the mean NPMI of the topics' ten strongest words within whole documents.

    The quick cousin of `coherence`, by which numbers of topics are compared.

    :param present: documents × words, one where a word occurs.
    """
    places = sorted({word for topic in topics for word in topic[:COHERENT]})
    row_of = {place: row for row, place in enumerate(places)}
    chosen = present[:, places]
    documents = present.shape[0]
    both = np.asarray((chosen.T @ chosen).todense(), dtype=float) / documents
    alone = both.diagonal()
    values = []
    for topic in topics:
        rows = [row_of[word] for word in topic[:COHERENT]]
        upper = np.triu_indices(len(rows), 1)
        first, second = np.asarray(rows)[upper[0]], np.asarray(rows)[upper[1]]
        values.append(_npmi(both[first, second], alone[first], alone[second]))
    return float(np.mean(values)) if values else 0.0


def _npmi(both: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean of log(p12 / (p1 · p2)) / -log p12; a pair that never meets counts -1."""
    if not len(both):
        return 0.0
    met = both > 0
    values = np.full(len(both), -1.0)
    inner = np.log(both[met] / (first[met] * second[met])) / np.maximum(-np.log(both[met]), 1e-9)
    values[met] = inner
    return float(values.mean())
