"""What hangs on a thing goes with it to another board."""

from collections.abc import Sequence

from sqlalchemy import text

from portal.kernel.database import db

_COMMENTS = text("""
UPDATE comment SET board_id = :board FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS bigint[])) AS t (kind, id)
WHERE target_kind = t.kind AND target_id = t.id""")
_REVISIONS = text("""
UPDATE revision SET board_id = :board FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS bigint[])) AS t (kind, id)
WHERE target_kind = t.kind AND target_id = t.id""")


def move_comments(things: Sequence[tuple[str, int]], board_id: int) -> None:
    """Let the comments on some things, and what these said before, belong to a board."""
    values = {"board": board_id, "kinds": [kind for kind, _id in things], "ids": [one for _kind, one in things]}
    db.session.execute(_COMMENTS, values)
    db.session.execute(_REVISIONS, values)
