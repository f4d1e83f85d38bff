"""Drafts: what was typed is kept on the server, the same on all devices, until it is sent or 90 days are over."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from portal.community import rules
from portal.community.models import Draft
from portal.community.queries import conversation as queries
from portal.community.queries.conversation import DraftCard
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid, NotFound, Refused
from portal.kernel.text import clean_text, excerpt
from portal.members.rules import own_path

KEY = re.compile(r"[a-z][a-z0-9-]{0,79}")
FIELDS_MOST = 30
IN_BETWEEN = _l("Another device kept something else in the meantime. Read it first.")
TITLE = 90
DEVICE_MOST = 60


@dataclass(frozen=True, slots=True)
class Saved:
    """What is kept now. ``other`` is what another device kept in between: then nothing was written."""

    draft: DraftCard
    other: bool = False


class Gone(NotFound):
    """The draft that a form began with was sent, or thrown away: what lags behind must not bring it back."""

    status = 410
    kind = "gone"


def save(
    member_id: int,
    key: str,
    *,
    place: str,
    fields: Mapping[str, str],
    version: int = 0,
    device: str = "",
    anyway: bool = False,
) -> Saved:
    """Keep what was typed into a form.

    :param version: the one that the form began with, 0 for none: another one that is there now is not written over.
    :param anyway: write over it.
    :raise Invalid: when the form has no name of ours, or too much is typed.
    :raise Refused: when the member has too many drafts.
    :raise Gone: when the draft of this version is not there any more.
    """
    typed = _checked(key, fields)
    mine = select(Draft).filter_by(member_id=member_id, key=key)
    known = db.session.scalar(mine.with_for_update())
    if known is not None and not anyway and known.version != version and dict(known.fields) != typed:
        return Saved(_card(known), other=True)
    if known is None and version and not anyway:
        raise Gone(_l("This draft was sent, or thrown away, in another window."))
    if known is None:
        _check_room(member_id)
    values = {
        "place": own_path(place)[:500],
        "title": title_of(typed),
        "fields": typed,
        "device": device[:DEVICE_MOST],
        "saved_at": now(),
    }
    row = insert(Draft).values(member_id=member_id, key=key, version=1, **values)
    db.session.execute(
        row.on_conflict_do_update(index_elements=["member_id", "key"], set_={**values, "version": Draft.version + 1})
    )
    db.session.expire_all()
    kept = db.session.scalars(mine.execution_options(populate_existing=True)).one()
    return Saved(_card(kept))


def _card(row: Draft) -> DraftCard:
    return DraftCard(row.key, row.place, row.title, dict(row.fields), row.device, row.version, row.saved_at)


def _checked(key: str, fields: Mapping[str, str]) -> dict[str, str]:
    if not KEY.fullmatch(key):
        raise Invalid(fields={"key": _l("Use small letters, digits and hyphens.")})
    if len(fields) > FIELDS_MOST or sum(len(text) for text in fields.values()) > rules.DRAFT_MOST:
        raise Invalid(fields={"fields": _l("This is more than a draft can hold.")})
    typed = {name[:60]: clean_text(text, field=name, most=rules.DRAFT_MOST, least=0) for name, text in fields.items()}
    if not any(typed.values()):
        raise Invalid(fields={"fields": _l("There is nothing to keep yet.")})
    return typed


def _check_room(member_id: int) -> None:
    count = db.session.scalar(select(func.count()).select_from(Draft).filter_by(member_id=member_id)) or 0
    if count >= rules.DRAFTS_MOST:
        raise Refused(_l("You have %(most)d drafts. Send or throw away some first.", most=rules.DRAFTS_MOST))


def title_of(fields: Mapping[str, str]) -> str:
    """Return what a draft is called in a list."""
    return excerpt(fields.get("title") or fields.get("body") or next(filter(None, fields.values()), ""), TITLE)


def drop(member_id: int | None, key: str) -> None:
    """Throw a draft away: it was sent, or is not wanted any more."""
    if member_id is not None:
        db.session.execute(delete(Draft).filter_by(member_id=member_id, key=key))


def filled(member_id: int | None, key: str) -> DraftCard | None:
    """Return what a member has typed into one form, without what is no text."""
    found = queries.draft_of(member_id, key) if member_id is not None else None
    return replace(found, fields={k: str(v) for k, v in found.fields.items()}) if found is not None else None


def forget_old() -> None:
    """Throw away drafts that nobody has touched for 90 days."""
    db.session.execute(delete(Draft).where(Draft.saved_at < now() - timedelta(days=rules.DRAFT_DAYS)))
