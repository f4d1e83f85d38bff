"""How much of each topic is in a text: latent Dirichlet allocation, seeded by the clusters.

gensim's `LdaModel` learns the topics' words from the pooled threads, with the clusters as its ``eta``
(Jagarlamudi, Daumé & Udupa 2012, "Incorporating lexical priors into topic models"). Mixtures are then
read for all posts at once by the same variational steps (Hoffman, Blei & Bach 2010, "Online learning
for latent Dirichlet allocation", equations 2 to 4) on sparse matrices.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import psi

Floats = npt.NDArray[np.float32]

FLOOR: Final = 0.02
CARRIED: Final = 0.3
"""``eta = FLOOR + CARRIED · what is known``: of the last training's topics, or of a new cluster."""

_ALPHA: Final = 0.05
_TEMPERATURE: Final = 0.08
_STEPS: Final = 8
_BATCH: Final = 4_000


def prior_of(known: Floats) -> Floats:
    """Return LDA's ``eta`` (topics × words) from the words counted in each topic so far."""
    return np.asarray(FLOOR + CARRIED * known, dtype=np.float32)


def learn_topics(counts: sparse.csr_matrix, eta: Floats, *, seed: int) -> Floats:
    """Return λ (topics × words): gensim's LDA, one pass in one batch over the pooled threads, from the prior."""
    from gensim.matutils import Sparse2Corpus
    from gensim.models import LdaModel
    from gensim.utils import FakeDict

    model = LdaModel(
        id2word=FakeDict(counts.shape[1]),
        num_topics=len(eta),
        eta=eta,
        alpha=np.full(len(eta), _ALPHA, dtype=np.float32),
        update_every=0,
        chunksize=2_000,
        passes=1,
        iterations=12,
        gamma_threshold=0.05,
        eval_every=None,
        minimum_probability=0.0,
        random_state=seed,
        dtype=np.float32,
    )
    # gensim begins with random topics and meets ``eta`` only afterwards; we begin with ``eta``.
    model.state.sstats[:] = 0
    model.sync_state()
    model.update(Sparse2Corpus(counts.T.tocsc(), documents_columns=True))
    return np.asarray(model.state.get_lambda(), dtype=np.float32)


def leaning(likeness: Floats) -> Floats:
    """Return cosines with the clusters' centres (documents × topics) as shares that sum to one."""
    raised = np.exp((likeness - likeness.max(axis=1, keepdims=True)) / _TEMPERATURE)
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def mix(counts: sparse.csr_matrix, words: Floats, prior: Floats) -> Floats:
    """Return the mixture of topics in each document (documents × topics, rows sum to one).

    :param words: what each word says of each topic (words × topics), by `sayings`.
    :param prior: pseudo-counts each document brings along (documents × topics): where its thread
        lies, or its cluster. It decides for texts too short to speak for themselves.
    """
    parts = [
        _mix_some(counts[start : start + _BATCH], words, _ALPHA + prior[start : start + _BATCH])
        for start in range(0, counts.shape[0], _BATCH)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, words.shape[1]), dtype=np.float32)


def sayings(topics: Floats) -> Floats:
    """Return what each word says of each topic (words × topics), from λ of the trained model (topics × words)."""
    return expected(topics).T.copy()


def expected(dirichlet: Floats) -> Floats:
    """Return exp(E[log p]) of each row of Dirichlet parameters."""
    wide = dirichlet.astype(np.float64)
    return np.asarray(np.exp(psi(wide) - psi(wide.sum(axis=1, keepdims=True))), dtype=np.float32)


def _mix_some(counts: sparse.csr_matrix, words: Floats, alpha: Floats) -> Floats:
    owner = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    chosen = words[counts.indices]
    shares = counts.astype(np.float32, copy=True)
    gamma = alpha.copy()
    for _ in range(_STEPS):
        theta = expected(gamma)
        shares.data = counts.data / (np.einsum("nk,nk->n", theta[owner], chosen) + 1e-30)
        gamma = alpha + theta * (shares @ words)
    return np.asarray(gamma / gamma.sum(axis=1, keepdims=True), dtype=np.float32)
