"""What community does when something happened elsewhere, and what it tells of its own things."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select, update

from portal.community import leaving, registry
from portal.community.models import Comment
from portal.community.queries import mentions
from portal.community.registry import Card
from portal.kernel.database import db
from portal.kernel.events import listens_to
from portal.members.events import MemberProfileChanged
from portal.members.policy import Viewer


@registry.describes("comment")
def describe_comments(viewer: Viewer, ids: Sequence[int]) -> Mapping[int, Card]:
    """Return a card of each comment the viewer may see: it can be seen, and so can what it is on."""
    rows = db.session.execute(
        select(Comment.id, Comment.target_kind, Comment.target_id, Comment.board_id, Comment.author_id, Comment.lang)
        .where(Comment.id.in_(ids), Comment.hidden_at.is_(None))
    ).all()  # fmt: skip
    above = registry.describe(viewer, {(row.target_kind, row.target_id) for row in rows})
    found = {}
    for row in rows:
        on = above.get((row.target_kind, row.target_id))
        if on is not None:
            url = f"{on.url.partition('#')[0]}#comment-{row.id}"
            found[row.id] = Card("comment", row.id, on.title, url, row.board_id, row.author_id, row.lang)
    return found


@registry.redraws("comment")
def redraw_comment(comment_id: int, body: str, html: str) -> None:
    """Give a comment another HTML."""
    db.session.execute(update(Comment).filter_by(id=comment_id).values(body=body, html=html))


@listens_to(MemberProfileChanged)
def follow_another_name(event: MemberProfileChanged) -> None:
    """Put a member's new name on the texts that mention her. A repeat draws them the same again."""
    if "name" in event.fields:
        for kind, target_id in mentions.texts_that_mention(event.member_id):
            leaving.redraw(kind, target_id, lambda body: body)
