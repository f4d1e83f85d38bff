"""What a topic is called, and which posts show it best.

Words are ranked by class-based tf-idf (Grootendorst 2022, "BERTopic", equation 3): how often a word
stands in a topic, against how often it stands in all. People are shown words as people spell them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from portal.analytics.topics.reading.words import fold

Floats = npt.NDArray[np.float32]

SHOWN: Final = 25
LABEL: Final = 3
LEAST_LABEL: Final = 2
_SPARE: Final = 5
REPRESENTATIVES: Final = 3
KNOWN_TO: Final = 3
"""A word that fewer threads use does not stand for a topic."""

EXCLUSIVE: Final = 0.3
"""How much a word's own topic must have it for itself: the exponent of its share there (as in FREX of
Bischof & Airoldi 2012). Measured: at 0 topics of one board share too many words (diversity .61 on
Barcelona); at .25 .76, at .5 .85, where coherence begins to suffer."""

_OWN_LANGUAGE: Final = 0.5
_SPOKEN: Final = 0.2
_A_LANGUAGE: Final = 0.05
_JOIN: Final = "_"
_SHORTEST_SHARED: Final = 4

Spellings = Mapping[str, Mapping[str, tuple[str, int]]]
"""Per language, each stem's commonest spelling and how often it was read."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a topic, as people spell it."""

    term: str
    """The stem, or stems joined, that is counted."""
    text: str
    lang: str
    weight: float


def word_weights(counts: sparse.csr_matrix, shares: Floats, idf: Floats) -> Floats:
    """Return how much each word stands for each topic (topics × words), by class-based tf-idf.

    :param counts: documents × words; repeats are damped here.
    :param shares: documents × topics: how much of each document is in each topic.
    """
    damped = counts.astype(np.float32, copy=True)
    damped.data = np.log1p(damped.data)
    within = np.asarray((damped.T @ shares).T, dtype=np.float32)
    overall = within.sum(axis=0)
    average = within.sum() / len(within)
    sizes = within.sum(axis=1, keepdims=True)
    weights = within / np.maximum(sizes, 1e-9) * np.log1p(average / np.maximum(overall, 1e-9))
    weights *= (within / np.maximum(overall, 1e-9)) ** EXCLUSIVE
    weights[:, (idf == 0) | (damped.getnnz(axis=0) < KNOWN_TO)] = 0
    return np.asarray(weights, dtype=np.float32)


def top_terms(weights: Floats, words: Sequence[str], number: int) -> list[list[int]]:
    """Return, per topic, the places of its strongest words; a word within a stronger phrase once."""
    return [_strongest(row, words, number) for row in weights]


def _strongest(row: Floats, words: Sequence[str], number: int) -> list[int]:
    chosen: list[int] = []
    covered: set[str] = set()
    for place in np.argsort(-row)[: number * 3].tolist():
        parts = words[place].split(_JOIN)
        if row[place] <= 0 or len(chosen) == number:
            break
        if covered.isdisjoint(parts):
            chosen.append(place)
            covered.update(parts)
    return chosen


class Speller:
    """Turns stems back into words, each in the language in which it is mostly written."""

    def __init__(self, spellings: Spellings) -> None:
        """Take what a `Reader` has seen."""
        volume = {lang: sum(times for _, times in seen.values()) for lang, seen in spellings.items()}
        least = _A_LANGUAGE * sum(volume.values())
        self._volume = {lang: total for lang, total in volume.items() if total and total >= least}
        self._spellings = {lang: spellings[lang] for lang in self._volume}

    @property
    def languages(self) -> list[str]:
        """Return the languages that are spoken here."""
        return sorted(self._spellings)

    def language(self, term: str) -> str:
        """Return the language in which a word is commonest, relative to how much is written in it."""
        first = term.split(_JOIN, maxsplit=1)[0]
        return max(self._spellings, key=lambda lang: self._share(first, lang), default="")

    def is_of(self, term: str, lang: str) -> bool:
        """Tell whether a word belongs to a language, perhaps among others: *kit*, *yoga*."""
        return all(
            self._share(part, lang) >= _OWN_LANGUAGE * self._share(part, self.language(part))
            for part in term.split(_JOIN)
        )

    def spell(self, term: str, lang: str) -> str:
        """Return a word or a phrase as people spell it."""
        return " ".join(self._word(part, lang) for part in term.split(_JOIN))

    def _share(self, stem: str, lang: str) -> float:
        return self._spellings[lang].get(stem, ("", 0))[1] / self._volume[lang]

    def _word(self, stem: str, lang: str) -> str:
        seen = [self._spellings[one].get(stem) for one in (lang, self.language(stem))]
        return next((found[0] for found in seen if found), stem)


def spelled_words(
    weights: Floats,
    words: Sequence[str],
    speller: Speller,
    *,
    names: frozenset[str] = frozenset(),
    number: int = SHOWN,
) -> list[list[Word]]:
    """Return the strongest words of each topic, spelled.

    :param names: what people here are called, folded: nobody's name becomes a topic.
    """
    topics = []
    for row, places in zip(weights, top_terms(weights, words, number + _SPARE), strict=True):
        spelled = [(words[place], speller.language(words[place]), row[place]) for place in places]
        found = [Word(term, speller.spell(term, lang), lang, float(weight)) for term, lang, weight in spelled]
        topics.append([word for word in found if names.isdisjoint(fold(word.text).split())][:number])
    return topics


def of_one_language(words: Sequence[Word]) -> list[str]:
    """Return a topic's terms in the language it is mostly about in: words of two languages never meet in a sentence."""
    spoken: dict[str, float] = {}
    for word in words:
        spoken[word.lang] = spoken.get(word.lang, 0.0) + word.weight
    main = max(spoken, key=spoken.__getitem__, default="")
    return [word.term for word in words if word.lang == main]


def label_topics(topics: Sequence[Sequence[Word]], speller: Speller) -> list[dict[str, str]]:
    """Return, per topic, its label in each language that speaks of it, and under ``""`` in general."""
    labels = []
    for words in topics:
        label = {"": _joined(word.text for word in _different(words))}
        everything = sum(word.weight for word in words)
        for lang in speller.languages:
            own = [word for word in words if speller.is_of(word.term, lang)]
            spoken = sum(word.weight for word in own) >= _SPOKEN * everything
            if spoken and len(chosen := _different(own)) >= LEAST_LABEL:
                label[lang] = _joined(speller.spell(word.term, lang) for word in chosen)
        labels.append(label)
    return labels


def _different(words: Iterable[Word]) -> list[Word]:
    """Return the first few words that do not repeat each other: *felt* and *felting* are one."""
    chosen: list[Word] = []
    for word in words:
        if not any(_alike(word.text, other.text) for other in chosen):
            chosen.append(word)
        if len(chosen) == LABEL:
            break
    return chosen


def _alike(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    root = short[: max(_SHORTEST_SHARED, len(short) - 2)]
    return any(part.startswith(root) for part in long.split())


def _joined(words: Iterable[str]) -> str:
    text = ", ".join(words)
    return text[:1].upper() + text[1:]


def representatives(
    shares: Floats, closeness: Floats, *, fit: npt.NDArray[np.bool_], threads: npt.NDArray[np.int64]
) -> list[list[int]]:
    """Return, per topic, the posts that show it best, each of another thread.

    :param shares: posts × topics.
    :param closeness: threads × topics: cosine with the topic's centre.
    :param fit: which posts may be shown: long enough to speak, and opening a thread.
    :param threads: the thread of each post.
    """
    best: list[list[int]] = []
    candidates = np.flatnonzero(fit)
    for topic in range(shares.shape[1]):
        mine = candidates[shares[candidates].argmax(axis=1) == topic] if len(candidates) else []
        score = shares[mine, topic] * closeness[threads[mine], topic]
        order = [int(mine[place]) for place in np.argsort(-score)]
        seen: dict[int, int] = {}
        for post in order:
            seen.setdefault(int(threads[post]), post)
            if len(seen) == REPRESENTATIVES:
                break
        best.append(list(seen.values()))
    return best
