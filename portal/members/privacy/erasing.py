"""Erasing a member: figures keep standing under a number, and nothing says who she was.

Everything in the database happens in one transaction; files, caches and models follow in a job. What must not come
back with a backup is kept as a list of hashes; see `tombstones`.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from flask_babel import lazy_gettext as _l
from redis import Redis
from sqlalchemy import Column, Table, Text, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from portal.kernel import personal
from portal.kernel.broker import with_broker
from portal.kernel.clock import now
from portal.kernel.database import Model, after_commit, db
from portal.kernel.errors import NotFound, Refused
from portal.kernel.jobs import Promise, job
from portal.kernel.outbox import Fact, publish
from portal.kernel.personal import Erase, Erasing
from portal.members import queries
from portal.members.events import ErasureAsked, ErasureCalledOff, MemberErased
from portal.members.models import Identity, Member
from portal.members.privacy import tombstones
from portal.members.privacy.models import ErasureRequest
from portal.members.rules import Role
from portal.members.services import audit

COOLING_OFF = timedelta(days=7)
NOBODY = "Ex membro · Former member"
"""What stands where her name stood."""
STAYS = frozenset({"id", "kind", "joined_at", "terms", "erased_at"})
"""Columns of a member that tell how many joined when, and nothing of who."""
SHORTEST = 4
POSTS = ("idea", "question", "answer", "comment")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a member has asked for, and when it will be done."""

    member_id: int
    texts: bool
    asked_at: Any
    due_at: Any


def wish_of(member_id: int) -> Wish | None:
    """Return the erasure that a member has asked for, or None."""
    found = db.session.get(ErasureRequest, member_id)
    return Wish(found.member_id, found.texts, found.asked_at, found.due_at) if found else None


def ask(member_id: int, *, texts: bool) -> None:
    """Let a member ask to be erased: it is done some days later. Asking again changes what goes, not the day.

    :raise Refused: for the last admin.
    """
    _must_be_spared_by_nobody(queries.member_for_update(member_id))
    wish = db.session.get(ErasureRequest, member_id)
    if wish is not None:
        wish.texts = texts
        return
    db.session.add(ErasureRequest(member_id=member_id, texts=texts, due_at=now() + COOLING_OFF))
    publish(ErasureAsked(actor_id=member_id, member_id=member_id, texts=texts))


def call_off(member_id: int) -> None:
    """Let a member change her mind; without a wish nothing happens."""
    gone = delete(ErasureRequest).filter_by(member_id=member_id).returning(ErasureRequest.member_id)
    if db.session.execute(gone).first() is not None:
        publish(ErasureCalledOff(actor_id=member_id, member_id=member_id))


def due() -> list[tuple[int, bool]]:
    """Return whose days have passed, and whether their texts go, too."""
    wanted = select(ErasureRequest.member_id, ErasureRequest.texts).where(ErasureRequest.due_at <= now())
    return [(row[0], row[1]) for row in db.session.execute(wanted.order_by(ErasureRequest.due_at))]


def erase(member_id: int, *, texts: bool, actor_id: int | None = None) -> bool:
    """Erase a member; return whether there was anything to erase. A second time changes nothing.

    :param texts: what she wrote goes, too; else it stays without her name.
    :raise NotFound: when there is no such member.
    :raise Refused: for the last admin.
    """
    who = queries.member_for_update(member_id)
    if who.erased_at is not None:
        return False
    _must_be_spared_by_nobody(who)
    written = tuple(_written(member_id)) if texts else ()
    erasing = Erasing(member_id, texts, _words(who), posts_of(member_id), written)
    for act in personal.erasers():
        act(erasing)
    db.session.flush()
    for declared in personal.tables().values():
        _erase_rows(declared, erasing)
    _empty_record(erasing)
    _forget_work(erasing.words)
    _forget_address(who.email)
    after_commit(lambda: with_broker(lambda redis: _forget_keys(redis, erasing.words)))
    tombstones.add(tombstones.digest_of(who.id, who.joined_at), texts=texts)
    _empty_member(who)
    for gone_id in db.session.scalars(select(Member.id).where(Member.merged_into_id == member_id)).all():
        erase(gone_id, texts=texts, actor_id=actor_id)  # an account of hers that was joined to this one
    if actor_id is not None and actor_id != member_id:
        audit.note(actor_id, "member.erase", "member", member_id, posts="remove" if texts else "keep")
    publish(MemberErased(actor_id=actor_id, member_id=member_id, texts_removed=texts))
    sweep_outside.later(member_id, texts, sorted(_hashes(erasing.words)))
    return True


def _must_be_spared_by_nobody(who: Member) -> None:
    others = select(func.count()).select_from(Member).where(
        Member.active, Member.roles.contains([Role.ADMIN.value]), Member.id != who.id
    )  # fmt: skip
    if Role.ADMIN in who.roles and not db.session.scalar(others):
        raise Refused(_l("The last admin cannot be erased. Give somebody else that role first."))


def id_by_email(email: str) -> int:
    """Return whose address this is.

    :raise NotFound: when it is nobody's.
    """
    found = queries.member_id_by_email(email)
    if found is None:
        raise NotFound(_l("Nobody has an account with the address %(email)s.", email=email))
    return found


def posts_of(member_id: int) -> Mapping[str, tuple[int, ...]]:
    """Return the ids of what a member wrote, by kind."""
    return {
        kind: tuple(db.session.scalars(select(_table(kind).c.id).where(_table(kind).c.author_id == member_id)))
        for kind in POSTS
        if kind in Model.metadata.tables
    }


def _written(member_id: int) -> Iterable[str]:
    """Yield every text that a member wrote and that goes with her."""
    for declared in personal.tables().values():
        table = _table(declared.name)
        texts = [table.c[name] for name in declared.texts if table.c[name].type.python_type is str]
        if declared.owner is not None and texts:
            for row in db.session.execute(select(*texts).where(table.c[declared.owner] == member_id)):
                yield from (value for value in row if value)


def _words(who: Member) -> frozenset[str]:
    """Return the words by which others could know her: whole ones, which are no words of anybody's language."""
    proven = db.session.scalars(select(Identity.value).filter_by(member_id=who.id))
    said = [who.name, who.email, who.external_id, who.crm.get("contact_id"), *proven]
    return frozenset(str(word) for word in said if word and len(str(word)) >= SHORTEST)


def _hashes(words: Iterable[str]) -> set[str]:
    """Return hashes by which kept mails are found, so that no promise holds an address."""
    return {hashlib.sha256(word.casefold().encode()).hexdigest() for word in words if "@" in word}


def _table(name: str) -> Table:
    return Model.metadata.tables[name]


def _erase_rows(declared: personal.Table, erasing: Erasing) -> None:
    if declared.owner is None or declared.erase in {Erase.KEEP, Erase.BY_HAND}:
        return
    table = _table(declared.name)
    hers = table.c[declared.owner] == erasing.member_id
    if declared.erase is Erase.DELETE:
        db.session.execute(delete(table).where(hers))
        return
    emptied = {**declared.blank, **(declared.texts if erasing.texts else {})}
    if emptied:
        db.session.execute(update(table).where(hers).values(emptied))


def _empty_record(erasing: Erasing) -> None:
    """Take her words out of the payloads of the record: names, addresses and keys; numbers stay."""
    about = or_(
        Fact.actor_id == erasing.member_id,
        (Fact.subject_kind == "member") & (Fact.subject_id == erasing.member_id),
        *(Fact.payload.cast(Text).icontains(word, autoescape=True) for word in erasing.words),
    )
    pattern = _pattern(erasing.words)
    if pattern is None:
        return
    for fact_id, recorded_at, payload in db.session.execute(
        select(Fact.id, Fact.recorded_at, Fact.payload).where(about)
    ):
        clean = _without(payload, pattern)
        if clean != payload:
            db.session.execute(
                update(Fact).where(Fact.id == fact_id, Fact.recorded_at == recorded_at).values(payload=clean)
            )


def _pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    wanted = sorted(words, key=len, reverse=True)
    return re.compile("|".join(re.escape(word) for word in wanted), re.IGNORECASE) if wanted else None


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    """Return a JSON value whose texts hold none of the words."""
    if isinstance(value, str):
        return pattern.sub("", value)
    if isinstance(value, dict):
        return {name: _without(one, pattern) for name, one in value.items()}
    if isinstance(value, list):
        return [_without(one, pattern) for one in value]
    return value


def _forget_work(words: Iterable[str]) -> None:
    """Forget what waits to be done for her by name: mails above all."""
    named = [
        column.icontains(word, autoescape=True)
        for word in words
        for column in (Promise.args.cast(Text), func.coalesce(Promise.error, ""), func.coalesce(Promise.key, ""))
    ]
    if named:
        db.session.execute(delete(Promise).where(or_(*named)))


def _forget_address(email: str | None) -> None:
    """Forget rows that know her by her address alone: what she began as a guest, invitations to her."""
    for table in Model.metadata.tables.values() if email else ():
        if "email" in table.c and table.name != "member":
            db.session.execute(delete(table).where(func.lower(table.c.email) == str(email).lower()))


def _forget_keys(redis: "Redis", words: Iterable[str]) -> None:
    """Forget the broker's keys that name her: attempts to sign in, which are counted for some minutes."""
    for word in words:
        escaped = re.sub(r"([*?\[\]\\])", r"\\\1", word)
        for key in redis.scan_iter(match=f"*{escaped}*", count=1000):
            redis.delete(key)


def _empty_member(who: Member) -> None:
    """Empty every column that is not known to tell nothing: one that is added later is emptied, too."""
    table = _table("member")
    values = {column.name: _empty(column) for column in table.columns if column.name not in STAYS}
    values |= {"name": NOBODY, "active": False, "fs_uniquifier": uuid4().hex, "erased_at": now()}
    db.session.flush()
    db.session.execute(update(table).where(table.c.id == who.id).values(values))
    db.session.expire(who)


def _empty(column: Column[Any]) -> Any:
    if column.nullable:
        return None
    if isinstance(column.type, ARRAY):
        return []
    if isinstance(column.type, JSONB):
        return {}
    return {str: "en" if column.name == "lang" else "", bool: False}.get(column.type.python_type, 0)


@job(queue="heavy")
def sweep_outside(member_id: int, texts: bool, hashes: list[str]) -> None:  # noqa: FBT001 - a job takes plain values
    """Take a member who was erased out of files, caches and models. A repeat finds nothing more."""
    erasing = Erasing(member_id, texts, frozenset(hashes), posts_of(member_id))
    for act in personal.outside_erasers():
        act(erasing)
