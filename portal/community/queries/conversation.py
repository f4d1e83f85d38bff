"""Earlier versions, reactions, drafts and uploads: every question about them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text

from portal.community.models import Draft, Reaction, ReactionCount, Revision, Upload
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.text import Picture
from portal.members.models import Member

REACTIONS = """(SELECT string_agg(n.kind || ':' || n.members || CASE WHEN r.member_id IS NULL THEN '' ELSE '*' END, ' '
        ORDER BY n.kind)
    FROM reaction_count n LEFT JOIN reaction r ON r.target_kind = n.target_kind AND r.target_id = n.target_id
        AND r.kind = n.kind AND r.member_id = :viewer
    WHERE n.target_kind = {kind} AND n.target_id = {id} AND n.members > 0)"""
"""A column for statements that read texts: ``agree:2 thanks:5*``, a star at what the viewer gave herself; or null."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a text and who wrote it."""

    number: int
    title: str
    body: str
    at: datetime
    author_id: int
    author_name: str
    author_kind: str
    redacted: bool


@dataclass(frozen=True, slots=True)
class DraftCard:
    """What a member has typed and not sent."""

    key: str
    place: str
    title: str
    fields: dict[str, Any]
    device: str
    version: int
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class UploadCard:
    """A picture or a file that somebody sent."""

    key: str
    member_id: int
    kind: str
    name: str
    alt: str
    content_type: str
    size: int
    width: int | None
    height: int | None
    widths: list[int]
    created_at: datetime
    target_kind: str | None
    target_id: int | None

    @property
    def url(self) -> str:
        """Return its address."""
        return f"/uploads/{self.key}"

    @property
    def is_image(self) -> bool:
        """Return whether it is a picture."""
        return self.kind == "image"

    @property
    def markdown(self) -> str:
        """Return how a text shows it."""
        words = "".join(c for c in (self.alt or self.name) if c not in "[]()`\\")
        return f"![{words}]({self.url})" if self.is_image else f"[{words}]({self.url})"


# Versions


def versions_of(kind: str, target_id: int) -> list[Version]:
    """Return the versions of a text, the first one first; none while it was never changed."""
    rows = db.session.execute(
        select(Revision.number, Revision.title, Revision.body, Revision.at, Revision.author_id, Member.name,
               Member.kind, Revision.redacted_at.is_not(None))
        .join(Member, Member.id == Revision.author_id)
        .where(Revision.target_kind == kind, Revision.target_id == target_id)
        .order_by(Revision.number)
    )  # fmt: skip
    return [Version(*row) for row in rows.all()]


def last_number(kind: str, target_id: int) -> int:
    """Return the number of a text's latest version, 0 while none was written down."""
    found = select(func.max(Revision.number)).filter_by(target_kind=kind, target_id=target_id)
    return db.session.scalar(found) or 0


# Reactions


_REACTIONS = text(f"SELECT {REACTIONS.format(kind=':kind', id=':id')}")


def reactions_to(kind: str, target_id: int, member_id: int | None) -> str:
    """Return the reactions to one thing as `REACTIONS` writes them."""
    return db.session.scalar(_REACTIONS, {"kind": kind, "id": target_id, "viewer": member_id}) or ""


def count_reactions(kind: str, target_id: int) -> dict[str, int]:
    """Count the reactions to one thing anew, by kind."""
    rows = db.session.execute(
        select(Reaction.kind, func.count()).filter_by(target_kind=kind, target_id=target_id).group_by(Reaction.kind)
    )
    return dict(rows.all())


def reaction_counts(kind: str, ids: Collection[int]) -> dict[int, dict[str, int]]:
    """Return how many reacted to each thing, by kind of reaction; one query."""
    found: dict[int, dict[str, int]] = {}
    rows = db.session.execute(
        select(ReactionCount.target_id, ReactionCount.kind, ReactionCount.members).where(
            ReactionCount.target_kind == kind, ReactionCount.target_id.in_(ids), ReactionCount.members > 0
        )
    )
    for target_id, name, members in rows.all():
        found.setdefault(target_id, {})[name] = members
    return found


# Drafts

_DRAFT = (Draft.key, Draft.place, Draft.title, Draft.fields, Draft.device, Draft.version, Draft.saved_at)


def drafts_of(member_id: int) -> list[DraftCard]:
    """Return what a member has begun, the latest first."""
    rows = db.session.execute(select(*_DRAFT).filter_by(member_id=member_id).order_by(Draft.saved_at.desc(), Draft.id))
    return [DraftCard(*row) for row in rows.all()]


def draft_of(member_id: int, key: str) -> DraftCard | None:
    """Return what a member has typed into one form."""
    row = db.session.execute(select(*_DRAFT).filter_by(member_id=member_id, key=key)).one_or_none()
    return DraftCard(*row) if row is not None else None


# Uploads

_UPLOAD = (Upload.key, Upload.member_id, Upload.kind, Upload.name, Upload.alt, Upload.content_type, Upload.size,
           Upload.width, Upload.height, Upload.widths, Upload.created_at, Upload.target_kind,
           Upload.target_id)  # fmt: skip


def upload_by_key(key: str) -> UploadCard | None:
    """Return one upload."""
    row: Any = db.session.execute(select(*_UPLOAD).filter_by(key=key)).one_or_none()
    return UploadCard(*row) if row is not None else None


def uploads_of(member_id: int) -> list[UploadCard]:
    """Return everything that a member has sent, the latest first."""
    rows: Any = db.session.execute(select(*_UPLOAD).filter_by(member_id=member_id).order_by(Upload.id.desc()))
    return [UploadCard(*row) for row in rows.all()]


def pictures(keys: Collection[str]) -> dict[str, Picture]:
    """Return the pictures among some uploads, by key."""
    if not keys:
        return {}
    wanted = select(Upload.key, Upload.width, Upload.height, Upload.widths)
    rows = db.session.execute(wanted.where(Upload.key.in_(keys), Upload.kind == "image"))
    return {row.key: Picture(row.width or 0, row.height or 0, tuple(row.widths)) for row in rows.all()}


def used_by(member_id: int) -> tuple[int, int]:
    """Return how many uploads a member has sent in a day, and how many bytes all of hers take."""
    lately = Upload.created_at > now() - timedelta(days=1)
    row = db.session.execute(
        select(func.count().filter(lately), func.coalesce(func.sum(Upload.size), 0)).where(
            Upload.member_id == member_id
        )
    ).one()
    return int(row[0]), int(row[1])


def known_keys(keys: Collection[str]) -> set[str]:
    """Return those of the keys that are in the table."""
    return set(db.session.scalars(select(Upload.key).where(Upload.key.in_(keys))))
