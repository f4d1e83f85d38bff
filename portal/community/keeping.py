"""Comments as moderators meet them: seen and hidden alike, taken away, let be seen, reworded."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from portal.community import screening, services
from portal.community.models import Comment
from portal.community.screening import Keeper, Posted, keeps
from portal.kernel.database import db
from portal.members.policy import Viewer


def read(ids: Sequence[int]) -> dict[int, Posted]:
    """Return comments, hidden or not, each under the title of what it is on."""
    rows = db.session.execute(
        select(Comment.id, Comment.board_id, Comment.author_id, Comment.body, Comment.html, Comment.lang,
               Comment.created_at, Comment.hidden_why, Comment.target_kind, Comment.target_id, Comment.edited_at)
        .where(Comment.id.in_(ids))
    ).all()  # fmt: skip
    above: dict[tuple[str, int], Posted] = {}
    for kind in {row.target_kind for row in rows}:
        if keeper := screening.keeper_of(kind):
            found = keeper.read([row.target_id for row in rows if row.target_kind == kind])
            above |= {(kind, thing_id): thing for thing_id, thing in found.items()}
    return {row.id: _posted(row, above.get((row.target_kind, row.target_id))) for row in rows}


def _posted(row: Any, above: Posted | None) -> Posted:
    return Posted(
        "comment",
        row.id,
        row.board_id,
        row.author_id,
        above.title if above else "",
        row.body,
        row.html,
        row.lang,
        f"{above.url.partition('#')[0]}#comment-{row.id}" if above else "",
        row.created_at,
        row.hidden_why,
        (row.target_kind, row.target_id),
        edited_at=row.edited_at,
    )


def _hide(comment_id: int, actor: Viewer, why: str) -> None:
    services.hide_comment(comment_id, actor_id=actor.member_id, why=why)


def _release(comment_id: int, actor: Viewer) -> None:
    services.release_comment(comment_id, actor_id=actor.member_id)


def _rewrite(comment_id: int, actor: Viewer, _title: str, body: str) -> None:
    services.edit_comment(actor, comment_id, body, as_moderator=True)


def _of_author(member_id: int, limit: int) -> Sequence[int]:
    wanted = select(Comment.id).filter_by(author_id=member_id).order_by(Comment.id.desc()).limit(limit)
    return db.session.scalars(wanted).all()


def _count_seen(member_id: int, limit: int) -> int:
    few = select(Comment.id).where(Comment.author_id == member_id, Comment.hidden_at.is_(None)).limit(limit).subquery()
    return db.session.scalar(select(func.count()).select_from(few)) or 0


keeps(Keeper("comment", read, _hide, _release, _rewrite, _of_author, _count_seen))
