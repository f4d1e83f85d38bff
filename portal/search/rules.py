"""How what is typed is read, and how close two texts are. Pure: values in, numbers out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

STEMMINGS = {"it": "it", "en": "en"}
OTHER = "simple"
CONFIGURATIONS = {"it": "portal_it", "en": "portal_en", OTHER: "portal_simple"}
TITLE_WEIGHT = 2.0
STEMS, STEMS_BUDGET = 26, 9000
BRIDGES, BRIDGES_BUDGET = 16, 3000
PAIRED = 6
TOGETHER, PAIRS_BUDGET = 3, 2000
HEAD_SHARE = 0.3
RIVALS = 5
POOL = 120
FEW_WORDS = 8
SHARED = 0.1
CLOSE = 0.01
"""Below this probability nothing is shown."""
DUPLICATE = 0.5
"""From here on it is called the same; below, related."""
# Italian stop words that lose their accent when people are in a hurry; the server's list knows the accented ones only.
UNACCENTED_STOPS = frozenset({
    "piu", "perche", "sara", "saro", "sarai", "avro", "avra", "avrai", "faro", "fara", "farai", "staro", "stara",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Likeness:
    """What two texts share: cosines between 0 and 1 over stems, titles' stems, and meanings across languages."""

    stems: float
    title: float
    meanings: float
    title_meanings: float
    same_language: bool

    @property
    def overall(self) -> float:
        """Return one figure, comparable among texts of one language."""
        if self.same_language:
            return self.stems + HEAD_SHARE * self.title
        return self.meanings + HEAD_SHARE * self.title_meanings


# Logistic regressions, fitted by `python -m bench.similar --fit`: within one language on 6,423 pairs (105 duplicates)
# of a mail program's support pages and of the demo community; across languages on the demo's 1,052 pairs (30
# duplicates), once alone and once among 29,514 other texts; taken nearer to the second fit, so that no known near
# miss gets 0.5. Held out five ways by query: of what gets 0.6 and more, 0.81 (mean 0.89) within a language and
# 0.91 to 0.93 (mean 0.85) across are duplicates.
SAME = {"bias": -5.48, "stems": 1.48, "meanings": 1.94, "title_meanings": 0.0, "lead": 8.46}
ACROSS = {"bias": -6.53, "stems": 0.0, "meanings": 12.43, "title_meanings": 9.3, "lead": 17.46}


def stemming_of(lang: str | None) -> str:
    """Return which stemming a language gets."""
    return STEMMINGS.get(lang or "", OTHER)


def probabilities(likenesses: Sequence[Likeness], *, across: int = 0) -> list[float]:
    """Return how likely each of these candidates says the same as the text they are close to (0 to 1), calibrated.

    A candidate that stands out from the next best ones is likelier the same than one of many alike: its lead over the
    mean of the five best others of its side (same language, other language) counts most.

    :param across: how many texts in other languages share a term with it. The coefficients were fitted where that were
        up to `POOL`; among more, one that looks alike is the likelier to do so by chance.
    """
    best = {
        side: sorted((one.overall for one in likenesses if one.same_language == side), reverse=True)[: RIVALS + 1]
        for side in (True, False)
    }
    prior = -log(max(1.0, across / POOL))
    return [
        _probability(one, one.overall - _mean_of_others(one.overall, best[one.same_language]), prior)
        for one in likenesses
    ]


def _mean_of_others(mine: float, best: Sequence[float]) -> float:
    rivals = [*best[: best.index(mine)], *best[best.index(mine) + 1 :]] if mine in best else list(best[:RIVALS])
    return sum(rivals) / len(rivals) if rivals else 0.0


def _probability(one: Likeness, lead: float, prior: float) -> float:
    weights = SAME if one.same_language else ACROSS
    score = weights["bias"] + weights["lead"] * lead + (0.0 if one.same_language else prior)
    score += sum(weights[name] * getattr(one, name) for name in ("stems", "meanings", "title_meanings"))
    return 1 / (1 + exp(-score))


def rarity(entries: int, total: int) -> float:
    """Return the weight of a term that ``entries`` of ``total`` texts hold: its inverse document frequency."""
    return log((total + 1) / (entries + 0.5)) if entries < total else 0.05


def chosen_terms(terms: Mapping[str, int], *, most: int, budget: int) -> list[str]:
    """Return the terms to look for: the rarest, as many as promise ``budget`` texts, one at least.

    :param terms: of the query, each with how many texts hold it.
    """
    chosen: list[str] = []
    promised = 0
    for term in sorted((t for t, entries in terms.items() if entries), key=lambda t: (terms[t], t)):
        if chosen and (promised + terms[term] > budget or len(chosen) >= most):
            break
        chosen.append(term)
        promised += terms[term]
    return chosen


def pairs(terms: Mapping[str, int], chosen: Collection[str], total: int) -> list[tuple[str, str]]:
    """Return pairs of the next rarest terms: two common words together may be rare enough to look for.

    Words that go together do so more often than chance says, `TOGETHER` times as often as a rule.
    """
    rest = sorted((t for t, n in terms.items() if n and t not in chosen), key=lambda t: (terms[t], t))[:PAIRED]
    found, promised = [], 0.0
    for place, one in enumerate(rest):
        for other in rest[place + 1 :]:
            expected = TOGETHER * terms[one] * terms[other] / (total + 1)
            if promised + expected <= PAIRS_BUDGET:
                found.append((one, other))
                promised += expected
    return found


def in_stemming(term: str, stemming: str) -> str:
    """Return a meaning or a beginning (``c.en:wool``) as texts of another stemming hold it (``c.it:wool``)."""
    mark, _, word = term.partition(":")
    return f"{mark[:2]}{stemming}:{word}"


def is_stem(term: str) -> bool:
    """Return whether a term is a stem of its own language, not a meaning or a beginning."""
    return not term.startswith(("c.", "p."))


@dataclass(frozen=True, slots=True)
class Weighted:
    """The terms of a text with their weights, by what they stand for."""

    all: Mapping[str, float]
    title: Mapping[str, float]

    @classmethod
    def of(cls, terms: Collection[str], title: Collection[str], weights: Mapping[str, float]) -> "Weighted":
        """Weigh the terms of a text; those of the title count twice."""
        heads = set(title)
        return cls(
            {t: weights[t] * (TITLE_WEIGHT if t in heads else 1.0) for t in terms if t in weights},
            {t: weights[t] for t in heads if t in weights},
        )


def likeness(one: Weighted, other: Weighted, *, stemming: str, same: bool | None) -> Likeness:
    """Compare a text with another of this stemming, which is its own (``same``), is not, or may be (None).

    When it may be, shared stems say that it is.
    """
    stem, bridge = (f"{stemming}:",), (f"c.{stemming}:", f"p.{stemming}:")
    stems = 0.0 if same is False else cosine(one.all, other.all, stem)
    alike = same if same is not None else stems >= SHARED
    return Likeness(
        stems if alike else 0.0,
        cosine(one.title, other.title, stem) if alike else 0.0,
        cosine(one.all, other.all, bridge),
        cosine(one.title, other.title, bridge),
        alike,
    )


def cosine(one: Mapping[str, float], other: Mapping[str, float], marks: tuple[str, ...]) -> float:
    """Return the cosine of two weighted bags, over the terms that begin with one of ``marks``."""
    a = {t: w for t, w in one.items() if t.startswith(marks)}
    b = {t: w for t, w in other.items() if t.startswith(marks)}
    if not a or not b:
        return 0.0
    shared = sum(weight * b[term] for term, weight in a.items() if term in b)
    return shared / sqrt(sum(w * w for w in a.values()) * sum(w * w for w in b.values()))
