"""Two ideas that are the same: one leads to the other, whose votes, followers and comments then count both.

The merge is a link. Votes on the one stay where they are; each supporter who has said nothing about the other gets a
line in its ledger, with the time of the first vote, that says where it came from. Taking the link away withdraws
those lines' votes again, as far as they still stand as they were written.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import text

from portal.community import facade as community
from portal.ideas import ledger, queries, services
from portal.ideas.events import VoteCast, VoteWithdrawn
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import publish

ORIGIN = "merge"
_VOICES = text("""
SELECT v.member_id, v.at, v.fresh, v.young, e.verified, e.tenure_days
FROM vote v JOIN LATERAL (
    SELECT verified, tenure_days FROM vote_entry
    WHERE idea_id = v.idea_id AND member_id = v.member_id AND action = 'cast' ORDER BY seq DESC LIMIT 1
) AS e ON true
WHERE v.idea_id = :gone AND v.kind = 'support'
  AND NOT EXISTS (SELECT FROM vote k WHERE k.idea_id = :kept AND k.member_id = v.member_id)
  AND NOT EXISTS (SELECT FROM vote_aside a WHERE a.idea_id = :gone AND a.member_id = v.member_id)
ORDER BY v.member_id""")
_STANDING = text("""
SELECT v.member_id, v.at, v.fresh, v.young, e.verified, e.tenure_days
FROM vote v JOIN LATERAL (
    SELECT origin, source, verified, tenure_days FROM vote_entry
    WHERE idea_id = v.idea_id AND member_id = v.member_id ORDER BY seq DESC LIMIT 1
) AS e ON e.origin = :origin AND e.source = :source
WHERE v.idea_id = :kept AND v.member_id = ANY(CAST(:members AS bigint[])) ORDER BY v.member_id""")


def join(gone_id: int, kept_id: int) -> dict[str, list[int]]:
    """Let one idea lead to another; return whose voices and whose follows were added there."""
    gone, _tally = queries.any_idea_for_update(gone_id)
    kept, _kept_tally = queries.any_idea_for_update(kept_id)
    gone.merged_into_id = kept.id
    voices = db.session.execute(_VOICES, {"gone": gone_id, "kept": kept_id}).all()
    for row in voices:
        say = _say(gone_id, kept_id, row)
        written = ledger.hand_over(say, cast=True)
        publish(
            VoteCast(
                actor_id=row.member_id,
                idea_id=kept.id,
                board_id=kept.board_id,
                author_id=kept.author_id,
                kind="support",
                seq=written.seq,
                origin=ORIGIN,
                fresh=not written.whole,
                verified=row.verified,
                tenure_days=row.tenure_days,
            ),
            quiet=True,
        )
    before = set(community.followers_of("idea", kept_id))
    follows = [one for one in community.followers_of("idea", gone_id) if one not in before]
    for member_id in follows:
        community.follow(member_id, "idea", kept_id, at=now())
    services.recount_comments(kept_id)
    return {"voices": [row.member_id for row in voices], "follows": follows}


def part(gone_id: int, kept_id: int, *, voices: Collection[int], follows: Collection[int]) -> None:
    """Take the link away: what it added, and still stands as it was added, goes with it."""
    gone, _tally = queries.any_idea_for_update(gone_id)
    kept, _kept_tally = queries.any_idea_for_update(kept_id)
    gone.merged_into_id = None
    db.session.flush()
    take_voices(gone_id, kept_id, voices)
    for member_id in follows:
        community.unfollow(member_id, "idea", kept.id)
    services.recount_comments(kept_id)


def take_voices(gone_id: int, kept_id: int, voices: Collection[int]) -> int:
    """Withdraw votes that a merge added and that still stand as it wrote them; return how many."""
    kept, _tally = queries.any_idea_for_update(kept_id)
    values = {"kept": kept_id, "origin": ORIGIN, "source": _source(gone_id), "members": list(voices)}
    rows = db.session.execute(_STANDING, values).all()
    for row in rows:
        written = ledger.hand_over(_say(gone_id, kept_id, row), cast=False)
        publish(
            VoteWithdrawn(
                actor_id=row.member_id,
                idea_id=kept.id,
                board_id=kept.board_id,
                author_id=kept.author_id,
                kind="support",
                fresh=not written.before_whole,
                cast_on=row.at.date().isoformat(),
            ),
            quiet=True,
        )
    return len(rows)


def _source(gone_id: int) -> str:
    return f"idea {gone_id}"


def _say(gone_id: int, kept_id: int, row: Any) -> ledger.Say:
    return ledger.Say(
        idea_id=kept_id,
        member_id=row.member_id,
        kind="support",
        at=row.at,
        origin=ORIGIN,
        verified=row.verified,
        tenure_days=row.tenure_days,
        fresh=row.fresh,
        young=row.young,
        source=_source(gone_id),
    )


def merged_into(idea_id: int) -> int | None:
    """Return what an idea leads to, through several merges if need be; None when it stands for itself."""
    follow = text("""
        WITH RECURSIVE way AS (
            SELECT id, merged_into_id, 0 AS step FROM idea WHERE id = :id
            UNION ALL SELECT i.id, i.merged_into_id, step + 1 FROM idea i JOIN way ON i.id = way.merged_into_id
            WHERE step < 20
        ) SELECT id FROM way WHERE merged_into_id IS NULL AND id <> :id""")
    kept: int | None = db.session.scalar(follow, {"id": idea_id})
    return kept
