"""What of follows is more than a row when two accounts are one person's: she follows a thing once."""

from datetime import datetime

from sqlalchemy import text

from portal.community.events import Followed, Unfollowed
from portal.kernel.database import db
from portal.kernel.outbox import publish
from portal.members.services.merging import Joining, Told, joins, parts

_BOTH = text("""
DELETE FROM follow f USING follow k
WHERE f.member_id = :gone AND k.member_id = :kept AND k.target_kind = f.target_kind AND k.target_id = f.target_id
RETURNING f.target_kind, f.target_id, f.since""")
_AGAIN = text("""
INSERT INTO follow (member_id, target_kind, target_id, since) VALUES (:member, :kind, :target, :since)
ON CONFLICT DO NOTHING""")


@joins("follow")
def join_follows(joining: Joining) -> None:
    """Take away the gone account's follows of what the kept one follows, too; the rest changes its owner."""
    for row in db.session.execute(_BOTH, {"kept": joining.kept_id, "gone": joining.gone_id}).all():
        about = {"target_kind": row.target_kind, "target_id": row.target_id}
        publish(Unfollowed(actor_id=joining.gone_id, **about), at=row.since, quiet=True)
        joining.tell("follow", about, {"since": row.since.isoformat()})


@parts("follow")
def part_follows(joining: Joining, told: list[Told]) -> None:
    """Let the account follow again what it followed."""
    for one in told:
        since = datetime.fromisoformat(one.before["since"])
        kind, target = one.key["target_kind"], one.key["target_id"]
        db.session.execute(_AGAIN, {"member": joining.gone_id, "kind": kind, "target": target, "since": since})
        again = Followed(actor_id=joining.gone_id, target_kind=kind, target_id=target)
        publish(again, at=since, quiet=True)
