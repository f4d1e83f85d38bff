"""What people send: checked, made anew, kept; bound to the text that shows it, thrown away when none does."""

import secrets
import time
from collections.abc import Collection
from datetime import timedelta
from functools import partial

from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, delete, or_, select, update

from portal.community import registry, rules
from portal.community.models import Draft, Upload
from portal.community.queries import conversation as queries
from portal.community.queries import visible_board_ids
from portal.community.queries.conversation import UploadCard
from portal.community.screening import keeper_of
from portal.community.uploads import kinds, workshop
from portal.kernel.clock import now
from portal.kernel.database import after_commit, db
from portal.kernel.errors import Invalid, NotFound, TooLarge, TooMany
from portal.kernel.text import Picture, clean_line
from portal.members.policy import Viewer, may_see_hidden
from portal.members.rules import Role
from portal.members.services import audit

KEY_BYTES = 16
ALT_MAX = 300
UNSENT = timedelta(days=2)
"""An upload that no text shows is kept so long: its text may be a draft."""
DROPPED = timedelta(days=30)
LEFT_BEHIND = 3600
"""Seconds after which files without a row are thrown away."""
WHAT = _l("Send a picture (JPEG, PNG, WebP, GIF), a PDF without scripts, a text or a table (CSV).")


def receive(viewer: Viewer, content: bytes, *, name: str, alt: str = "") -> UploadCard:
    """Take a file, make it anew and keep it; until a text shows it, nobody but the viewer sees it.

    :raise Invalid: when it is not of the kinds that are taken, or could do something.
    :raise TooLarge: when it is larger than is taken.
    :raise TooMany: when the viewer has sent as much as she may.
    """
    _check_allowance(viewer, len(content))
    words = clean_line(alt, field="alt", most=ALT_MAX, least=0)
    key = secrets.token_hex(KEY_BYTES)
    try:
        kind = kinds.kind_of(content, name=name)
        row = _picture(key, content) if kind is kinds.Kind.IMAGE else _file(key, kind, content)
    except kinds.Hostile as error:
        raise Invalid(WHAT, fields={"file": WHAT}) from error
    row.member_id, row.name, row.alt = viewer.id, kinds.clean_name(name, kind), words
    db.session.add(row)
    db.session.flush()
    card = queries.upload_by_key(key)
    if card is None:
        raise NotFound(_l("There is no such file."))
    return card


def _check_allowance(viewer: Viewer, size: int) -> None:
    if size > kinds.IMAGE_MOST:
        raise TooLarge(_l("Send at most %(most)d MB at a time.", most=kinds.IMAGE_MOST // 1_000_000))
    newcomer = rules.is_newcomer(verified=viewer.verified, joined_days=viewer.joined_days, level=viewer.trust_level)
    a_day, quota = queries.used_by(viewer.id)
    most = rules.UPLOADS_A_DAY_OF_NEWCOMERS if newcomer else rules.UPLOADS_A_DAY
    if a_day >= most:
        raise TooMany(_l("You have sent %(most)d files in a day. Send the next one tomorrow.", most=most))
    if quota + size > (rules.QUOTA_OF_NEWCOMERS if newcomer else rules.QUOTA):
        raise TooMany(_l("Your files take all the room there is for you. Take some out of your posts first."))


def _picture(key: str, content: bytes) -> Upload:
    with workshop.drawn_anew(content) as drawn:
        workshop.keep_picture(key, drawn)
        return _row(
            key,
            "image",
            "image/webp",
            drawn.size,
            width=drawn.width,
            height=drawn.height,
            widths=list(drawn.widths),
        )


def _file(key: str, kind: kinds.Kind, content: bytes) -> Upload:
    if len(content) > kinds.FILE_MOST:
        raise TooLarge(_l("Send at most %(most)d MB at a time.", most=kinds.FILE_MOST // 1_000_000))
    if kind is kinds.Kind.PDF:
        kinds.check_pdf(content)
    else:
        content = kinds.table_anew(content) if kind is kinds.Kind.CSV else kinds.text_anew(content)
    workshop.keep_file(key, content)
    return _row(key, "file", kind.value, len(content))


def _row(key: str, kind: str, content_type: str, size: int, **more: object) -> Upload:
    return Upload(key=key, member_id=0, kind=kind, name="", alt="", content_type=content_type, size=size, **more)  # type: ignore[arg-type]


def describe_anew(viewer: Viewer, key: str, *, alt: str) -> UploadCard:
    """Change the words that stand for a picture of one's own.

    :raise NotFound: when the viewer has sent nothing under this key.
    """
    words = clean_line(alt, field="alt", most=ALT_MAX, least=0)
    mine = update(Upload).where(Upload.key == key, Upload.member_id == viewer.id)
    db.session.execute(mine.values(alt=words))
    return upload_for(viewer, key)


def withdraw(viewer: Viewer, key: str) -> None:
    """Throw away a file of one's own, wherever it is shown; a moderator may do so with anybody's.

    :raise NotFound: when the viewer has sent nothing under this key.
    """
    card = upload_for(viewer, key)
    if card.member_id != viewer.member_id and not viewer.has_role(Role.MODERATOR):
        raise NotFound(_l("There is no such file."))
    if card.member_id != viewer.member_id:
        audit.note(viewer.id, "community.upload_removed", card.target_kind or "upload", card.target_id or 0)
    throw_away([key])


def upload_for(viewer: Viewer, key: str) -> UploadCard:
    """Return an upload that this viewer may fetch: her own, and those of texts that she may see.

    :raise NotFound: when there is none, or it is not for this viewer.
    """
    card = queries.upload_by_key(key)
    if card is None or not _may_fetch(viewer, card):
        raise NotFound(_l("There is no such file."))
    return card


def _may_fetch(viewer: Viewer, card: UploadCard) -> bool:
    if viewer.member_id == card.member_id:
        return True
    if card.target_kind is None or card.target_id is None:
        return False
    thing = (card.target_kind, card.target_id)
    return thing in registry.describe(viewer, [thing]) or _may_see_hidden(viewer, *thing)


def _may_see_hidden(viewer: Viewer, kind: str, thing_id: int) -> bool:
    """Return whether a text that is out of sight is shown to this viewer, and its pictures with it."""
    keeper = keeper_of(kind)
    text = keeper.read([thing_id]).get(thing_id) if keeper is not None and not viewer.is_anonymous else None
    if text is None or text.why is None or text.board_id not in visible_board_ids(viewer):
        return False
    return may_see_hidden(viewer, author_id=text.author_id, why=text.why)


# Texts that show them


def pictures(keys: Collection[str]) -> dict[str, Picture]:
    """Return the pictures among some uploads, by key."""
    return queries.pictures(keys)


def check_post(_viewer: Viewer, keys: Collection[str]) -> None:
    """Let a text show so many uploads, or say that it is too many.

    :raise Invalid: for more than a text may show.
    """
    if len(keys) > rules.UPLOADS_A_POST:
        sentence = _l("Show at most %(most)d pictures and files in one text.", most=rules.UPLOADS_A_POST)
        raise Invalid(fields={"body": sentence})


def attach(keys: Collection[str], kind: str, target_id: int, *, owner_id: int, taking: bool = False) -> None:
    """Bind the writer's own uploads to her text: whoever may see it may fetch them. The first text keeps them.

    :param taking: they come with the text from another one of hers, which had them.
    """
    mine = update(Upload).where(Upload.key.in_(keys), Upload.member_id == owner_id)
    if not taking:
        this = and_(Upload.target_kind == kind, Upload.target_id == target_id)
        mine = mine.where(or_(Upload.target_id.is_(None), this))
    db.session.execute(mine.values(target_kind=kind, target_id=target_id, dropped_at=None))


def detach(kind: str, target_id: int, *, kept: Collection[str] = ()) -> None:
    """Note which uploads a text shows no longer; they are thrown away when they have not come back for a month."""
    bound = update(Upload).where(Upload.target_kind == kind, Upload.target_id == target_id, Upload.dropped_at.is_(None))
    db.session.execute(bound.where(Upload.key.not_in(kept)).values(dropped_at=now()))


def forget_orphans() -> int:
    """Throw away what no text shows: unsent for two days, dropped for a month, files without a row; return how many."""
    old = or_(
        and_(Upload.target_id.is_(None), Upload.created_at < now() - UNSENT, Upload.key.not_in(_in_drafts())),
        Upload.dropped_at < now() - DROPPED,
    )
    gone = list(db.session.scalars(select(Upload.key).where(old)))
    throw_away(gone)
    kept = list(workshop.keys_kept())
    strays = set(kept) - queries.known_keys(kept)
    strays = {key for key in strays if workshop.folder_of(key).stat().st_mtime < time.time() - LEFT_BEHIND}
    for key in strays:
        workshop.throw_away(key)
    return len(gone) + len(strays)


def _in_drafts() -> list[str]:
    texts = db.session.scalars(select(Draft.fields["body"].astext).where(Draft.fields.has_key("body")))
    return sorted({key for text in texts if text for key in rules.uploads_in(text)})


def throw_away(keys: Collection[str]) -> None:
    """Remove the rows, and the files once that has been committed."""
    db.session.execute(delete(Upload).where(Upload.key.in_(keys)))
    for key in keys:
        after_commit(partial(workshop.throw_away, key))
