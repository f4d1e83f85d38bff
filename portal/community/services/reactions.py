"""Reactions: a small fixed set, one of each kind for a member and a thing."""

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from portal.community import queries as community
from portal.community import registry, rules
from portal.community.events import Reacted, Unreacted
from portal.community.models import Reaction, ReactionCount
from portal.community.queries import conversation as queries
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid, NotFound, Refused
from portal.kernel.outbox import publish
from portal.members.policy import Viewer

KINDS = frozenset({"idea", "question", "answer", "comment"})


def react(viewer: Viewer, kind: str, target_id: int, reaction: str, *, on: bool = True) -> str:
    """React to a text, or take it back; return all reactions to it. A second time changes nothing.

    :raise NotFound: when there is no such text, or the viewer may not see it.
    :raise Invalid: for a reaction that there is not.
    :raise Refused: for the viewer's own text.
    """
    if reaction not in set(rules.Reaction):
        raise Invalid(fields={"reaction": _l("Choose one of: %(known)s.", known=", ".join(rules.Reaction))})
    card = registry.describe(viewer, [(kind, target_id)]).get((kind, target_id)) if kind in KINDS else None
    if card is None or card.board_id is None:
        raise NotFound(_l("There is nothing here to react to."))
    if card.author_id == viewer.id:
        raise Refused(_l("You wrote this; reactions are for others to give."))
    if _written(kind, target_id, reaction, viewer.id, on=on):
        on_kind, on_id = (community.comment_target(target_id) if kind == "comment" else None) or (kind, target_id)
        fact = (Reacted if on else Unreacted)(
            actor_id=viewer.id,
            target_kind=kind,
            target_id=target_id,
            board_id=card.board_id,
            kind=reaction,
            author_id=card.author_id or 0,
            on_kind=on_kind,
            on_id=on_id,
        )
        publish(fact)
    return queries.reactions_to(kind, target_id, viewer.member_id)


def _written(kind: str, target_id: int, reaction: str, member_id: int, *, on: bool) -> bool:
    """Write or remove the row and move the count; return whether that changed anything."""
    key = {"target_kind": kind, "target_id": target_id, "kind": reaction}
    if on:
        row = insert(Reaction).values(**key, member_id=member_id, at=now()).on_conflict_do_nothing()
        changed = db.session.execute(row.returning(Reaction.member_id)).scalar()
    else:
        mine = delete(Reaction).filter_by(**key, member_id=member_id)
        changed = db.session.execute(mine.returning(Reaction.member_id)).scalar()
    if changed is None:
        return False
    count = insert(ReactionCount).values(**key, members=1 if on else 0)
    step = ReactionCount.members + (1 if on else -1)
    db.session.execute(count.on_conflict_do_update(index_elements=list(key), set_={"members": step}))
    return True


def recount(kind: str, target_id: int) -> None:
    """Count the reactions to a thing anew: members were merged or erased."""
    counted = queries.count_reactions(kind, target_id)
    db.session.execute(delete(ReactionCount).filter_by(target_kind=kind, target_id=target_id))
    for reaction, members in counted.items():
        row = ReactionCount(target_kind=kind, target_id=target_id, kind=reaction, members=members)
        db.session.add(row)
    db.session.flush()
