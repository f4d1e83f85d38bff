"""Ideas as moderators meet them: seen and hidden alike, taken away, let be seen, reworded."""

from collections.abc import Sequence

from sqlalchemy import func, select, update

from portal.community.registry import redraws
from portal.community.screening import Keeper, Posted, keeps
from portal.ideas import services
from portal.ideas.models import Idea
from portal.kernel.database import db
from portal.members.policy import Viewer

KIND = "idea"


def read(ids: Sequence[int]) -> dict[int, Posted]:
    """Return ideas, hidden or not."""
    rows = db.session.execute(
        select(Idea.id, Idea.board_id, Idea.author_id, Idea.title, Idea.body, Idea.html, Idea.lang, Idea.created_at,
               Idea.hidden_why, Idea.merged_into_id, Idea.edited_at).where(Idea.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: Posted(KIND, *row[:7], f"/ideas/{row.id}", row.created_at, row.hidden_why, None, *row[9:])
        for row in rows
    }


def hide(idea_id: int, actor: Viewer, why: str) -> None:
    """Take an idea out of sight."""
    services.hide(idea_id, actor=actor, why=why)


def release(idea_id: int, actor: Viewer) -> None:
    """Let an idea be seen."""
    services.release_idea(idea_id, actor_id=actor.member_id)


def rewrite(idea_id: int, actor: Viewer, title: str, body: str) -> None:
    """Change the words of somebody's idea."""
    services.edit_idea(idea_id, actor, title=title, body=body, category=None, as_moderator=True)


def of_author(member_id: int, limit: int) -> Sequence[int]:
    """Return the latest ideas of a member, hidden or not."""
    return db.session.scalars(
        select(Idea.id).filter_by(author_id=member_id).order_by(Idea.id.desc()).limit(limit)
    ).all()


def count_seen(member_id: int, limit: int) -> int:
    """Return how many ideas of a member can be seen, counted up to a limit."""
    few = select(Idea.id).where(Idea.author_id == member_id, Idea.hidden_at.is_(None)).limit(limit).subquery()
    return db.session.scalar(select(func.count()).select_from(few)) or 0


@redraws("idea")
def redraw(idea_id: int, body: str, html: str) -> None:
    """Give an idea another HTML: somebody it mentions has another name. Its words are not changed by that."""
    db.session.execute(update(Idea).filter_by(id=idea_id).values(body=body, html=html))


keeps(Keeper(KIND, read, hide, release, rewrite, of_author, count_seen))
