"""What rows alone do not make when a member is brought from elsewhere: figures of ideas, her votes in ledgers."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text

from portal.ideas import ledger
from portal.kernel.database import db
from portal.kernel.personal import Brought

_TALLIES = text("""
    INSERT INTO idea_tally (idea_id, board_id, author_id, created_at, stage, listed, votes, effective_votes, not_for_me,
        skips, imported_support, comments, viewers, viewers_owed, rising, rising_seq, wanted, last_activity_at,
        ledger_seq, ledger_hash)
    SELECT id, board_id, author_id, created_at, 'submitted', hidden_at IS NULL, 0, 0, 0, 0, 0, 0, 0, 0, :unvoted, 0, 0,
        created_at, 0, ''
    FROM idea WHERE id = ANY(:ids) ON CONFLICT DO NOTHING""")
_COMMENTS = text("""
    UPDATE idea_tally SET comments = (
        SELECT count(*) FROM comment
        WHERE target_kind = 'idea' AND target_id = idea_tally.idea_id AND hidden_at IS NULL)
    WHERE idea_id = ANY(:ids)""")
_COUNTS = text("""
    INSERT INTO idea_count (board_id, facet, key, ideas)
    SELECT board_id, 'stage', stage, count(*) FROM idea_tally WHERE idea_id = ANY(:ids) AND listed GROUP BY 1, 2, 3
    ON CONFLICT (board_id, facet, key) DO UPDATE SET ideas = idea_count.ideas + excluded.ideas""")
_CATEGORIES = text("""
    INSERT INTO idea_count (board_id, facet, key, ideas)
    SELECT board_id, 'category', category, count(*) FROM idea
    WHERE id = ANY(:ids) AND hidden_at IS NULL AND category <> '' GROUP BY 1, 2, 3
    ON CONFLICT (board_id, facet, key) DO UPDATE SET ideas = idea_count.ideas + excluded.ideas""")


def stand_up(brought: Brought, *, unvoted: float) -> None:
    """Give brought ideas their figures, and append what the member voted to the ledgers of here, in order."""
    ids = list(brought.ids.get("idea", {}).values())
    db.session.execute(_TALLIES, {"ids": ids, "unvoted": unvoted})
    lines = sorted(brought.records.get("vote_ledger", ()), key=lambda line: (line["at"], line["seq"]))
    for say, action in _says(lines, brought.member_id):
        (ledger.cast if action == "cast" else ledger.withdraw)(say)
    for statement in (_COMMENTS, _COUNTS, _CATEGORIES):
        db.session.execute(statement, {"ids": ids})


def _says(lines: Iterable[Mapping[str, Any]], member_id: int) -> Iterable[tuple[ledger.Say, str]]:
    for line in lines:
        if not line["idea_id"]:
            continue
        yield (
            ledger.Say(
                idea_id=line["idea_id"],
                member_id=member_id,
                kind=line["kind"],
                at=datetime.fromisoformat(line["at"]),
                origin=line["origin"],
                verified=line["verified"],
                tenure_days=line["tenure_days"],
                fresh=False,
                position=line["position"],
                by_id=line["by_id"],
                source=line["source"],
            ),
            line["action"],
        )
