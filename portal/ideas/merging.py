"""What happens to votes when two accounts are one person's: one vote an idea, each change a line of the ledger."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text

from portal.ideas import ledger, rules
from portal.ideas.events import VoteCast, VoteWithdrawn
from portal.kernel.database import db
from portal.kernel.outbox import publish
from portal.members.services.merging import Joining, Told, joins, parts

JOINED, PARTED = "merge", "unmerge"
"""Origins of the lines that a join and its end write."""
# Every vote of the gone account with the standing it was given with, and whether the kept one has a vote there, too.
_VOTES = text("""
SELECT v.idea_id, v.kind, v.at, v.fresh, v.young, e.verified, e.tenure_days, t.board_id, t.author_id, t.listed,
       EXISTS (SELECT FROM vote k WHERE k.idea_id = v.idea_id AND k.member_id = :kept) AS both,
       kept.email_verified_at IS NOT NULL AS known,
       kept.trust_level = 0 AND kept.joined_at > now() - make_interval(days => :days) AS new
FROM vote v JOIN idea_tally t USING (idea_id) JOIN member kept ON kept.id = :kept
JOIN LATERAL (
    SELECT verified, tenure_days FROM vote_entry
    WHERE idea_id = v.idea_id AND member_id = v.member_id AND action = 'cast' ORDER BY seq DESC LIMIT 1
) AS e ON true
WHERE v.member_id = :gone ORDER BY v.idea_id""")
_STILL = text("""
SELECT t.board_id, t.author_id, t.listed, v.kind, v.at FROM idea_tally t
LEFT JOIN vote v ON v.idea_id = t.idea_id AND v.member_id = :member WHERE t.idea_id = :idea""")


@joins("vote", tables=("vote",))
def join_votes(joining: Joining) -> None:
    """Hand the gone account's votes over; where the kept one has voted, too, its own vote stands alone."""
    bound = {"kept": joining.kept_id, "gone": joining.gone_id, "days": rules.FRESH_DAYS}
    rows = db.session.execute(_VOTES, bound).all()
    for row in rows:
        idea = {"idea_id": row.idea_id, "board_id": row.board_id, "author_id": row.author_id}
        vote = {"kind": row.kind, "at": row.at, "verified": row.verified, "tenure_days": row.tenure_days}
        # What nobody sees is told to nobody, unless it changes how often somebody voted.
        told = row.listed or row.both
        _withdraw(joining, joining.gone_id, idea, {**vote, "fresh": row.fresh, "young": row.young}, JOINED, told=told)
        if not row.both:
            weight = {"fresh": row.fresh and not row.known, "young": row.young and row.new}
            _cast(joining, joining.kept_id, idea, {**vote, **weight}, JOINED, told=told)
        before = {**vote, "at": row.at.isoformat(), "fresh": row.fresh, "young": row.young}
        before["handed_over"] = not row.both
        joining.tell("vote", {"idea_id": row.idea_id}, before)


@parts("vote")
def part_votes(joining: Joining, done: list[Told]) -> None:
    """Hand the votes back. One that was taken back or changed since both were one person stays as she left it."""
    for one in sorted(done, key=lambda vote: int(vote.key["idea_id"])):
        idea_id, at = int(one.key["idea_id"]), datetime.fromisoformat(one.before["at"])
        found = db.session.execute(_STILL, {"idea": idea_id, "member": joining.kept_id}).one()
        idea = {"idea_id": idea_id, "board_id": found.board_id, "author_id": found.author_id}
        vote = {name: one.before[name] for name in ("kind", "verified", "tenure_days", "fresh")}
        vote |= {"at": at, "young": one.before.get("young", False)}
        told = found.listed or not one.before["handed_over"]
        if one.before["handed_over"]:
            if found.at != at or found.kind != vote["kind"]:
                continue
            _withdraw(joining, joining.kept_id, idea, vote, PARTED, told=told)
        _cast(joining, joining.gone_id, idea, vote, PARTED, told=told)


def _say(joining: Joining, member_id: int, idea: Mapping[str, int], vote: Mapping[str, Any], origin: str) -> ledger.Say:
    return ledger.Say(
        idea_id=idea["idea_id"], member_id=member_id, origin=origin, source=f"{origin} {joining.merge_id}", **vote
    )


def _withdraw(
    joining: Joining, member_id: int, idea: Mapping[str, int], vote: Mapping[str, Any], origin: str, *, told: bool
) -> None:
    written = ledger.hand_over(_say(joining, member_id, idea, vote, origin), cast=False)
    if told:
        cast_on = vote["at"].date().isoformat()
        fresh = not written.before_whole
        gone = VoteWithdrawn(actor_id=member_id, kind=vote["kind"], fresh=fresh, cast_on=cast_on, **idea)
        publish(gone, quiet=True)


def _cast(
    joining: Joining, member_id: int, idea: Mapping[str, int], vote: Mapping[str, Any], origin: str, *, told: bool
) -> None:
    written = ledger.hand_over(_say(joining, member_id, idea, vote, origin), cast=True)
    if told:
        stands = VoteCast(
            actor_id=member_id,
            kind=vote["kind"],
            seq=written.seq,
            origin=origin,
            fresh=not written.whole,
            verified=vote["verified"],
            tenure_days=vote["tenure_days"],
            **idea,
        )
        publish(stands, at=vote["at"], quiet=True)


_WRITTEN = text("SELECT id, author_id FROM idea WHERE author_id = ANY(CAST(:members AS bigint[]))")


def ideas_by(member_ids: Collection[int]) -> dict[int, int]:
    """Return the ideas that these members wrote, hidden ones included, each with its author."""
    return {row.id: row.author_id for row in db.session.execute(_WRITTEN, {"members": list(member_ids)})}
