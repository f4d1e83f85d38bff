"""Ideas and questions that are close to what somebody writes: in Italian and English, and across the two.

Rare terms find candidates in the index; the candidates are then compared term by term. Four statements, whatever is
asked; what a term weighs is read from the database, so that the web process holds no model.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from portal.kernel.database import db
from portal.kernel.language import language_of
from portal.search import rules
from portal.search.services import TERMS

CANDIDATES, ACROSS = 80, 30
READ = 4000
Terms = Mapping[str, bool]
"""Terms of a text, each with whether it stands in the title."""


@dataclass(frozen=True, slots=True)
class Close:
    """A contribution that is close, and how likely it says the same thing."""

    id: int
    probability: float
    likeness: rules.Likeness


@dataclass(frozen=True, slots=True)
class View:
    """What is written, as texts of one stemming hold it.

    ``same`` when that is the writer's language; None when it may be: too little is written to tell.
    """

    terms: Terms
    same: bool | None


_READ = text(f"""
WITH src AS (
    SELECT stemming AS n, stemming, CAST(:title AS text) AS title, CAST(:body AS text) AS body
    FROM unnest(CAST(:stemmings AS text[])) AS stemming
), {TERMS}
SELECT n, term, bool_or(head) AS head FROM terms GROUP BY 1, 2
""")

_OF_ENTRY = text("""
SELECT stemming, title_terms, tsvector_to_array(terms) AS terms FROM search_entry
WHERE kind = :kind AND target_id = :id
""")

_ENTRIES = text("""
SELECT term, CAST(sum(entries) AS bigint) AS entries FROM search_term
WHERE term = ANY(:terms) AND board_id = ANY(:boards) GROUP BY term HAVING sum(entries) > 0
""")


def close_to_text(
    kind: str,
    boards: Collection[int],
    title: str,
    body: str = "",
    *,
    lang: str | None = None,
    limit: int = 10,
    known: Collection[int] = (),
) -> list[Close]:
    """Return what is close to a text on these boards, the likeliest first.

    :param known: boards on which it is counted how rare a word is; those that are searched by default. None may be
        among them that whoever asks cannot see: a likeness would tell of it.
    """
    if not boards or not title.strip():
        return []
    stemmings = _stemmings(lang, title, body)
    terms: dict[str, dict[str, bool]] = {stemming: {} for stemming in stemmings}
    values = {"title": title[:READ], "body": body[:READ], "stemmings": stemmings}
    for stemming, term, head in db.session.execute(_READ, values):
        terms[stemming][term] = head
    return _close(kind, boards, _views(terms), known or boards, limit=limit)


def _stemmings(lang: str | None, title: str, body: str) -> list[str]:
    """Return the stemming of a text; both of ours when a few words do not say which language they are in."""
    found = lang or language_of(f"{title}\n{body[:READ]}")
    few = len(title.split()) + len(body[:READ].split()) < rules.FEW_WORDS
    if lang is None and (found is None or few):
        return ["it", "en"]
    return [rules.stemming_of(found)]


def close_to_entry(
    kind: str, target_id: int, among: str, boards: Collection[int], limit: int = 6, known: Collection[int] = ()
) -> list[Close]:
    """Return what is close to an indexed contribution among those of a kind, itself left out; see `close_to_text`."""
    row = db.session.execute(_OF_ENTRY, {"kind": kind, "id": target_id}).one_or_none()
    if row is None or not boards:
        return []
    heads = set(row.title_terms)
    terms = {row.stemming: {term: term in heads for term in row.terms if term != "#"}}
    found = _close(among, boards, _views(terms), known or boards, limit=limit + 1)
    return [one for one in found if among != kind or one.id != target_id][:limit]


def _views(terms: Mapping[str, Terms]) -> dict[str, View]:
    """Return what is written as each stemming's texts hold it: its own stems, and from elsewhere what bridges."""
    sure = len(terms) == 1
    views = {}
    for stemming in rules.CONFIGURATIONS:
        bridges = {
            rules.in_stemming(term, stemming): head
            for other, one in terms.items()
            for term, head in one.items()
            if other != stemming and not rules.is_stem(term)
        }
        own = terms.get(stemming)
        views[stemming] = View(bridges | dict(own or {}), (sure or None) if own is not None else False)
    return views


def _entries_of(terms: Iterable[str], boards: Collection[int]) -> dict[str, int]:
    rows = db.session.execute(_ENTRIES, {"terms": list(terms), "boards": list(boards)})
    return {row.term: row.entries for row in rows}


def _close(
    kind: str, boards: Collection[int], views: Mapping[str, View], counted: Collection[int], *, limit: int
) -> list[Close]:
    entries = _entries_of({"#", *(term for view in views.values() for term in view.terms)}, counted)
    total = entries.pop("#", 0)
    candidates = _candidates(kind, boards, views, entries, total)
    known = {term for row in candidates for term in row.terms}
    weights = {term: rules.rarity(n, total) for term, n in (_entries_of(known, counted) if known else {}).items()}
    mine = {stemming: _weighted(view.terms, entries, total) for stemming, view in views.items()}
    likenesses = []
    for row in candidates:
        other = rules.Weighted.of(row.terms, row.title_terms, weights)
        same = views[row.stemming].same
        likenesses.append(rules.likeness(mine[row.stemming], other, stemming=row.stemming, same=same))
    across = max((row.pool for row in candidates if views[row.stemming].same is False), default=0)
    chances = rules.probabilities(likenesses, across=across)
    found = [
        Close(row.target_id, chance, one) for row, chance, one in zip(candidates, chances, likenesses, strict=True)
    ]
    found.sort(key=lambda one: (-one.probability, one.id))
    return found[:limit]


def _weighted(terms: Terms, entries: Mapping[str, int], total: int) -> rules.Weighted:
    """Weigh the terms of what is written; one that no text holds is as rare as can be."""
    weights = {term: rules.rarity(entries.get(term, 0), total) for term in terms}
    return rules.Weighted.of(terms, [term for term, head in terms.items() if head], weights)


_BEST = text(f"""
SELECT best.target_id, best.pool, entry.stemming, entry.title_terms, tsvector_to_array(entry.terms) AS terms FROM (
    SELECT target_id, alike, row_number() OVER (PARTITION BY alike ORDER BY score DESC, target_id) AS place,
        count(*) OVER (PARTITION BY alike) AS pool
    FROM (
        SELECT found.target_id, found.alike, sum(term.weight) / sqrt(found.size + 10) AS score
        FROM unnest(CAST(:terms AS text[]), CAST(:weights AS double precision[])) AS term (wanted, weight),
            LATERAL (
                SELECT target_id, size, stemming = ANY(:own) AS alike FROM search_entry
                WHERE terms @@ CAST(term.wanted AS tsquery) AND kind || '' = :kind AND board_id = ANY(:boards)
                OFFSET 0 -- term by term by the index of terms, and by no other
            ) AS found
        GROUP BY found.target_id, found.size, found.alike
    ) AS scored
) AS best JOIN search_entry AS entry ON entry.kind = :kind AND entry.target_id = best.target_id
WHERE place <= CASE WHEN alike THEN {CANDIDATES} ELSE {ACROSS} END
""")


def _candidates(
    kind: str, boards: Collection[int], views: Mapping[str, View], entries: Mapping[str, int], total: int
) -> Sequence[Any]:
    """Return up to `CANDIDATES` and `ACROSS` entries of either side, those that share most of the rare terms."""
    wanted: dict[str, float] = {}
    for view in views.values():
        if view.same is not False:
            stems = {term: head for term, head in view.terms.items() if rules.is_stem(term)}
            wanted |= _wanted(stems, entries, total, rules.STEMS, rules.STEMS_BUDGET)
        if view.same is not True:
            bridges = {term: head for term, head in view.terms.items() if not rules.is_stem(term)}
            wanted |= _wanted(bridges, entries, total, rules.BRIDGES, rules.BRIDGES_BUDGET)
    if not wanted:
        return []
    values = {"terms": list(wanted), "weights": list(wanted.values()), "kind": kind, "boards": list(boards)}
    values["own"] = [stemming for stemming, view in views.items() if view.same is not False]
    return db.session.execute(_BEST, values).all()


def _wanted(terms: Terms, entries: Mapping[str, int], total: int, most: int, budget: int) -> dict[str, float]:
    """Return what to look for in the index and what a hit adds: rare terms, and pairs of the next rarest."""
    known = {term: entries[term] for term in terms if entries.get(term)}
    weights = {
        term: rules.rarity(count, total) ** 2 * (rules.TITLE_WEIGHT if terms[term] else 1.0)
        for term, count in known.items()
    }
    alone = rules.chosen_terms(known, most=most, budget=budget)
    together = rules.pairs(known, alone, total)
    return {_lexeme(term): weights[term] for term in alone} | {
        f"{_lexeme(one)} & {_lexeme(other)}": (weights[one] + weights[other]) / 2 for one, other in together
    }


def _lexeme(term: str) -> str:
    """Return a term as a query's text writes it."""
    escaped = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
