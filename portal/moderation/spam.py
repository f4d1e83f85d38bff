"""How likely a text is spam: naive Bayes over words, addresses and traits of the author; pure functions.

Counts are of texts that hold a word, decayed by half in `HALF_LIFE` days. A word that was met n times has the chance
``(s·½ + n·p) / (s + n)`` (Robinson 2003, "A statistical approach to the spam problem"), so that rare words say
little; the `TELLING` words that say most are combined as naive Bayes does. Words of one text depend on each other, so
the sum is far too sure of itself: Platt's logistic curve, fitted on earlier decisions each scored without itself, makes
a probability of it (Platt 1999).
"""

import hashlib
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from portal.kernel.text import fold

HALF_LIFE = 180.0
STRENGTH = 0.6
TELLING = 25
MOST_WORDS = 200
MANY_LINKS = 3
TOP_REASONS = 5
SHORT = 40
LATELY, LONG_AGO = 30, 180
KNOWN = 3
LETTERS = 12
CLOSE_ENOUGH = 1e-6
OF_AUTHOR = frozenset(
    {"joined_today", "joined_lately", "member_for_long", "unconfirmed", "nothing_seen", "seen_before"}
)
_WORD = re.compile(r"[^\W\d_]{3,24}")
_LINK = re.compile(r"https?://[^\s<>\")\]]+|www\.[^\s<>\")\]]+", re.IGNORECASE)
_PHONE = re.compile(r"\+?\d[\d\s().-]{7,}\d")
_CONTACT = re.compile(r"whats\s?app|telegram|t\.me/|wechat|bit\.ly|[\w.+-]+@[\w-]+\.\w{2,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Author:
    """What of its author says something about a text."""

    joined_days: int = 0
    verified: bool = True
    seen_posts: int = 0


@dataclass(frozen=True, slots=True)
class Curve:
    """Platt's curve: probability = 1 / (1 + exp(-(slope · score + offset)))."""

    slope: float = 0.5
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How likely a text is spam, and what spoke most for it (positive) and against it (negative)."""

    probability: float
    score: float
    reasons: tuple[tuple[str, float], ...]


def links(text: str) -> list[str]:
    """Return the hosts a text leads to."""
    found = []
    for address in _LINK.findall(text):
        host = urlsplit(address if "//" in address else f"//{address}").netloc.lower()
        found.append(host.rpartition("@")[2].partition(":")[0].removeprefix("www."))
    return [host for host in found if host]


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a link of a text, and where it stands."""

    start: int
    end: int
    folded: str
    is_link: bool


def tokens(text: str) -> list[Token]:
    """Return the words and links of a text in order."""
    found = [Token(one.start(), one.end(), "", True) for one in _LINK.finditer(text)]
    taken = [(one.start, one.end) for one in found]
    found += [
        Token(one.start(), one.end(), fold(one.group()), False)
        for one in _WORD.finditer(text)
        if not any(start <= one.start() < end for start, end in taken)
    ]
    return sorted(found, key=lambda token: token.start)


def words(text: str) -> list[str]:
    """Return the words of a text, folded, each once, in order; addresses aside."""
    found = _WORD.findall(fold(_LINK.sub(" ", text)))
    return list(dict.fromkeys(found))[:MOST_WORDS]


def traits(text: str, author: Author) -> list[str]:
    """Return what a text is judged by: traits in words, and hashes of its words and hosts.

    Hashes, because counts of words stay when a text is erased, and a word may be somebody's name.
    """
    hosts = links(text)
    found = {
        "link": bool(hosts),
        "many_links": len(hosts) >= MANY_LINKS,
        "phone": bool(_PHONE.search(text)),
        "contact": bool(_CONTACT.search(text)),
        "shouting": _shouts(text),
        "short": len(text) < SHORT,
        "joined_today": author.joined_days < 1,
        "joined_lately": 1 <= author.joined_days < LATELY,
        "member_for_long": author.joined_days >= LONG_AGO,
        "unconfirmed": not author.verified,
        "nothing_seen": author.seen_posts == 0,
        "seen_before": author.seen_posts >= KNOWN,
    }
    return [name for name, holds in found.items() if holds] + [hashed(one) for one in (*words(text), *hosts)]


def _shouts(text: str) -> bool:
    letters = [one for one in text if one.isalpha()]
    return len(letters) >= LETTERS and sum(one.isupper() for one in letters) > len(letters) / 2


def hashed(word: str) -> str:
    """Return what stands for a word in the counts."""
    return "#" + hashlib.blake2s(word.encode(), digest_size=8, person=b"spamword").hexdigest()


def decayed(count: float, days: float) -> float:
    """Return what is left of a count after some days."""
    return count * math.pow(0.5, max(days, 0.0) / HALF_LIFE)


Counts = Mapping[str, tuple[float, float]]


def weigh(found: Iterable[str], counts: Counts, total: tuple[float, float]) -> list[tuple[str, float]]:
    """Return how much each trait says, as a logarithm of odds, those that say most first."""
    spam_texts, fine_texts = total
    weights = []
    found = list(found)
    of_author = sum(one in OF_AUTHOR for one in found)
    for one in found:
        spam, fine = counts.get(one, (0.0, 0.0))
        if (n := spam + fine) <= 0:
            continue
        in_spam, in_fine = spam / max(spam_texts, 1.0), fine / max(fine_texts, 1.0)
        raw = in_spam / (in_spam + in_fine)
        chance = (STRENGTH * 0.5 + n * raw) / (STRENGTH + n)
        weight = math.log(chance / (1 - chance))
        # Everybody is new once: all that is known of the author together counts as much as one telling word.
        weights.append((one, max(min(weight, 1.0), -1.0) / of_author if one in OF_AUTHOR else weight))
    return sorted(weights, key=lambda pair: (-abs(pair[1]), pair[0]))[:TELLING]


def judge(found: Iterable[str], counts: Counts, total: tuple[float, float], curve: Curve) -> Verdict:
    """Return how likely a text is spam."""
    weights = weigh(found, counts, total)
    score = sum(weight for _trait, weight in weights)
    top = tuple(weights[:TOP_REASONS])
    return Verdict(1 / (1 + math.exp(-(curve.slope * score + curve.offset))), score, top)


def scores_without_themselves(
    texts: Iterable[tuple[Collection[str], bool]], counts: Counts, total: tuple[float, float], weight: float
) -> list[tuple[float, bool]]:
    """Return the score of each text of the counts, computed as if it had not been counted, and whether it is spam."""
    found = []
    for traits, is_spam in texts:
        spent = (weight, 0.0) if is_spam else (0.0, weight)
        left = {one: less(counts.get(one, (0.0, 0.0)), spent) for one in traits}
        found.append((sum(weight for _trait, weight in weigh(traits, left, less(total, spent))), is_spam))
    return found


def less(pair: tuple[float, float], spent: tuple[float, float]) -> tuple[float, float]:
    """Return counts without what one text added."""
    return max(pair[0] - spent[0], 0.0), max(pair[1] - spent[1], 0.0)


def fit(scores: Sequence[tuple[float, bool]], rounds: int = 30) -> Curve:
    """Return the curve that makes probabilities of scores, by Newton's steps with Platt's targets.

    :param scores: of texts whose decision is known, each computed without that decision.
    """
    yes = sum(1 for _score, spam in scores if spam)
    no = len(scores) - yes
    if not yes or not no:
        return Curve()
    high, low = (yes + 1) / (yes + 2), 1 / (no + 2)
    slope, offset = 0.5, math.log((yes + 1) / (no + 1))
    for _ in range(rounds):
        g1 = g2 = h12 = 0.0
        h11 = h22 = 1e-3
        for score, spam in scores:
            p = 1 / (1 + math.exp(-max(min(slope * score + offset, 30.0), -30.0)))
            error, spread = p - (high if spam else low), max(p * (1 - p), 1e-6)
            g1, g2 = g1 + error * score, g2 + error
            h11, h12, h22 = h11 + spread * score * score, h12 + spread * score, h22 + spread
        det = h11 * h22 - h12 * h12
        step1, step2 = (h22 * g1 - h12 * g2) / det, (h11 * g2 - h12 * g1) / det
        slope, offset = slope - max(min(step1, 1.0), -1.0), offset - max(min(step2, 2.0), -2.0)
        if abs(step1) + abs(step2) < CLOSE_ENOUGH:
            break
    return Curve(max(slope, 0.01), offset)
