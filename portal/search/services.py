"""Keeping the index: what was written or changed is read again from its feature and written anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from sqlalchemy import delete, text

from portal.community import facade as community
from portal.ideas import facade as ideas
from portal.kernel.database import db
from portal.search import rules
from portal.search.models import Entry
from portal.support import facade as support

WORDS_OF = 100_000
TERMS_OF = 1500
CONCEPTS = "concepts.txt"
COMPARED = ("idea", "question")


@dataclass(frozen=True, slots=True)
class Text:
    """What is searched of one contribution."""

    id: int
    thread_id: int
    board_id: int
    author_id: int
    lang: str | None
    state: str
    tags: Sequence[str]
    created_at: datetime
    title: str
    body: str


# Stems of the title and of the beginning of the body, with the meanings and beginnings that go with them. Reads
# ``src (n, stemming, title, body)``. ``#`` stands in every text, so that its count is the number of texts.
TERMS = f"""
stems AS MATERIALIZED (
    SELECT src.n, src.stemming, part.lexeme, bool_or(part.head) AS head
    FROM src, LATERAL (
        SELECT lexeme, true AS head FROM unnest(to_tsvector(('portal_' || src.stemming)::regconfig, src.title))
        UNION ALL
        SELECT lexeme, false
        FROM unnest(to_tsvector(('portal_' || src.stemming)::regconfig, left(src.body, {TERMS_OF})))
    ) AS part
    WHERE length(part.lexeme) BETWEEN 2 AND 40
    GROUP BY src.n, src.stemming, part.lexeme
),
terms AS (
    SELECT n, stemming || ':' || lexeme AS term, head FROM stems
    UNION ALL
    SELECT n, 'c.' || stemming || ':' || concept, head FROM stems JOIN search_concept USING (stemming, lexeme)
    UNION ALL
    SELECT n, 'p.' || stemming || ':' || left(lexeme, 5), head FROM stems WHERE lexeme ~ '^[[:alpha:]]{{4,}}$'
)"""

_FORGET = text("""
WITH gone AS (DELETE FROM search_entry WHERE kind = :kind AND target_id = ANY(:ids) RETURNING board_id, terms),
     lost AS (
         SELECT term.lexeme AS term, board_id, count(*) AS entries FROM gone, unnest(gone.terms) AS term GROUP BY 1, 2
     )
UPDATE search_term SET entries = search_term.entries - lost.entries
FROM lost WHERE search_term.term = lost.term AND search_term.board_id = lost.board_id
""")

_WRITE = text(f"""
WITH src AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:threads AS bigint[]), CAST(:boards AS bigint[]),
        CAST(:authors AS bigint[]), CAST(:langs AS text[]), CAST(:stemmings AS text[]), CAST(:states AS text[]),
        CAST(:tags AS text[]), CAST(:times AS timestamptz[]), CAST(:titles AS text[]), CAST(:bodies AS text[]))
        AS t (n, thread, board, author, lang, stemming, state, tags, created_at, title, body)
), {TERMS},
gathered AS (
    SELECT n, array_agg(DISTINCT term) AS terms, array_agg(DISTINCT term) FILTER (WHERE head) AS title_terms
    FROM terms WHERE :compared GROUP BY n
)
INSERT INTO search_entry (kind, target_id, thread_id, board_id, author_id, lang, stemming, state, tags, created_at,
    words, terms, title_terms, size)
SELECT :kind, n, src.thread, src.board, src.author, src.lang, src.stemming, src.state,
    CASE src.tags WHEN '' THEN CAST('{{}}' AS text[]) ELSE string_to_array(src.tags, ' ') END, src.created_at,
    setweight(to_tsvector(('portal_' || src.stemming)::regconfig, CASE WHEN :compared THEN src.title ELSE '' END), 'A')
        || setweight(to_tsvector(('portal_' || src.stemming)::regconfig, left(src.body, {WORDS_OF})), 'C'),
    CASE WHEN :compared THEN array_to_tsvector(array_append(coalesce(terms, '{{}}'), '#')) ELSE '' END,
    coalesce(title_terms, '{{}}'), coalesce(cardinality(terms), 0)
FROM src LEFT JOIN gathered USING (n)
ON CONFLICT (kind, target_id) DO NOTHING
""")

_COUNT_TERMS = text("""
INSERT INTO search_term (term, board_id, entries)
SELECT term.lexeme, board_id, count(*) FROM search_entry, unnest(terms) AS term
WHERE kind = :kind AND target_id = ANY(:ids) GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (term, board_id) DO UPDATE SET entries = search_term.entries + excluded.entries
""")

_COUNT_WORDS = text(f"""
INSERT INTO search_word (word, entries)
SELECT word.lexeme, count(*)
FROM unnest(CAST(:titles AS text[]), CAST(:bodies AS text[])) AS t (title, body),
     unnest(to_tsvector('portal_simple', t.title || ' ' || left(t.body, {TERMS_OF}))) AS word
WHERE word.lexeme ~ '^[[:alpha:]]{{3,30}}$'
GROUP BY 1 ORDER BY 1
ON CONFLICT (word) DO UPDATE SET entries = search_word.entries + excluded.entries
""")

_STATES = text("""
UPDATE search_entry SET state = news.state
FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS text[])) AS news (id, state)
WHERE thread_id = news.id AND kind = ANY(:kinds) AND search_entry.state <> news.state
""")


def index_ideas(ids: Sequence[int]) -> None:
    """Read ideas again; those that cannot be seen any more leave the index."""
    found = [one for one in ideas.search_texts(ids) if one.visible]
    _index(
        "idea",
        ids,
        [
            Text(
                id=one.id,
                thread_id=one.id,
                board_id=one.board_id,
                author_id=one.author_id,
                lang=one.lang,
                state=one.state,
                tags=one.tags,
                created_at=one.created_at,
                title=one.title,
                body=one.body,
            )
            for one in found
        ],
    )


def index_questions(ids: Sequence[int]) -> None:
    """Read questions again; those that cannot be seen any more leave the index."""
    tags, states = community.tags_of("question", ids), support.states_of(ids)
    _index(
        "question",
        ids,
        [_text(one, states[one.id][0], [t.key for t in tags.get(one.id, ())]) for one in support.texts_of(ids)],
    )


def index_answers(ids: Sequence[int]) -> None:
    """Read answers again; those that cannot be seen any more leave the index."""
    found = support.answer_texts_of(ids)
    threads = list({one.thread_id for one in found})
    tags, states = community.tags_of("question", threads), support.states_of(threads)
    _index(
        "answer",
        ids,
        [_text(one, states[one.thread_id][0], [t.key for t in tags.get(one.thread_id, ())]) for one in found],
    )


def _text(one: "support.TextRecord", state: str, tags: Sequence[str]) -> Text:
    return Text(
        id=one.id,
        thread_id=one.thread_id,
        board_id=one.board_id,
        author_id=one.author_id,
        lang=one.lang,
        state=state,
        tags=tags,
        created_at=one.created_at,
        title=one.title,
        body=one.body,
    )


def refresh_states(question_ids: Sequence[int]) -> None:
    """Learn anew whether questions are open, answered or solved, for themselves and their answers."""
    states = support.states_of(question_ids)
    if states:
        values = {"ids": list(states), "states": [state for state, _seen in states.values()]}
        db.session.execute(_STATES, {**values, "kinds": ["question", "answer"]})


def _index(kind: str, ids: Sequence[int], texts: Sequence[Text]) -> None:
    ensure_concepts()
    compared = kind in COMPARED
    known = _known(kind, ids)
    if known:
        db.session.execute(_FORGET, {"kind": kind, "ids": list(ids)})
    if not texts:
        return
    db.session.execute(_WRITE, {**_columns(texts), "kind": kind, "compared": compared})
    if compared:
        db.session.execute(_COUNT_TERMS, {"kind": kind, "ids": [one.id for one in texts]})
        fresh = [one for one in texts if one.id not in known]
        columns = {"titles": [one.title for one in fresh], "bodies": [one.body for one in fresh]}
        db.session.execute(_COUNT_WORDS, columns)


def _known(kind: str, ids: Sequence[int]) -> set[int]:
    there = text("SELECT target_id FROM search_entry WHERE kind = :kind AND target_id = ANY(:ids)")
    return set(db.session.scalars(there, {"kind": kind, "ids": list(ids)}))


def _columns(texts: Sequence[Text]) -> dict[str, list[object]]:
    return {
        "ids": [one.id for one in texts],
        "threads": [one.thread_id for one in texts],
        "boards": [one.board_id for one in texts],
        "authors": [one.author_id for one in texts],
        "langs": [one.lang or "" for one in texts],
        "stemmings": [rules.stemming_of(one.lang) for one in texts],
        "states": [one.state for one in texts],
        "tags": [" ".join(one.tags) for one in texts],
        "times": [one.created_at for one in texts],
        "titles": [one.title for one in texts],
        "bodies": [one.body for one in texts],
    }


def forget_everything() -> None:
    """Empty the index, so that it can be built again from the record."""
    db.session.execute(text("TRUNCATE search_entry, search_word, search_term, search_concept RESTART IDENTITY"))


def forget(kind: str, ids: Sequence[int]) -> None:
    """Take contributions out of the index."""
    db.session.execute(_FORGET, {"kind": kind, "ids": list(ids)})


# A word stays when a text that is left holds it: found by its stem, in any of the three ways of stemming.
_DROP_LOST = text(f"""
WITH words AS MATERIALIZED (
    SELECT DISTINCT word.lexeme
    FROM unnest(CAST(:written AS text[])) AS t (written),
         unnest(to_tsvector('portal_simple', left(t.written, {WORDS_OF}))) AS word
)
DELETE FROM search_word USING words
WHERE search_word.word = words.lexeme AND NOT EXISTS (
    SELECT 1 FROM search_entry, unnest(ARRAY['it', 'en', 'simple']) AS way
    WHERE search_entry.words @@ plainto_tsquery(('portal_' || way)::regconfig, search_word.word)
)""")
_DROP_TERMS = text("DELETE FROM search_term WHERE entries <= 0")


def forget_for_good(posts: Mapping[str, Sequence[int]], written: Sequence[str]) -> None:
    """Take contributions out of the index, with the words of their texts that no other is left to hold."""
    for kind, ids in posts.items():
        forget(kind, ids)
    db.session.execute(_DROP_LOST, {"written": list(written)})
    db.session.execute(_DROP_TERMS)


def forget_answers_to(question_ids: Sequence[int]) -> None:
    """Take the answers to questions out of the index."""
    db.session.execute(delete(Entry).where(Entry.kind == "answer", Entry.thread_id.in_(question_ids)))


# Meanings across languages


def ensure_concepts() -> None:
    """Read the bilingual list into its table when it is not there."""
    if db.session.execute(text("SELECT 1 FROM search_concept LIMIT 1")).first() is None:
        rows = list(concepts(files("portal.search").joinpath(CONCEPTS).read_text(encoding="utf-8")))
        db.session.execute(
            text("""
                INSERT INTO search_concept (stemming, lexeme, concept)
                SELECT DISTINCT stemming, word.lexeme, concept
                FROM unnest(CAST(:stemmings AS text[]), CAST(:words AS text[]), CAST(:concepts AS text[]))
                    AS t (stemming, words, concept),
                    unnest(to_tsvector(('portal_' || stemming)::regconfig, words)) AS word
                ON CONFLICT DO NOTHING"""),
            {
                "stemmings": [row[0] for row in rows],
                "words": [row[1] for row in rows],
                "concepts": [row[2] for row in rows],
            },
        )


def concepts(source: str) -> "list[tuple[str, str, str]]":
    """Read ``Italian | English | others`` lines into (stemming, words, name of the meaning)."""
    found = []
    for line in source.splitlines():
        if line.strip() and not line.startswith("#"):
            columns = [column.strip() for column in line.split("|")]
            name = columns[0].split()[0]
            found += [(stemming, words, name) for stemming, words in zip(("it", "en", "simple"), columns, strict=False)]
    return found
