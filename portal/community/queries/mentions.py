"""Who may be mentioned, and who has been."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select

from portal.community.models import Board, Mention
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members.models import Member
from portal.members.rules import is_in_audience

OFFERED = 8
LOOKED_AT = 200
"""So many names that fit are looked at for those who may see the board."""
_WHO = (Member.id, Member.name, Member.kind, Member.job, Member.roles, Member.segments, Member.organisation_id)


@dataclass(frozen=True, slots=True)
class Person:
    """A member who may be mentioned."""

    id: int
    name: str
    kind: str
    job: str


def _like(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def people_like(typed: str, *, audience: str) -> list[Person]:
    """Return members with a name of which a word begins so, who may see what this audience sees, in order of name."""
    begin = _like(typed.strip())
    fits = or_(Member.name.ilike(f"{begin}%", escape="\\"), Member.name.ilike(f"% {begin}%", escape="\\"))
    wanted = select(*_WHO).where(fits, Member.active, ~Member.placeholder)
    rows = db.session.execute(wanted.order_by(Member.name, Member.id).limit(LOOKED_AT))
    return list(_seeing(rows.all(), audience))[:OFFERED]


def people_named(names: Collection[str], *, audience: str) -> dict[str, list[Person]]:
    """Return who of those that may see what this audience sees has one of these names, by the name in small letters."""
    if not names:
        return {}
    fits = or_(*(Member.name.ilike(_like(name), escape="\\") for name in names))
    rows = db.session.execute(select(*_WHO).where(fits, Member.active, ~Member.placeholder).limit(LOOKED_AT))
    found: dict[str, list[Person]] = {}
    for person in _seeing(rows.all(), audience):
        found.setdefault(person.name.lower(), []).append(person)
    return found


def people_of(ids: Collection[int], *, audience: str) -> dict[int, Person]:
    """Return those of these members who may see what this audience sees."""
    if not ids:
        return {}
    rows = db.session.execute(select(*_WHO).where(Member.id.in_(ids), Member.active, ~Member.placeholder))
    return {person.id: person for person in _seeing(rows.all(), audience)}


def _seeing(rows: Sequence[Any], audience: str) -> Iterator[Person]:
    for member_id, name, kind, job, roles, segments, organisation_id in rows:
        if is_in_audience(audience, kind=kind, roles=roles, segments=segments, organisation_id=organisation_id):
            yield Person(member_id, name, kind, job)


def audience_of_board(board_id: int) -> str:
    """Return who may see a board."""
    return db.session.scalar(select(Board.audience).filter_by(id=board_id)) or ""


def mentioned_in(kind: str, target_id: int) -> set[int]:
    """Return who has been mentioned in a text."""
    return set(db.session.scalars(select(Mention.member_id).filter_by(target_kind=kind, target_id=target_id)))


def count_mentions_by(author_id: int, *, hours: int = 24) -> int:
    """Return how many times somebody has mentioned others of late."""
    lately = Mention.at > now() - timedelta(hours=hours)
    return db.session.scalar(select(func.count()).where(Mention.author_id == author_id, lately)) or 0


def texts_that_mention(member_id: int) -> list[tuple[str, int]]:
    """Return the texts that mention a member, as kind and id."""
    rows = db.session.execute(select(Mention.target_kind, Mention.target_id).filter_by(member_id=member_id))
    return [(row.target_kind, row.target_id) for row in rows.all()]
