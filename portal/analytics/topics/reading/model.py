"""A trained model: what it takes to read a new post, and to train the next time."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from portal.analytics.topics.reading import mixtures
from portal.analytics.topics.reading.clusters import unit
from portal.analytics.topics.reading.corpus import Vocabulary, count, damp, join_phrases, weigh
from portal.analytics.topics.reading.words import Reader

Floats = npt.NDArray[np.float32]

CONVICTION: Final = 5.0
"""Pseudo-words by which a post leans towards its thread's cluster, or a reply towards its thread.
Measured on Barcelona's 29 subjects: NMI .317 at 0, .347 at 2, 5 and 10; the clusters alone .337."""

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Mixture:
    """What one post is about: topics' ids with their shares, strongest first. Empty: nothing to go by."""

    shares: tuple[tuple[int, float], ...]

    @property
    def topic(self) -> int | None:
        """The topic that the post is mostly about."""
        return self.shares[0][0] if self.shares else None


@dataclass(frozen=True, slots=True)
class Fresh:
    """A new post to be read; ``thread`` is the mixture of the thread in which it was written, by topic id."""

    text: str
    lang: str | None = None
    thread: Mapping[int, float] | None = None


@dataclass(frozen=True)
class TopicModel:
    """Everything learnt in one training. Immutable; ``ids`` are the topics' lasting identities."""

    ids: tuple[int, ...]
    languages: tuple[str, ...]
    vocabulary: Vocabulary
    projection: Floats
    """Words × dimensions."""
    shifts: Mapping[str, Floats]
    """Where the texts of a language lie on average: taken away, so that topics are not languages."""
    centres: Floats
    topics: Floats
    """λ: topics × words."""

    @cached_property
    def _index(self) -> dict[str, int]:
        return self.vocabulary.index()

    @cached_property
    def _sayings(self) -> Floats:
        return mixtures.sayings(self.topics)

    def read(self, text: str, lang: str | None = None, *, thread: Mapping[int, float] | None = None) -> Mixture:
        """Return what one new post is about; see `read_all`."""
        return self.read_all([Fresh(text, lang, thread)])[0]

    def read_all(self, posts: Sequence["Fresh"]) -> list[Mixture]:
        """Return what new posts are about: a reply leans towards its thread, others towards their cluster."""
        reader = Reader(self.languages)
        stems, tongues = [], []
        for post in posts:
            words, tongue = reader.read(post.text, post.lang)
            stems.append(join_phrases(words, self.vocabulary.phrases))
            tongues.append({tongue: 1.0})
        counts = count(stems, self._index, words=len(self.vocabulary.words))
        leaning = mixtures.leaning(self.locate(counts, tongues) @ self.centres.T)
        for row, post in enumerate(posts):
            if post.thread:
                leaning[row] = [post.thread.get(topic, 0.0) for topic in self.ids]
        shares = self.mix(counts, leaning)
        said = np.diff(counts.indptr) > 0
        return [
            self.mixture(row) if own or post.thread else Mixture(())
            for row, own, post in zip(shares, said, posts, strict=True)
        ]

    def locate(self, counts: sparse.csr_matrix, tongues: Sequence[Mapping[str, float]]) -> Floats:
        """Return where documents lie in the latent space (documents × dimensions), at length one.

        :param tongues: the share of each language in each document.
        """
        points = np.asarray(weigh(counts, self.vocabulary.idf) @ self.projection, dtype=np.float32)
        for lang, shift in self.shifts.items():
            points -= np.asarray([tongue.get(lang, 0.0) for tongue in tongues], dtype=np.float32)[:, None] * shift
        return unit(points)

    def mix(self, counts: sparse.csr_matrix, leaning: Floats) -> Floats:
        """Return the mixtures (documents × topics) of documents that lean as said."""
        return mixtures.mix(telling(counts, self.vocabulary.idf), self._sayings, CONVICTION * leaning)

    def mixture(self, shares: Floats, *, least: float = 0.05, most: int = 5) -> Mixture:
        """Return one row of shares by topic id, without the crumbs."""
        order = np.argsort(-shares)[:most].tolist()
        told = [(self.ids[place], round(float(shares[place]), 4)) for place in order if shares[place] >= least]
        return Mixture(tuple(told or [(self.ids[order[0]], round(float(shares[order[0]]), 4))]))

    def to_bytes(self) -> bytes:
        """Return the model as one compressed document."""
        head: dict[str, Any] = {
            "format": _FORMAT,
            "ids": self.ids,
            "languages": self.languages,
            "words": self.vocabulary.words,
            "phrases": sorted(self.vocabulary.phrases),
            "shifts": sorted(self.shifts),
        }
        arrays: dict[str, Any] = {
            "head": np.frombuffer(json.dumps(head).encode(), dtype=np.uint8),
            "idf": self.vocabulary.idf,
            "projection": self.projection.astype(np.float16),
            "centres": self.centres,
            "topics": self.topics.astype(np.float32),
            **{f"shift_{lang}": shift for lang, shift in self.shifts.items()},
        }
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "TopicModel":
        """Return a model that was kept."""
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            head = json.loads(kept["head"].tobytes())
            vocabulary = Vocabulary(
                words=tuple(head["words"]),
                phrases=frozenset((first, second) for first, second in head["phrases"]),
                idf=kept["idf"],
            )
            return cls(
                ids=tuple(head["ids"]),
                languages=tuple(head["languages"]),
                vocabulary=vocabulary,
                projection=kept["projection"].astype(np.float32),
                shifts={lang: kept[f"shift_{lang}"] for lang in head["shifts"]},
                centres=kept["centres"],
                topics=kept["topics"],
            )


def telling(counts: sparse.csr_matrix, idf: Floats) -> sparse.csr_matrix:
    """Return the counts LDA reads: damped, a word of average weight counting one."""
    weights = np.sqrt(idf)
    mean = float(weights[weights > 0].mean()) if (weights > 0).any() else 1.0
    return damp(counts, np.asarray(weights / mean, dtype=np.float32))
