"""What of the tables that ideas and support share is whose."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

import portal.community.leaving
import portal.community.merging  # noqa: F401 - what a join of two accounts does besides moving rows
from portal.community import rules, services
from portal.community.screening import Why
from portal.kernel.database import db
from portal.kernel.personal import Erase, Erasing, Move, declare, erases, finds_rows, nobodys
from portal.kernel.retention import keep

THING = ("target_kind", "target_id")
keep(
    "impressions",
    days=rules.IMPRESSION_DAYS,
    what=_l("What was shown to whom, under a key that is lost each midnight"),
)

declare(
    "comment",
    owner="author_id",
    export="comments",
    erase=Erase.BLANK,
    blank={"extra": {}},
    texts={"body": "", "html": "", "hidden_why": "erased"},
    things=(THING,),
    context=("board_id", "target_kind", "target_id", "created_at", "lang"),
)
declare("follow", owner="member_id", export="follows", erase=Erase.DELETE, things=(THING,))
nobodys("impression", "The viewer is a hash under the salt of a day, and the salt is thrown away with the day.")
nobodys("impression_count", "How many, not who.")
nobodys("day_salt", "A random number.")
nobodys(
    "board",
    "A place; staff opens it.",
    context=("key", "type", "name", "description", "audience", "voting", "stages", "categories"),
    known_by=("key",),
)
nobodys("tag", "A word that many use.", context=("key", "name", "synonyms"), known_by=("key",))
nobodys("tag_word", "A spelling of a tag.")
declare(
    "contribution_tag",
    owner=None,
    export="tags",
    erase=Erase.KEEP,
    move=Move.STAY,
    things=(THING,),
    why="The tags of her posts.",
)


@finds_rows("contribution_tag")
def tags_of(member_id: int) -> Iterable[Mapping[str, Any]]:
    """Return which tags the posts of a member carry."""
    wanted = text("""
        SELECT target_kind, target_id, tag_id FROM contribution_tag
        WHERE target_kind = 'idea' AND target_id IN (SELECT id FROM idea WHERE author_id = :member)
           OR target_kind = 'question' AND target_id IN (SELECT id FROM question WHERE author_id = :member)
        ORDER BY target_kind, target_id, tag_id""")
    return [dict(row) for row in db.session.execute(wanted, {"member": member_id}).mappings()]


@erases
def take_away_comments(erasing: Erasing) -> None:
    """Take a member's comments out of sight and out of the counts, if she wants her texts to go."""
    for comment_id in erasing.posts.get("comment", ()) if erasing.texts else ():
        services.hide_comment(comment_id, actor_id=erasing.member_id, why=Why.ERASED)
