"""Versions of texts: written down when a text changes, never changed, brought back, taken out of sight."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.community import registry, screening
from portal.community.events import TextRevised
from portal.community.models import Revision
from portal.community.queries import conversation as queries
from portal.community.queries.conversation import Version
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, NotFound, Refused
from portal.kernel.outbox import publish
from portal.members.policy import Viewer
from portal.members.rules import Role
from portal.members.services import audit


@dataclass(frozen=True, slots=True)
class Words:
    """What a version holds: a title where there is one, and the text as it was typed."""

    title: str
    body: str


def keep(
    kind: str,
    target_id: int,
    *,
    board_id: int,
    author_id: int,
    editor_id: int,
    before: Words,
    after: Words,
    since: datetime,
) -> bool:
    """Write a change down, and before the first one also the text as it was; return whether anything changed.

    The caller has locked the text.

    :param since: when the text was first written.
    """
    if before == after:
        return False
    number = queries.last_number(kind, target_id)
    place = {"target_kind": kind, "target_id": target_id, "board_id": board_id}
    if number == 0:
        first = Revision(**place, number=1, author_id=author_id, title=before.title, body=before.body, at=since)  # type: ignore[arg-type]
        db.session.add(first)
        number = 1
    number += 1
    db.session.add(
        Revision(**place, number=number, author_id=editor_id, title=after.title, body=after.body, at=now())  # type: ignore[arg-type]
    )
    db.session.flush()
    publish(TextRevised(actor_id=editor_id, **place, number=number, author_id=author_id))  # type: ignore[arg-type]
    return True


def history(viewer: Viewer, kind: str, target_id: int) -> list[Version]:
    """Return the versions of a text that the viewer may see, the first one first.

    A version out of sight has no words, but for moderators.

    :raise NotFound: when there is no such text for this viewer, or it was never changed.
    """
    versions = queries.versions_of(kind, target_id) if _sees(viewer, kind, target_id) else []
    if not versions:
        raise NotFound(_l("There are no earlier versions of this."))
    if viewer.has_role(Role.MODERATOR):
        return versions
    return [_without_words(one) if one.redacted else one for one in versions]


def _sees(viewer: Viewer, kind: str, target_id: int) -> bool:
    return (kind, target_id) in registry.describe(viewer, [(kind, target_id)])


def _without_words(one: Version) -> Version:
    return Version(one.number, "", "", one.at, one.author_id, one.author_name, one.author_kind, redacted=True)


def restore(viewer: Viewer, kind: str, target_id: int, number: int) -> None:
    """Bring an earlier version back, as a new one. Its author may, and so may moderators.

    :raise NotFound: when there is no such version for this viewer.
    :raise Forbidden: when the viewer may not change the text.
    :raise Refused: when the version is out of sight, or is the one that stands.
    """
    versions = history(viewer, kind, target_id)
    wanted = next((one for one in versions if one.number == number), None)
    keeper = screening.keeper_of(kind)
    posted = keeper.read([target_id]).get(target_id) if keeper is not None else None
    if wanted is None or keeper is None or posted is None:
        raise NotFound(_l("There is no such version."))
    if posted.author_id != viewer.id and not viewer.has_role(Role.MODERATOR):
        raise Forbidden(_l("Its author or a moderator brings an earlier version back."))
    if wanted.redacted:
        raise Refused(_l("This version is out of sight. Show it again first."))
    if number == versions[-1].number:
        raise Refused(_l("This is the version that stands."))
    keeper.rewrite(target_id, viewer, wanted.title, wanted.body)
    if posted.author_id != viewer.id:
        audit.note(viewer.id, "community.restore", kind, target_id, number=number)


def redact(viewer: Viewer, kind: str, target_id: int, number: int, *, on: bool = True) -> None:
    """Take an earlier version out of sight, or show it again. A second time changes nothing.

    :raise Forbidden: when the viewer is no moderator.
    :raise NotFound: when there is no such version for this viewer.
    :raise Refused: for the version that stands: its text itself is to be hidden or changed.
    """
    if not viewer.has_role(Role.MODERATOR):
        raise Forbidden(_l("Moderators take versions out of sight."))
    versions = history(viewer, kind, target_id)
    if number == versions[-1].number and on:
        raise Refused(_l("This version stands on the page. Hide or change the text itself."))
    key = {"target_kind": kind, "target_id": target_id, "number": number}
    row = db.session.scalar(select(Revision).filter_by(**key).with_for_update())
    if row is None:
        raise NotFound(_l("There is no such version."))
    if (row.redacted_at is not None) != on:
        row.redacted_at, row.redacted_by = (now(), viewer.id) if on else (None, None)
        audit.note(viewer.id, "community.redact" if on else "community.unredact", kind, target_id, number=number)
