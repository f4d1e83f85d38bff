"""Posts read one by one, pooled by thread and counted."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from portal.analytics.topics.reading import corpus
from portal.analytics.topics.reading.words import Reader

Ints = npt.NDArray[np.int64]

OPENING: Final = 2
"""What opens a thread counts so many times as much as a reply. Measured on Barcelona: NMI .338 → .348."""

HINT: Final = 3
"""A tag's name counts as said so many times: in a bilingual community it ties the languages together."""

FEWEST_THREADS: Final = 12
_TOLD_EVERY: Final = 500


class TooFewPosts(ValueError):
    """There is not enough text to find topics in."""


@dataclass(frozen=True, slots=True)
class Post:
    """One contribution as the pipeline reads it."""

    key: Hashable
    thread: Hashable
    text: str
    lang: str | None = None
    opens: bool = False
    hints: tuple[tuple[str, str], ...] = ()
    """Names of its tags with their language, in every language: they tie the languages together."""


class Watcher(Protocol):
    """Is told how far a training is; may raise to stop it."""

    def begin(self, step: str, total: int = 0) -> None:
        """Enter a step."""

    def tell(self, done: int) -> None:
        """Say how much of the step is done."""


class Nobody:
    """A watcher that does not care."""

    def begin(self, step: str, total: int = 0) -> None:
        """Do nothing."""

    def tell(self, done: int) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class PooledPosts:
    """The posts as read and counted. ``threads`` says which thread each post belongs to."""

    keys: list[Hashable]
    stems: list[list[str]]
    threads: Ints
    opens: npt.NDArray[np.bool_]
    said: npt.NDArray[np.bool_]
    """Which posts have anything to go by: words of their own, or of their thread."""
    tongues: list[dict[str, float]]
    vocabulary: corpus.Vocabulary
    posts: sparse.csr_matrix
    pooled: sparse.csr_matrix
    reader: Reader
    oov: float


def read_posts(
    posts: Iterable[Post], languages: tuple[str, ...], known: corpus.Vocabulary | None, watcher: Watcher
) -> PooledPosts:
    """Read the posts one by one, then pool and count them.

    :param known: the vocabulary of the last training, which is continued.
    :raise TooFewPosts: when there are fewer than a dozen threads.
    """
    reader = Reader(languages)
    places: dict[Hashable, int] = {}
    keys: list[Hashable] = []
    stems: list[list[str]] = []
    threads: list[int] = []
    opens: list[bool] = []
    tongues: list[dict[str, float]] = []
    hints: list[tuple[int, list[str]]] = []
    watcher.begin("words", len(posts) if isinstance(posts, Sequence) else 0)
    for done, post in enumerate(posts):
        if done % _TOLD_EVERY == 0:
            watcher.tell(done)
        place = places.setdefault(post.thread, len(places))
        if place == len(tongues):
            tongues.append({})
        words, lang = reader.read(post.text, post.lang)
        tongues[place][lang] = tongues[place].get(lang, 0.0) + len(words) * (OPENING if post.opens else 1)
        keys.append(post.key)
        stems.append(words)
        threads.append(place)
        opens.append(post.opens)
        hints += [(place, reader.read(name, tongue)[0]) for name, tongue in post.hints]
    if len(places) < FEWEST_THREADS:
        raise TooFewPosts
    return _count(reader, known, keys, stems, np.asarray(threads), np.asarray(opens), tongues, hints)


def _count(
    reader: Reader,
    known: corpus.Vocabulary | None,
    keys: list[Hashable],
    stems: list[list[str]],
    threads: Ints,
    opens: npt.NDArray[np.bool_],
    tongues: list[dict[str, float]],
    hints: list[tuple[int, list[str]]],
) -> PooledPosts:
    phrases = corpus.find_phrases(stems, at_least=max(4, len(stems) // 2_000))
    phrases |= known.phrases if known else frozenset()
    stems = [corpus.join_phrases(post, phrases) for post in stems]
    hinted = [corpus.join_phrases(words, phrases) for _, words in hints]
    pooled: list[set[str]] = [set() for _ in tongues]
    for place, post in zip(threads.tolist(), stems, strict=True):
        pooled[place].update(post)
    for (place, _), words in zip(hints, hinted, strict=True):
        pooled[place].update(words)
    vocabulary = corpus.learn_vocabulary(pooled, phrases=phrases, known=known.words if known else ())
    index, width = vocabulary.index(), len(vocabulary.words)
    counts = corpus.count(stems, index, words=width)
    whole = _gather(threads, np.where(opens, OPENING, 1), len(tongues)) @ counts
    if hints:
        owners = np.asarray([place for place, _ in hints])
        whole += _gather(owners, np.full(len(hints), HINT), len(tongues)) @ corpus.count(hinted, index, words=width)
    words_read = sum(map(len, stems))
    lengths = np.asarray(whole.sum(axis=1)).ravel()
    return PooledPosts(
        keys=keys,
        stems=stems,
        threads=threads,
        opens=opens,
        said=lengths[threads] > 0,
        tongues=[_as_shares(tongue) for tongue in tongues],
        vocabulary=vocabulary,
        posts=counts,
        pooled=sparse.csr_matrix(whole, dtype=np.float32),
        reader=reader,
        oov=1 - float(counts.sum()) / max(words_read, 1),
    )


def _gather(owners: Ints, weights: npt.NDArray[np.int64], into: int) -> sparse.csr_matrix:
    """Return the matrix (owners × items) that adds up weighted items by their owner."""
    items = np.arange(len(owners))
    return sparse.csr_matrix((weights.astype(np.float32), (owners, items)), shape=(into, len(owners)))


def _as_shares(tongue: dict[str, float]) -> dict[str, float]:
    total = sum(tongue.values())
    return {lang: words / total for lang, words in tongue.items()} if total else {}
