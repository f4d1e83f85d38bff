"""Questions and their answers as records that an import reads."""

from collections.abc import Iterator

from sqlalchemy import text

from portal.community.exporting import CHUNK, Record, author_of, exports
from portal.kernel.database import db

_EVERYTHING = text("""
    SELECT 'question' AS type, q.id, q.external_id, NULL::bigint AS parent_id, NULL AS parent_external, q.title, q.body,
        q.lang, q.category, q.created_at, q.author_id, m.external_origin AS author_origin,
        m.external_id AS external_author, t.imported_score AS score, 0 AS helpful, 0 AS unhelpful,
        NULL::boolean AS accepted, NULL::boolean AS by_asker,
        ARRAY(SELECT tag.key FROM contribution_tag c JOIN tag ON tag.id = c.tag_id
              WHERE c.target_kind = 'question' AND c.target_id = q.id ORDER BY tag.key) AS tags
    FROM question q JOIN question_tally t ON t.question_id = q.id JOIN member m ON m.id = q.author_id
    WHERE q.board_id = :board AND q.hidden_at IS NULL
    UNION ALL
    SELECT 'answer', a.id, a.external_id, q.id, q.external_id, '', a.body, a.lang, '', a.created_at, a.author_id,
        m.external_origin, m.external_id, 0, t.helped + t.imported_helped, t.unhelped + t.imported_unhelped,
        a.accepted_at IS NOT NULL, a.by_asker, '{}'::text[]
    FROM answer a JOIN question q ON q.id = a.question_id JOIN answer_tally t ON t.answer_id = a.id
        JOIN member m ON m.id = a.author_id
    WHERE a.board_id = :board AND a.hidden_at IS NULL AND q.hidden_at IS NULL
    ORDER BY created_at, type DESC, id""")


@exports(
    "questions",
    board_type="support",
    columns=("id", "type", "parent", "title", "body", "format", "lang", "author", "created_at", "category", "tags",
             "accepted", "score", "helpful", "unhelpful", "by_asker"),
)  # fmt: skip
def questions_of(board_id: int, board_key: str) -> Iterator[Record]:
    """Yield the questions and answers of a board that can be seen, in order of time."""
    for row in db.session.execute(_EVERYTHING, {"board": board_id}, execution_options={"yield_per": CHUNK}):
        is_answer = row.type == "answer"
        said = {
            "id": row.external_id or f"{row.type}-{row.id}",
            "type": row.type,
            "body": row.body,
            "format": "markdown",
            "lang": row.lang,
            "author": author_of(row, board_key),
            "created_at": row.created_at,
        }
        if is_answer:
            parent = row.parent_external or f"question-{row.parent_id}"
            helped = {"helpful": row.helpful, "unhelpful": row.unhelpful, "by_asker": row.by_asker}
            yield {**said, "parent": parent, "accepted": row.accepted, **helped}
        else:
            yield {**said, "title": row.title, "category": row.category, "tags": list(row.tags), "score": row.score}
