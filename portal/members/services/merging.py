"""Two accounts of one person are joined, and parted again exactly as they were.

A join is a link: the gone account stays, inactive, and points to the kept one. The rows that every feature declared as
moving (`portal.kernel.personal`) change their owner, each written down with its key and what it said before. Where
both have a row under the same key, the gone one's is put aside whole. What is more than a row (a vote on the ledger,
a count) is done and undone by the feature itself: see `joins` and `parts`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Table, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from portal.kernel import personal
from portal.kernel.clock import now
from portal.kernel.database import Model, db
from portal.kernel.errors import NotFound, Refused
from portal.kernel.outbox import publish
from portal.kernel.text import clean_line
from portal.members.events.people import MembersMerged, MembersUnmerged
from portal.members.models import Consent, Member
from portal.members.models.people import MemberMerge, MergedRow
from portal.members.rules import Kind
from portal.members.services import audit, close_sessions

EVIDENCE_MAX = 500


@dataclass(frozen=True, slots=True)
class Joining:
    """Two accounts that are being joined or parted."""

    merge_id: int
    kept_id: int
    gone_id: int

    def tell(self, of: str, key: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> None:
        """Write down what a feature did, for its function that undoes it."""
        row = {"merge_id": self.merge_id, "what": "told", "of": of, "key": dict(key), "before": dict(before or {})}
        db.session.execute(insert(MergedRow), [row])


@dataclass(frozen=True, slots=True)
class Told:
    """What a feature wrote down of a join."""

    key: Mapping[str, Any]
    before: Mapping[str, Any]


Join = Callable[[Joining], None]
Part = Callable[[Joining, list[Told]], None]
_joins: dict[str, Join] = {}
_parts: dict[str, Part] = {}
_by_hand: set[str] = set()


def joins(of: str, *, tables: Iterable[str] = ()) -> Callable[[Join], Join]:
    """Run the function when two accounts are joined, before rows move; it looks after ``tables`` itself."""

    def register(act: Join) -> Join:
        _joins[of] = act
        _by_hand.update(tables)
        return act

    return register


def parts(of: str) -> Callable[[Part], Part]:
    """Run the function when two accounts are parted, with what its counterpart has told, the latest first."""

    def register(act: Part) -> Part:
        _parts[of] = act
        return act

    return register


def moving() -> Iterator[tuple[Table, tuple[str, ...]]]:
    """Yield the tables whose rows change their owner, with the columns that hold a member's number."""
    for name, declared in sorted(personal.tables().items()):
        if declared.move is personal.Move.MOVE and name not in _by_hand and declared.people:
            yield Model.metadata.tables[name], declared.people


# Joining


def merge_members(kept_id: int, gone_id: int, *, actor_id: int | None, evidence: str) -> int:
    """Join an account to another; return the id of the join.

    :raise NotFound: when one of them does not exist.
    :raise Refused: when they are the same, one is joined, closed or erased already, or staff would become a customer.
    :raise Invalid: without evidence.
    """
    words = clean_line(evidence, field="evidence", most=EVIDENCE_MAX)
    kept, gone = _both(kept_id, gone_id)
    _check(kept, gone)
    merge = MemberMerge(kept_id=kept.id, gone_id=gone.id, evidence=words, by_id=actor_id)
    db.session.add(merge)
    db.session.flush()
    joining = Joining(merge.id, kept.id, gone.id)
    for act in _joins.values():
        act(joining)
    for table, columns in moving():
        for column in columns:
            _move(joining, table, column)
    _close(joining, kept, gone)
    publish(MembersMerged(actor_id=actor_id, member_id=kept.id, gone_id=gone.id, merge_id=merge.id))
    audit.note(actor_id, "member.merge", "member", kept.id, gone_id=gone.id, merge_id=merge.id)
    return merge.id


def _both(kept_id: int, gone_id: int) -> tuple[Member, Member]:
    """Return both members, locked, always in the same order."""
    wanted = select(Member).where(Member.id.in_([kept_id, gone_id])).order_by(Member.id).with_for_update()
    found = {one.id: one for one in db.session.scalars(wanted.execution_options(populate_existing=True))}
    if kept_id not in found or gone_id not in found:
        raise NotFound(_l("There is no such member."))
    return found[kept_id], found[gone_id]


def _check(kept: Member, gone: Member) -> None:
    if kept.id == gone.id:
        raise Refused(_l("This is one account, not two."))
    if any(one.merged_into_id is not None or not one.active or one.erased_at is not None for one in (kept, gone)):
        raise Refused(_l("One of these accounts is closed, or joined to another already."))
    if kept.placeholder and not gone.placeholder:
        raise Refused(_l("Keep the account that somebody can sign in with."))
    if gone.kind == Kind.STAFF and kept.kind != Kind.STAFF:
        raise Refused(_l("Keep the account of the member of staff."))


def _move(joining: Joining, table: Table, column: str) -> None:
    """Give the gone member's rows to the kept one: all at once, or one by one where some of them collide."""
    try:
        with db.session.begin_nested():
            db.session.execute(_moving_statement(table, column), _bound(joining))
    except IntegrityError:
        for key in _keys(table, column, joining.gone_id):
            _move_one(joining, table, column, key)


def _bound(joining: Joining) -> dict[str, Any]:
    return {"merge": joining.merge_id, "kept": joining.kept_id, "gone": joining.gone_id}


def _quoted(*names: str) -> list[str]:
    prepare = db.engine.dialect.identifier_preparer
    return [prepare.quote(name) for name in names]


def _key_of(table: Table, alias: str = "") -> str:
    """Return SQL that makes a JSON object of a row's key."""
    dot = f"{alias}." if alias else ""
    pairs = ", ".join(f"'{c.name}', {dot}{_quoted(c.name)[0]}" for c in table.primary_key.columns)
    return f"jsonb_build_object({pairs})"


def _same_key(table: Table, row: str, alias: str) -> str:
    """Return SQL that compares a row with a key that was written down."""
    kinds = {c.name: c.type.compile(db.engine.dialect) for c in table.primary_key.columns}
    return " AND ".join(f"{alias}.{_quoted(name)[0]} = ({row} ->> '{name}')::{kind}" for name, kind in kinds.items())


def _moving_statement(table: Table, column: str, where: str = "") -> Any:
    name, owner = _quoted(table.name, column)
    return text(f"""
        WITH moved AS (
            UPDATE {name} AS t SET {owner} = :kept WHERE t.{owner} = :gone {where}
            RETURNING {_key_of(table, "t")} AS key
        )
        INSERT INTO member_merge_row (merge_id, what, of, key, before)
        SELECT :merge, 'moved', '{table.name}', key, jsonb_build_object('{column}', CAST(:gone AS bigint))
        FROM moved""")


def _keys(table: Table, column: str, gone_id: int) -> list[str]:
    name, owner = _quoted(table.name, column)
    statement = text(f"SELECT {_key_of(table)}::text FROM {name} WHERE {owner} = :gone")
    return list(db.session.scalars(statement, {"gone": gone_id}))


def _move_one(joining: Joining, table: Table, column: str, key: str) -> None:
    where = "AND " + _same_key(table, "CAST(:key AS jsonb)", "t")
    try:
        with db.session.begin_nested():
            db.session.execute(_moving_statement(table, column, where), {**_bound(joining), "key": key})
    except IntegrityError:
        _put_aside(joining, table, key)


def _put_aside(joining: Joining, table: Table, key: str) -> None:
    """Take a row away that gives way to one of the kept member, and keep it whole; one that others hang on stays."""
    (name,) = _quoted(table.name)
    statement = text(f"""
        WITH gone AS (
            DELETE FROM {name} AS t WHERE {_same_key(table, "CAST(:key AS jsonb)", "t")} RETURNING t.*
        )
        INSERT INTO member_merge_row (merge_id, what, of, key, before)
        SELECT :merge, 'dropped', '{table.name}', CAST(:key AS jsonb), to_jsonb(gone) FROM gone""")
    try:
        with db.session.begin_nested():
            db.session.execute(statement, {"merge": joining.merge_id, "key": key})
    except IntegrityError:
        return


def _close(joining: Joining, kept: Member, gone: Member) -> None:
    """Close the gone account; what the kept one lacks it takes over."""
    earlier = db.session.scalars(select(Member).where(Member.merged_into_id == gone.id).with_for_update()).all()
    _write_member(joining, gone, active=False, merged_into_id=kept.id)
    for one in earlier:
        _write_member(joining, one, merged_into_id=kept.id)
    taken: dict[str, Any] = {"segments": sorted({*kept.segments, *gone.segments}), "crm": {**gone.crm, **kept.crm}}
    if kept.organisation_id is None and gone.organisation_id is not None and kept.kind == gone.kind:
        taken["organisation_id"] = gone.organisation_id
    _write_member(joining, kept, **{name: value for name, value in taken.items() if getattr(kept, name) != value})
    _keep_refusals(joining)
    close_sessions(gone.id)
    db.session.flush()


def _write_member(joining: Joining, who: Member, **values: Any) -> None:
    if values:
        before = {name: getattr(who, name) for name in values}
        row = {"merge_id": joining.merge_id, "what": "moved", "of": "member", "key": {"id": who.id}, "before": before}
        db.session.execute(insert(MergedRow), [row])
        for name, value in values.items():
            setattr(who, name, value)
        db.session.flush()


def _keep_refusals(joining: Joining) -> None:
    """Let a purpose that the gone one refused stay refused, where the kept one has never said a word about it."""
    mine = select(Consent.purpose, Consent.given, Consent.terms).filter_by(member_id=joining.gone_id)
    last = {purpose: (given, terms) for purpose, given, terms in db.session.execute(mine.order_by(Consent.id))}
    said = set(db.session.scalars(select(Consent.purpose).filter_by(member_id=joining.kept_id)))
    for purpose, (given, terms) in last.items():
        if not given and purpose not in said:
            row = insert(Consent).values(member_id=joining.kept_id, purpose=purpose, given=False, terms=terms, at=now())
            joining.tell("consent", {"id": db.session.execute(row.returning(Consent.id)).scalar_one()})


# Parting


def unmerge_members(merge_id: int, *, actor_id: int | None) -> MemberMerge:
    """Part two accounts again: every row goes back to whom it was of. A second time changes nothing.

    :raise NotFound: when there is no such join.
    :raise Refused: when the kept account was joined to another since, or took in a further one: the later goes first.
    """
    merge = db.session.scalar(select(MemberMerge).filter_by(id=merge_id).with_for_update())
    if merge is None:
        raise NotFound(_l("These accounts were never joined."))
    if merge.undone_at is not None:
        return merge
    later = select(MemberMerge.id).where(
        MemberMerge.id > merge_id,
        MemberMerge.undone_at.is_(None),
        MemberMerge.kept_id.in_([merge.kept_id, merge.gone_id]) | (MemberMerge.gone_id == merge.kept_id),
    )
    if db.session.scalar(later.limit(1)) is not None:
        raise Refused(_l("Something was joined to this account later. Part that first."))
    if any(one.erased_at is not None for one in _both(merge.kept_id, merge.gone_id)):
        raise Refused(_l("Whoever this was has been erased; nothing can be parted any more."))
    joining = Joining(merge.id, merge.kept_id, merge.gone_id)
    _reopen(joining)
    for table, columns in reversed(list(moving())):
        for column in reversed(columns):
            _give_back(joining, table, column)
        _bring_back(joining, table)
    for of, act in reversed(_parts.items()):
        act(joining, _told(joining, of))
    merge.undone_at, merge.undone_by = now(), actor_id
    db.session.flush()
    publish(MembersUnmerged(actor_id=actor_id, member_id=merge.kept_id, gone_id=merge.gone_id, merge_id=merge.id))
    audit.note(actor_id, "member.unmerge", "member", merge.kept_id, gone_id=merge.gone_id, merge_id=merge.id)
    return merge


def _reopen(joining: Joining) -> None:
    rows = select(MergedRow.key, MergedRow.before).filter_by(merge_id=joining.merge_id, what="moved", of="member")
    for key, before in db.session.execute(rows.order_by(MergedRow.id.desc())).all():
        db.session.execute(update(Member).where(Member.id == key["id"]).values(before))
    db.session.expire_all()
    added = [told.key["id"] for told in _told(joining, "consent")]
    db.session.execute(Consent.__table__.delete().where(Consent.id.in_(added)))  # type: ignore[attr-defined]


def _give_back(joining: Joining, table: Table, column: str) -> None:
    """Return the rows that still are the kept member's; what was deleted since stays deleted."""
    name, owner = _quoted(table.name, column)
    statement = text(f"""
        UPDATE {name} AS t SET {owner} = :gone FROM member_merge_row AS r
        WHERE r.merge_id = :merge AND r.what = 'moved' AND r.of = '{table.name}' AND r.before ? '{column}'
          AND t.{owner} = :kept AND {_same_key(table, "r.key", "t")}""")
    db.session.execute(statement, _bound(joining))


def _bring_back(joining: Joining, table: Table) -> None:
    """Put the rows back that had been put aside."""
    (name,) = _quoted(table.name)
    columns = ", ".join(_quoted(*(c.name for c in table.columns if c.computed is None)))
    statement = text(f"""
        INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE
        SELECT {columns} FROM (
            SELECT (jsonb_populate_record(NULL::{name}, before)).* FROM member_merge_row
            WHERE merge_id = :merge AND what = 'dropped' AND of = '{table.name}' ORDER BY id
        ) AS kept ON CONFLICT DO NOTHING""")
    db.session.execute(statement, {"merge": joining.merge_id})


def _told(joining: Joining, of: str) -> list[Told]:
    rows = select(MergedRow.key, MergedRow.before).filter_by(merge_id=joining.merge_id, what="told", of=of)
    return [Told(*row) for row in db.session.execute(rows.order_by(MergedRow.id.desc())).all()]


def forget(member_id: int) -> None:
    """Forget what the rows of a member's joins said before: she is being erased, and nothing is put back."""
    hers = select(MemberMerge.id).where((MemberMerge.kept_id == member_id) | (MemberMerge.gone_id == member_id))
    db.session.execute(delete(MergedRow).where(MergedRow.merge_id.in_(hers)))
