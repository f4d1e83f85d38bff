"""How well a member answers on a topic. Needs numpy and scipy: for workers and commands only.

Evidence is what others said of an answer: accepted, helped, did not help, verified by staff, outdone by another answer.
It weighs as much as who says so is trusted, fades over 180 days, counts less each time the same person says it of the
same member, and is shared out over the topics of the question. The chance that an answer helps is then a Beta posterior
around everybody's mean; members are ranked by its lower bound, not by volume.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from scipy.special import betaincinv

from portal.analytics.routing.baselines import z_score
from portal.analytics.trust import TRUSTED, pagerank

DECAY_DAYS = 180.0
PRIOR_WEIGHT = 4.0
LOW, HIGH = 0.05, 0.95
LEAST_PEOPLE = 5
LEAST_DAYS = 7
DOUBT = 0.5
"""Everybody's mean before there is any evidence."""


@dataclass(frozen=True, slots=True)
class Word:
    """Somebody says of an answer that it helped, or (``good`` false) that it did not."""

    member_id: int
    good: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Given:
    """An answer with what was said of it, and its question's topics with their shares."""

    answer_id: int
    author_id: int
    asker_id: int
    at: datetime
    topics: tuple[tuple[int, float], ...]
    words: tuple[Word, ...] = ()


@dataclass(slots=True)
class Standing:
    """One member on one topic."""

    member_id: int
    good: float = 0.0
    bad: float = 0.0
    people: set[int] = field(default_factory=set)
    days: set[date] = field(default_factory=set)
    answer_ids: list[int] = field(default_factory=list)
    low: float = 0.0
    mid: float = 0.0
    high: float = 1.0
    place: int | None = None
    asked: int = 0
    z_score: float = 0.0
    pagerank: float = 0.0
    count_place: int = 0
    z_score_place: int = 0
    pagerank_place: int = 0

    @property
    def answers(self) -> int:
        """Return how many answers the member gave on the topic."""
        return len(self.answer_ids)

    @property
    def is_ranked(self) -> bool:
        """Return whether there is enough for a public place: people who are trusted, on different days."""
        return len(self.people) >= LEAST_PEOPLE and len(self.days) >= LEAST_DAYS


@dataclass(frozen=True, slots=True)
class TopicStandings:
    """All who answered on a topic: those with a place first, by place, then by their lower bound."""

    topic_id: int
    mean: float
    standings: tuple[Standing, ...]

    @property
    def ranked(self) -> int:
        """Return how many have a place."""
        return sum(one.place is not None for one in self.standings)


def rank_topics(
    given: Iterable[Given], voices: Mapping[int, float], asked: Mapping[int, Mapping[int, int]], at: datetime
) -> list[TopicStandings]:
    """Rank the members on each topic.

    :param voices: how much each member's word weighs, 0 to 1; who is missing weighs nothing.
    :param asked: per topic and member, how many questions the member asked (for the z-score).
    """
    topics: dict[int, dict[int, Standing]] = defaultdict(dict)
    edges: dict[int, list[tuple[int, int, float]]] = defaultdict(list)
    said: dict[tuple[int, int], int] = defaultdict(int)
    for one in sorted(given, key=lambda answer: (answer.at, answer.answer_id)):
        heard = [(word, _weight(word, one, voices, said)) for word in one.words]
        fade = float(np.exp(-max(0.0, (at - one.at).total_seconds()) / (DECAY_DAYS * 86400)))
        for topic_id, share in one.topics:
            standing = topics[topic_id].setdefault(one.author_id, Standing(one.author_id))
            _add(standing, one, heard, fade * share, voices)
            edges[topic_id].append((one.asker_id, one.author_id, share))
    return [_ranked(topic, list(who.values()), edges[topic], asked.get(topic, {})) for topic, who in topics.items()]


def _weight(word: Word, given: Given, voices: Mapping[int, float], said: dict[tuple[int, int], int]) -> float:
    """Return what a word weighs: by trust, and 1/k the k-th time the same person speaks of the same member."""
    voice = voices.get(word.member_id, 0.0)
    if voice <= 0 or word.member_id == given.author_id:
        return 0.0
    said[word.member_id, given.author_id] += 1
    return word.weight * voice / said[word.member_id, given.author_id]


def _add(
    standing: Standing,
    given: Given,
    heard: Sequence[tuple[Word, float]],
    scale: float,
    voices: Mapping[int, float],
) -> None:
    standing.answer_ids.append(given.answer_id)
    for word, weight in heard:
        if weight <= 0:
            continue
        if word.good:
            standing.good += weight * scale
            if voices[word.member_id] >= TRUSTED:
                standing.people.add(word.member_id)
                standing.days.add(given.at.date())
        else:
            standing.bad += weight * scale


def _ranked(
    topic_id: int, who: list[Standing], edges: Sequence[tuple[int, int, float]], asked: Mapping[int, int]
) -> TopicStandings:
    good, bad = sum(one.good for one in who), sum(one.bad for one in who)
    mean = (good + DOUBT * PRIOR_WEIGHT) / (good + bad + PRIOR_WEIGHT)
    _estimate(who, mean)
    _baselines(who, edges, asked)
    who.sort(key=lambda one: (not one.is_ranked, -one.low, -one.answers, one.member_id))
    for place, one in enumerate((one for one in who if one.is_ranked), start=1):
        one.place = place
    return TopicStandings(topic_id, mean, tuple(who))


def _estimate(who: Sequence[Standing], mean: float) -> None:
    """Give each the posterior mean and the 90% interval: Beta(good + k·mean, bad + k·(1 − mean))."""
    hits = np.array([one.good for one in who]) + PRIOR_WEIGHT * mean
    misses = np.array([one.bad for one in who]) + PRIOR_WEIGHT * (1 - mean)
    lows, highs = betaincinv(hits, misses, LOW), betaincinv(hits, misses, HIGH)
    for one, low, mid, high in zip(who, lows, hits / (hits + misses), highs, strict=True):
        one.low, one.mid, one.high = float(low), float(mid), float(high)


def _baselines(who: Sequence[Standing], edges: Sequence[tuple[int, int, float]], asked: Mapping[int, int]) -> None:
    members = sorted({member for helped, helper, _ in edges for member in (helped, helper)})
    places = {member: place for place, member in enumerate(members)}
    helped, helpers, weights = zip(*((places[a], places[b], w) for a, b, w in edges), strict=True)
    ranks = pagerank(helped, helpers, weights, len(members))
    for one in who:
        one.asked = asked.get(one.member_id, 0)
        one.z_score = z_score(one.answers, one.asked)
        one.pagerank = float(ranks[places[one.member_id]])
    for place, one in enumerate(sorted(who, key=lambda one: (-one.answers, one.member_id)), start=1):
        one.count_place = place
    for place, one in enumerate(sorted(who, key=lambda one: (-one.z_score, one.member_id)), start=1):
        one.z_score_place = place
    for place, one in enumerate(sorted(who, key=lambda one: (-one.pagerank, one.member_id)), start=1):
        one.pagerank_place = place
