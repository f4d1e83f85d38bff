"""Ideas and the comments on them as records that an import reads."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import text

from portal.community.exporting import CHUNK, Record, author_of, exports
from portal.kernel.database import db

_IDEAS = text("""
    SELECT i.id, i.external_id, i.title, i.body, i.lang, i.category, i.created_at, i.extra, i.author_id,
        m.external_origin AS author_origin, m.external_id AS external_author,
        t.votes + t.imported_support AS votes, t.stage,
        ARRAY(SELECT tag.key FROM contribution_tag c JOIN tag ON tag.id = c.tag_id
              WHERE c.target_kind = 'idea' AND c.target_id = i.id ORDER BY tag.key) AS tags
    FROM idea i JOIN idea_tally t ON t.idea_id = i.id JOIN member m ON m.id = i.author_id
    WHERE i.board_id = :board AND i.hidden_at IS NULL ORDER BY i.created_at, i.id""")
_COMMENTS = text("""
    SELECT c.id, c.external_id, c.body, c.lang, c.created_at, c.extra, c.author_id,
        m.external_origin AS author_origin, m.external_id AS external_author,
        i.id AS idea_id, i.external_id AS idea_external, p.id AS parent_id, p.external_id AS parent_external
    FROM comment c JOIN idea i ON c.target_kind = 'idea' AND i.id = c.target_id JOIN member m ON m.id = c.author_id
        LEFT JOIN comment p ON p.id = c.parent_id AND p.hidden_at IS NULL
    WHERE c.board_id = :board AND c.hidden_at IS NULL AND i.hidden_at IS NULL ORDER BY c.created_at, c.id""")


@exports(
    "ideas",
    board_type="ideas",
    columns=("id", "title", "body", "lang", "author", "created_at", "category", "votes", "status", "tags"),
)
def ideas_of(board_id: int, board_key: str) -> Iterator[Record]:
    """Yield the ideas of a board that can be seen; support is a count, whose it is stays here."""
    for row in _rows(_IDEAS, board_id):
        yield {
            **{name: value for name, value in row.extra.items() if name != "status"},
            "id": row.external_id or f"idea-{row.id}",
            "title": row.title,
            "body": row.body,
            "lang": row.lang,
            "author": author_of(row, board_key),
            "created_at": row.created_at,
            "category": row.category,
            "votes": row.votes,
            "status": row.stage,
            "tags": list(row.tags),
        }


@exports("comments", board_type="ideas", columns=("id", "idea", "parent", "author", "created_at", "lang", "body"))
def comments_of(board_id: int, board_key: str) -> Iterator[Record]:
    """Yield the comments on a board's ideas that can be seen."""
    for row in _rows(_COMMENTS, board_id):
        parent = row.parent_external or (f"comment-{row.parent_id}" if row.parent_id else None)
        yield {
            **row.extra,
            "id": row.external_id or f"comment-{row.id}",
            "idea": row.idea_external or f"idea-{row.idea_id}",
            "parent": parent,
            "author": author_of(row, board_key),
            "created_at": row.created_at,
            "lang": row.lang,
            "body": row.body,
        }


def _rows(statement: Any, board_id: int) -> Any:
    return db.session.execute(statement, {"board": board_id}, execution_options={"yield_per": CHUNK})
