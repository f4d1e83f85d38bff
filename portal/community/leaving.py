"""Whose are versions, reactions, mentions, drafts and uploads, and what becomes of them when somebody is erased."""

import re
from collections.abc import Iterable
from pathlib import Path

from flask_babel import lazy_gettext as _l
from sqlalchemy import Text, cast, delete, select, text

from portal.community import registry, rules, screening
from portal.community.models import Draft, Reaction
from portal.community.queries import conversation, mentions
from portal.community.services import drafts, reactions, uploads, writing
from portal.community.uploads import workshop
from portal.kernel.database import db
from portal.kernel.personal import (
    Erase,
    Erasing,
    ExportedFile,
    Move,
    declare,
    erases,
    has_files,
    nobodys,
    places_files,
)
from portal.kernel.retention import keep

THING = ("target_kind", "target_id")
_EXPORTED = re.compile(r"uploads/([0-9a-f]{32})/((?:full|[0-9]{2,4})\.webp|file)")
NOBODY = "@…"
"""What stands in a text for somebody who is gone."""

keep("drafts", days=rules.DRAFT_DAYS, what=_l("What you have begun to write and not touched since"))
keep("uploads", days=uploads.DROPPED.days, what=_l("Pictures and files that no text shows any more"))
declare(
    "revision",
    owner="author_id",
    others=("redacted_by",),
    export="versions",
    erase=Erase.BLANK,
    texts={"title": "", "body": ""},
    things=(THING,),
    context=("board_id", "target_kind", "target_id", "number", "at"),
)
declare("reaction", owner="member_id", export="reactions", erase=Erase.DELETE, things=(THING,))
nobodys("reaction_count", "How many, not who.")
declare(
    "mention",
    owner="member_id",
    others=("author_id",),
    export="mentions",
    erase=Erase.DELETE,
    things=(THING,),
    again=False,
    why="Found in the texts again.",
)
declare("draft", owner="member_id", export="drafts", erase=Erase.DELETE, move=Move.MOVE)
declare("upload", owner="member_id", export="uploads", erase=Erase.BY_HAND, things=(THING,))


@has_files
def files_of(member_id: int) -> Iterable[ExportedFile]:
    """Find the pictures, in all their sizes, and the files that a member has sent."""
    for card in conversation.uploads_of(member_id):
        for path in sorted(workshop.folder_of(card.key).glob("*")):
            yield ExportedFile(f"uploads/{card.key}/{path.name}", path)


@places_files
def place_of(name: str) -> Path | None:
    """Say where a file of an export belongs."""
    found = _EXPORTED.fullmatch(name)
    return workshop.folder_of(found[1]) / found[2] if found else None


@erases
def take_back_reactions(erasing: Erasing) -> None:
    """Take a member's reactions back and count anew what she reacted to."""
    mine = select(Reaction.target_kind, Reaction.target_id).filter_by(member_id=erasing.member_id).distinct()
    things = db.session.execute(mine).all()
    db.session.execute(delete(Reaction).filter_by(member_id=erasing.member_id))
    for kind, target_id in things:
        reactions.recount(kind, target_id)


@erases
def throw_files_away(erasing: Erasing) -> None:
    """Throw away what a member has sent: all of it with her texts, else what no text shows; names go in any case."""
    cards = conversation.uploads_of(erasing.member_id)
    gone = [card.key for card in cards if erasing.texts or card.target_id is None]
    uploads.throw_away(gone)
    names = text("UPDATE upload SET name = kind, alt = '' WHERE member_id = :member")
    db.session.execute(names, {"member": erasing.member_id})


_IN_TEXTS = r"\[@[^]\n]*\]\(/members/{id}(/[\w-]*)?\)"


@erases
def take_the_name_out(erasing: Erasing) -> None:
    """Take a member's name out of what others wrote: texts, their earlier versions, drafts."""
    pattern = _IN_TEXTS.format(id=erasing.member_id)
    inside = re.compile(pattern)
    for kind, target_id in mentions.texts_that_mention(erasing.member_id):
        redraw(kind, target_id, lambda body: inside.sub(NOBODY, body))
        versions = text("""
            UPDATE revision SET body = regexp_replace(body, :pattern, :nobody, 'g')
            WHERE target_kind = :kind AND target_id = :id""")
        place = {"kind": kind, "id": target_id}
        db.session.execute(versions, {"pattern": pattern, "nobody": NOBODY, **place})
    naming = select(Draft).where(cast(Draft.fields, Text).contains(f"(/members/{erasing.member_id}", autoescape=True))
    for draft in db.session.scalars(naming.with_for_update()):
        draft.fields = {name: inside.sub(NOBODY, str(typed)) for name, typed in draft.fields.items()}
        draft.title = drafts.title_of(draft.fields)


def redraw(kind: str, target_id: int, change: "writing.Change") -> None:
    """Draw a text anew after a change of a name in it; nobody is told, and it is no new version."""
    keeper = screening.keeper_of(kind)
    posted = keeper.read([target_id]).get(target_id) if keeper is not None else None
    if posted is not None:
        written = writing.compose(change(posted.body), board_id=posted.board_id)
        registry.redraw(kind, target_id, written.body, written.html)
