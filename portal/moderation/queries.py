"""Reading the queue, the history of an author and of a thing, and what concerns a member herself."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select, text

from portal.community import facade as community
from portal.community.screening import Posted
from portal.kernel.database import db
from portal.kernel.errors import NotFound
from portal.kernel.paging import Page, decode_cursor, page_of
from portal.members import queries as members
from portal.members.policy import Viewer
from portal.members.queries import MemberCard
from portal.moderation import things
from portal.moderation.models import Appeal, Decision, Flag, HoldingRule, MergeVoice, QueueItem, Suspension
from portal.moderation.rules import Queue

PAGE = 20
HISTORY = 12
BIGGEST = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a moderator wants to see of the queue."""

    queue: Queue = Queue.POST
    kind: str = ""
    why: str = ""
    board_id: int | None = None
    cursor: str | None = None
    size: int = PAGE


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of an author: posts that were taken away, flags that were right and wrong, suspensions."""

    removed: int = 0
    flags_upheld: int = 0
    flags_rejected: int = 0
    suspensions: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing in the queue with what a moderator must know. ``thing`` is None for what is gone."""

    item_id: int
    queue: str
    kind: str
    target_id: int
    opened_at: datetime
    urgency: float
    why: dict[str, Any]
    thing: Posted | None
    author: MemberCard | None
    joined_days: int
    trust_level: int
    record: Record
    other: Posted | None = None
    appeal: Appeal | None = None
    decision: Decision | None = None
    looked_by: MemberCard | None = None
    looked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A decision with the names that go with it."""

    decision: Decision
    actor: MemberCard | None
    author: MemberCard | None
    thing: Posted | None


def waiting_for(viewer: Viewer, wish: Wish) -> Page[Waiting]:
    """Return a page of what waits on the boards of this moderator, the most urgent first; a fixed number of queries."""
    rows = db.session.scalars(_of(_items(viewer, wish.queue), wish)).all()
    page = page_of(list(rows), size=wish.size, key=lambda row: (row.urgency, -row.id))
    return Page(_with_context(page.items), page.next)


def one_waiting(viewer: Viewer, item_id: int) -> Waiting:
    """Return one thing of the queue, also when it has been decided meanwhile.

    :raise NotFound: when there is none on this moderator's boards.
    """
    rows = db.session.scalars(_of_boards(select(QueueItem), viewer).where(QueueItem.id == item_id)).all()
    if not rows:
        raise NotFound(_l("This is not in the queue."))
    return _with_context(rows)[0]


def item_about(kind: str, thing_id: int, queue: Queue = Queue.POST) -> int | None:
    """Return the item in which a thing waits, if it does."""
    wanted = select(QueueItem.id).filter_by(queue=queue, target_kind=kind, target_id=thing_id, closed_at=None)
    return db.session.scalar(wanted)


def _items(viewer: Viewer, queue: str) -> Select[QueueItem]:
    return _of_boards(select(QueueItem), viewer).where(QueueItem.queue == queue, QueueItem.closed_at.is_(None))


def _of_boards(statement: Select[QueueItem], viewer: Viewer) -> Select[QueueItem]:
    boards = community.visible_board_ids(viewer)
    return statement.where(QueueItem.board_id.is_(None) | QueueItem.board_id.in_(boards))


def _number(value: object) -> float:
    return float(str(value))


def _whole(value: object) -> int:
    number = int(str(value))
    if abs(number) >= BIGGEST:
        raise ValueError(value)
    return number


def _of(statement: Select[QueueItem], wish: Wish) -> Select[QueueItem]:
    if wish.kind:
        statement = statement.where(QueueItem.target_kind == wish.kind)
    if wish.why:
        statement = statement.where(QueueItem.why.has_key(wish.why))
    if wish.board_id is not None:
        statement = statement.where(QueueItem.board_id == wish.board_id)
    if (last := decode_cursor(wish.cursor, _number, _whole)) is not None:
        statement = statement.where(func.row(QueueItem.urgency, -QueueItem.id) < func.row(*last))
    return statement.order_by(QueueItem.urgency.desc(), QueueItem.id).limit(wish.size + 1)


def counts(viewer: Viewer) -> dict[str, int]:
    """Return how much waits in each queue."""
    found = _of_boards(select(QueueItem), viewer).where(QueueItem.closed_at.is_(None)).subquery()
    rows = db.session.execute(select(found.c.queue, func.count()).group_by(found.c.queue))
    return {queue: int(many) for queue, many in rows}


def all_counts() -> dict[str, int]:
    """Return how much waits in each queue, over all boards: for commands."""
    wanted = select(QueueItem.queue, func.count()).where(QueueItem.closed_at.is_(None)).group_by(QueueItem.queue)
    found = {queue: int(many) for queue, many in db.session.execute(wanted)}
    return {queue.value: found.get(queue.value, 0) for queue in Queue}


def oldest(viewer: Viewer) -> datetime | None:
    """Return since when the oldest post waits."""
    found = _items(viewer, Queue.POST).subquery()
    since: datetime | None = db.session.scalar(select(func.min(found.c.opened_at)))
    return since


def _with_context(items: Sequence[QueueItem]) -> list[Waiting]:
    appeals = _appeals([one.target_id for one in items if one.queue == Queue.APPEAL])
    pairs = [_thing_of(one, appeals) for one in items]
    others = [_other_of(one) for one in items]
    read = things.read({pair for pair in (*pairs, *others) if pair is not None})
    authors = {one.author_id for one in items if one.author_id is not None}
    cards = members.member_cards({*authors, *(one.looked_by_id for one in items)})
    records, standing = records_of(authors), standing_of(authors)
    return [
        Waiting(
            item_id=item.id,
            queue=item.queue,
            kind=item.target_kind,
            target_id=item.target_id,
            opened_at=item.opened_at,
            urgency=item.urgency,
            why=item.why,
            thing=read.get(pair) if pair else None,
            author=cards.get(item.author_id or 0),
            joined_days=standing.get(item.author_id or 0, (0, 0))[0],
            trust_level=standing.get(item.author_id or 0, (0, 0))[1],
            record=records.get(item.author_id or 0, Record()),
            other=read.get(other) if other else None,
            appeal=appeals[item.target_id][0] if item.target_id in appeals and item.queue == Queue.APPEAL else None,
            decision=appeals[item.target_id][1] if item.target_id in appeals and item.queue == Queue.APPEAL else None,
            looked_by=cards.get(item.looked_by_id or 0),
            looked_at=item.looked_at,
        )
        for item, pair, other in zip(items, pairs, others, strict=True)
    ]


def _thing_of(item: QueueItem, appeals: dict[int, tuple[Appeal, Decision]]) -> tuple[str, int] | None:
    if item.queue != Queue.APPEAL:
        return item.target_kind, item.target_id
    if item.target_id not in appeals:
        return None
    decision = appeals[item.target_id][1]
    return decision.target_kind, decision.target_id


def _other_of(item: QueueItem) -> tuple[str, int] | None:
    other = item.why.get("other")
    return (item.target_kind, int(other)) if other else None


def _appeals(decision_ids: Collection[int]) -> dict[int, tuple[Appeal, Decision]]:
    if not decision_ids:
        return {}
    rows = db.session.execute(
        select(Appeal, Decision).join(Decision, Decision.id == Appeal.decision_id).where(Decision.id.in_(decision_ids))
    )
    return {row[1].id: (row[0], row[1]) for row in rows}


_RECORDS = text("""
SELECT who,
       (SELECT count(*) FROM moderation_decision d WHERE d.author_id = who AND d.verb IN ('hide', 'spam', 'purge')
        AND d.undone_at IS NULL),
       (SELECT count(*) FROM flag f WHERE f.member_id = who AND f.outcome = 'upheld'),
       (SELECT count(*) FROM flag f WHERE f.member_id = who AND f.outcome = 'rejected'),
       (SELECT count(*) FROM suspension s WHERE s.member_id = who)
FROM unnest(CAST(:ids AS bigint[])) AS who""")
_STANDING = text("""
SELECT id, extract(day FROM now() - joined_at)::int, coalesce(trust_level, 0)
FROM member WHERE id = ANY(CAST(:ids AS bigint[]))""")


def records_of(ids: Collection[int]) -> dict[int, Record]:
    """Return what is known of authors; one query."""
    if not ids:
        return {}
    return {row[0]: Record(*row[1:]) for row in db.session.execute(_RECORDS, {"ids": list(ids)})}


def standing_of(ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Return for how many days authors have been here, and their levels of trust; one query."""
    if not ids:
        return {}
    return {row[0]: (row[1], row[2]) for row in db.session.execute(_STANDING, {"ids": list(ids)})}


def flags_on(kind: str, thing_id: int) -> list[tuple[Flag, MemberCard | None]]:
    """Return the flags on a thing that were not taken back, with who raised them: for moderators."""
    wanted = select(Flag).filter_by(target_kind=kind, target_id=thing_id, withdrawn_at=None).order_by(Flag.id)
    rows = db.session.scalars(wanted).all()
    cards = members.member_cards([row.member_id for row in rows])
    return [(row, cards.get(row.member_id)) for row in rows]


def _on_boards(statement: Select[Decision], viewer: Viewer) -> Select[Decision]:
    boards = community.visible_board_ids(viewer)
    return statement.where(Decision.board_id.is_(None) | Decision.board_id.in_(boards))


def decisions(
    viewer: Viewer,
    *,
    thing: tuple[str, int] | None = None,
    author_id: int | None = None,
    actor_id: int | None = None,
    limit: int = HISTORY,
) -> list[Done]:
    """Return the latest decisions about a thing, an author or by somebody, on the boards of this moderator."""
    wanted = _on_boards(select(Decision), viewer).order_by(Decision.id.desc()).limit(limit)
    if thing is not None:
        wanted = wanted.filter_by(target_kind=thing[0], target_id=thing[1])
    if author_id is not None:
        wanted = wanted.filter_by(author_id=author_id)
    if actor_id is not None:
        wanted = wanted.filter_by(actor_id=actor_id)
    rows = db.session.scalars(wanted).all()
    cards = members.member_cards({member for row in rows for member in (row.actor_id, row.author_id)})
    read = things.read({(row.target_kind, row.target_id) for row in rows if row.target_kind in things.kinds()})
    return [
        Done(
            row, cards.get(row.actor_id or 0), cards.get(row.author_id or 0), read.get((row.target_kind, row.target_id))
        )
        for row in rows
    ]


def decisions_page(
    viewer: Viewer,
    *,
    kind: str | None,
    target_id: int | None,
    author_id: int | None,
    actor_id: int | None,
    cursor: str | None,
    size: int,
) -> Page[Decision]:
    """Return a page of decisions on the boards of this moderator, the latest first."""
    wanted = _on_boards(select(Decision), viewer).order_by(Decision.id.desc()).limit(size + 1)
    named = {"target_kind": kind, "target_id": target_id, "author_id": author_id, "actor_id": actor_id}
    wanted = wanted.filter_by(**{name: value for name, value in named.items() if value is not None})
    if (last := decode_cursor(cursor, _whole)) is not None:
        wanted = wanted.where(Decision.id < last[0])
    return page_of(db.session.scalars(wanted).all(), size=size, key=lambda row: (row.id,))


# What concerns a member herself


@dataclass(frozen=True, slots=True)
class Mine:
    """A decision about something of one's own, and one's appeal against it."""

    decision: Decision
    thing: Posted | None
    appeal: Appeal | None


def decision_about(viewer: Viewer, decision_id: int) -> Mine:
    """Return a decision about something of the viewer's own.

    :raise NotFound: when there is none, or it is about somebody else.
    """
    row = db.session.scalar(select(Decision).filter_by(id=decision_id, author_id=viewer.id))
    if row is None:
        raise NotFound(_l("There is no such decision."))
    return _mine([row])[0]


def decisions_about(viewer: Viewer, limit: int = 50) -> list[Mine]:
    """Return what moderators decided about the viewer's own things and that she should know of."""
    hidden = ("approve", "distinct", "granted", "kept", "lift")
    wanted = select(Decision).where(Decision.author_id == viewer.id, Decision.verb.not_in(hidden))
    return _mine(db.session.scalars(wanted.order_by(Decision.id.desc()).limit(limit)).all())


def _mine(rows: Sequence[Decision]) -> list[Mine]:
    found = select(Appeal).where(Appeal.decision_id.in_([row.id for row in rows]))
    appeals = {one.decision_id: one for one in db.session.scalars(found)}
    read = things.read({(row.target_kind, row.target_id) for row in rows if row.target_kind in things.kinds()})
    return [Mine(row, read.get((row.target_kind, row.target_id)), appeals.get(row.id)) for row in rows]


def flags_by(viewer: Viewer, limit: int = 50) -> list[tuple[Flag, Posted | None]]:
    """Return what the viewer has flagged, with what it is when she may still see it."""
    wanted = select(Flag).filter_by(member_id=viewer.id, withdrawn_at=None).order_by(Flag.id.desc()).limit(limit)
    rows = db.session.scalars(wanted).all()
    read = things.read({(row.target_kind, row.target_id) for row in rows})
    boards = {0, *community.visible_board_ids(viewer)}
    seen = {pair: thing for pair, thing in read.items() if thing.why is None and thing.board_id in boards}
    return [(row, seen.get((row.target_kind, row.target_id))) for row in rows]


def suspensions_of(member_id: int, limit: int = 10) -> Sequence[Suspension]:
    """Return the suspensions of a member, the latest first."""
    wanted = select(Suspension).filter_by(member_id=member_id).order_by(Suspension.id.desc()).limit(limit)
    return db.session.scalars(wanted).all()


def waiting_of(viewer: Viewer) -> list[Posted]:
    """Return what the viewer has written that is being looked at."""
    wanted = select(QueueItem).filter_by(queue=Queue.POST, author_id=viewer.id, closed_at=None)
    rows = [row for row in db.session.scalars(wanted.order_by(QueueItem.id.desc()).limit(50)) if "held" in row.why]
    read = things.read({(row.target_kind, row.target_id) for row in rows})
    return [thing for thing in read.values() if thing.why is not None]


_TYPICAL = text("""
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM closed_at - opened_at))
FROM moderation_item WHERE queue = 'post' AND closed_at > now() - interval '90 days' AND why ? 'held'""")


def typical_wait() -> float | None:
    """Return in how many seconds half of what was held was looked at, over 90 days; None while nothing was."""
    found = db.session.scalar(_TYPICAL)
    return float(found) if found is not None else None


def voices_of(viewer: Viewer) -> list[tuple[MergeVoice, Decision]]:
    """Return the merges that moved the viewer's support, the latest first."""
    wanted = (
        select(MergeVoice, Decision)
        .join(Decision, Decision.id == MergeVoice.decision_id)
        .where(MergeVoice.member_id == viewer.id, Decision.undone_at.is_(None))
        .order_by(Decision.id.desc())
        .limit(20)
    )
    return [(row[0], row[1]) for row in db.session.execute(wanted)]


def holding_rules() -> dict[int, HoldingRule]:
    """Return the boards that have a rule of their own for newcomers."""
    return {rule.board_id: rule for rule in db.session.scalars(select(HoldingRule))}
