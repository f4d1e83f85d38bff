"""Full text search over ideas, questions and answers on boards that one may see, counted by facet, best first."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import text

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.paging import decode_cursor, encode_cursor
from portal.kernel.text import fold
from portal.search import rules

PAGE = 20
RANKED = 5000
SNIPPET_OF = 6000
TAGS_SHOWN = 12
LIKELY_WORDS = 20
"""So many words that look alike are tried until one stands where the reader may see it."""
DAYS = {"week": 7, "month": 31, "year": 366}
ON, OFF = "\x01", "\x02"
_WORD = re.compile(r"[^\W\d_]{4,30}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is looked for, on which boards, and by which facets it is narrowed."""

    words: str
    boards: Collection[int]
    kind: str | None = None
    board_id: int | None = None
    state: str | None = None
    tag: str | None = None
    lang: str | None = None
    period: str | None = None
    cursor: str | None = None
    size: int = PAGE


@dataclass(frozen=True, slots=True)
class Hit:
    """A thread that was found: an idea, or a question with the answer that fits best, if one does."""

    kind: str
    id: int
    answer_id: int | None
    rank: float


@dataclass(frozen=True, slots=True)
class Found:
    """One page of hits, how many there are by facet, and the words that were looked for instead of misspelt ones."""

    hits: Sequence[Hit]
    next: str | None = None
    total: int = 0
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    words: str = ""
    corrected: bool = False

    @property
    def capped(self) -> bool:
        """Return whether there are more than were ranked: then the newest of them were."""
        return self.total >= RANKED


_MATCH = " OR ".join(
    f"(stemming = '{stemming}' AND words @@ websearch_to_tsquery('{configuration}', :words))"
    for stemming, configuration in rules.CONFIGURATIONS.items()
)
_RANK = " ".join(
    f"WHEN '{stemming}' THEN ts_rank(words, websearch_to_tsquery('{configuration}', :words))"
    for stemming, configuration in rules.CONFIGURATIONS.items()
)

_FIND = f"""
WITH hit AS MATERIALIZED (
    SELECT * FROM search_entry WHERE board_id = ANY(:boards) AND ({_MATCH})
    ORDER BY created_at DESC LIMIT {RANKED}
),
ranked AS (SELECT hit.*, CASE stemming {_RANK} END AS rank FROM hit),
thread AS MATERIALIZED (
    SELECT CASE kind WHEN 'idea' THEN 'idea' ELSE 'question' END AS kind, thread_id AS id, min(board_id) AS board_id,
        min(state) AS state, (array_agg(lang ORDER BY rank DESC))[1] AS lang, max(tags) AS tags,
        max(created_at) AS created_at, CAST(max(rank) AS double precision) AS rank,
        (array_agg(target_id ORDER BY rank DESC) FILTER (WHERE kind = 'answer'))[1] AS answer_id
    FROM ranked GROUP BY 1, 2
),
page AS (
    SELECT * FROM thread WHERE {{narrowed}} ORDER BY rank DESC, kind, id DESC LIMIT :size
)
SELECT 'hit' AS what, kind AS key, id AS n, rank, answer_id FROM page
UNION ALL SELECT 'kind', kind, count(*), NULL, NULL FROM thread GROUP BY kind
UNION ALL SELECT 'board', CAST(board_id AS text), count(*), NULL, NULL FROM thread GROUP BY board_id
UNION ALL SELECT 'state', state, count(*), NULL, NULL FROM thread GROUP BY state
UNION ALL SELECT 'lang', lang, count(*), NULL, NULL FROM thread WHERE lang <> '' GROUP BY lang
UNION ALL SELECT 'period', 'week', count(*) FILTER (WHERE created_at > :week), NULL, NULL FROM thread
UNION ALL SELECT 'period', 'month', count(*) FILTER (WHERE created_at > :month), NULL, NULL FROM thread
UNION ALL SELECT 'period', 'year', count(*) FILTER (WHERE created_at > :year), NULL, NULL FROM thread
UNION ALL (SELECT 'tag', tag, count(*), NULL, NULL FROM thread, unnest(tags) AS tag GROUP BY tag
    ORDER BY count(*) DESC, tag LIMIT {TAGS_SHOWN})
UNION ALL SELECT 'total', '', (SELECT count(*) FROM hit), NULL, NULL
"""

_NARROW = {
    "kind": "kind = :kind",
    "board_id": "board_id = :board_id",
    "state": "state = :state",
    "tag": ":tag = ANY(tags)",
    "lang": "lang = :lang",
    "since": "created_at > :since",
    "rank": "(rank < :rank OR rank = :rank AND (kind > :after OR kind = :after AND id < :before))",
}

# What is offered stands in a text that the reader may see: words are counted over all texts, also those she may not.
_IN_SIGHT = """EXISTS (
    SELECT FROM unnest(ARRAY['it', 'en', 'simple']) AS way, search_entry
    WHERE search_entry.words @@ plainto_tsquery(('portal_' || way)::regconfig, {word}) AND board_id = ANY(:boards)
)"""
_SPELL = text(f"""
SELECT typed.word, (
    SELECT known.word FROM (
        SELECT word, similarity(word, typed.word) * ln(entries + 2) AS likeness FROM search_word
        WHERE word % typed.word AND word <> typed.word AND entries > :usual * coalesce(own.entries, 0)
        ORDER BY likeness DESC, word LIMIT {LIKELY_WORDS}
    ) AS known
    WHERE {_IN_SIGHT.format(word="known.word")}
    ORDER BY known.likeness DESC, known.word LIMIT 1
) AS likely
FROM unnest(CAST(:words AS text[])) AS typed (word)
LEFT JOIN search_word AS own ON own.word = typed.word AND {_IN_SIGHT.format(word="own.word")}
""")
USUAL = 20
"""A word that is this many times as frequent as the one that was typed may have been meant."""

_HEADLINE = text(f"""
SELECT n, ts_headline(CAST(configuration AS regconfig), left(body, {SNIPPET_OF}), query,
        'StartSel={ON}, StopSel={OFF}, MaxFragments=2, MinWords=8, MaxWords=24, FragmentDelimiter=" … "') AS snippet,
    ts_headline(CAST(configuration AS regconfig), title, query, 'StartSel={ON}, StopSel={OFF}, HighlightAll=true')
        AS title
FROM unnest(CAST(:ns AS bigint[]), CAST(:configurations AS text[]), CAST(:titles AS text[]), CAST(:bodies AS text[]))
    AS t (n, configuration, title, body),
    LATERAL websearch_to_tsquery(CAST(configuration AS regconfig), :words) AS query
""")


def find(wish: Wish) -> Found:
    """Look for words; when nothing is found, for the words that they are probably meant to be."""
    words = without_stops(wish.words)
    if not words or not wish.boards:
        return Found([])
    found = _found(wish, words)
    if found.total == 0 and (better := respelt(words, wish.boards)) != words:
        again = _found(wish, better)
        return Found(again.hits, again.next, again.total, again.facets, better, corrected=True)
    return found


def without_stops(words: str) -> str:
    """Return the words without Italian stop words that lack their accent, and without what no text can hold."""
    clean = "".join(c if c.isprintable() else " " for c in words)[:200]
    return " ".join(word for word in clean.split() if fold(word) not in rules.UNACCENTED_STOPS)


def respelt(words: str, boards: Collection[int]) -> str:
    """Return the words with those that nobody has used on these boards replaced by the likest that somebody has."""
    typed = {word: fold(word) for word in _WORD.findall(words)}
    if not typed:
        return words
    rows = db.session.execute(_SPELL, {"words": sorted(set(typed.values())), "usual": USUAL, "boards": list(boards)})
    likely = {row.word: row.likely for row in rows if row.likely}
    return _WORD.sub(lambda match: likely.get(typed[match[0]], match[0]), words)


def _found(wish: Wish, words: str) -> Found:
    moment = now()
    values: dict[str, Any] = {name: moment - timedelta(days=days) for name, days in DAYS.items()}
    values |= {"words": words, "boards": list(wish.boards), "size": wish.size + 1}
    chosen = {name: getattr(wish, name) for name in ("kind", "board_id", "state", "tag", "lang")}
    if wish.period in DAYS:
        chosen["since"] = values[wish.period]
    if (last := decode_cursor(wish.cursor, float, str, int)) is not None:  # type: ignore[arg-type]
        chosen |= {"rank": last[0], "after": last[1], "before": last[2]}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    narrowed = " AND ".join(_NARROW[name] for name in chosen if name in _NARROW) or "true"
    rows = db.session.execute(text(_FIND.format(narrowed=narrowed)), values | chosen).all()
    facets: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.what not in {"hit", "total"} and row.n:
            facets.setdefault(row.what, {})[row.key] = row.n
    hits = [Hit(row.key, row.n, row.answer_id, row.rank) for row in rows if row.what == "hit"]
    total = next(row.n for row in rows if row.what == "total")
    more = len(hits) > wish.size
    hits = hits[: wish.size]
    cursor = encode_cursor(hits[-1].rank, hits[-1].kind, hits[-1].id) if more else None
    return Found(hits, cursor, total, facets, words)


def highlighted(words: str, texts: Sequence[tuple[int, str | None, str, str]]) -> dict[int, tuple[Markup, Markup]]:
    """Return title and snippet of texts, given as (key, language, title, body), with the words found marked; safe."""
    if not texts:
        return {}
    values = {
        "words": words,
        "ns": [one[0] for one in texts],
        "configurations": [rules.CONFIGURATIONS[rules.stemming_of(one[1])] for one in texts],
        "titles": [_unmarked(one[2]) for one in texts],
        "bodies": [_unmarked(one[3]) for one in texts],
    }
    rows = db.session.execute(_HEADLINE, values)
    return {row.n: (_marked(row.title), _marked(row.snippet)) for row in rows}


def _unmarked(words: str) -> str:
    return words.replace(ON, "").replace(OFF, "")


def _marked(words: str) -> Markup:
    safe = str(escape(words)).replace(ON, "<mark>").replace(OFF, "</mark>")
    return Markup(safe)  # noqa: S704 - escaped above, but for our own marks


def ids_by_words(kind: str, words: str, boards: Sequence[int], limit: int) -> list[int]:
    """Return the ids of ideas or questions that hold these words, the best first."""
    found = find(Wish(words=words, boards=boards, kind=kind, size=limit))
    return [hit.id for hit in found.hits]
