"""What people do that is the same for ideas and for questions.

Whether somebody may see the thing that is commented on, is asked by its own feature before it calls this one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from portal.community import queries, registry, rules
from portal.community.events import (
    BoardOpened,
    CommentHidden,
    CommentPosted,
    CommentShown,
    Followed,
    Unfollowed,
)
from portal.community.models import Board, Comment, ContributionTag, Follow, Tag, TagWord
from portal.community.screening import WAITING, Why, keep_waiting, recount_comments, screen, stop_waiting
from portal.community.services import mentions, writing
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound, Refused
from portal.kernel.outbox import has_happened, publish
from portal.kernel.text import clean_line, clean_text, fold, markdown_to_html, slug
from portal.members.policy import Viewer
from portal.members.rules import Role, audience_of
from portal.members.services import audit

# Boards


def open_board(
    key: str,
    *,
    kind: rules.BoardType | str,
    name: Mapping[str, str] | str,
    description: Mapping[str, str] | None = None,
    audience: str = "public",
    voting: str = rules.Voting.SUPPORT,
    stages: Sequence[str] = (),
    categories: Sequence[str] = (),
    promise_working_days: int | None = None,
    position: int = 0,
    actor_id: int | None = None,
) -> Board:
    """Open a board.

    :raise Invalid: when the key is taken or unfit for an address, or the audience cannot be read.
    """
    if slug(key) != key:
        raise Invalid(fields={"key": _l("Use small letters, digits and hyphens.")})
    if queries.board_of_key(key) is not None:
        raise Invalid(fields={"key": _l("There is a board with this key already.")})
    try:
        audience_of(audience)
    except ValueError as error:
        raise Invalid(fields={"audience": _l("This audience cannot be read.")}) from error
    board = Board(
        key=key,
        type=rules.BoardType(kind),
        name={"en": name, "it": name} if isinstance(name, str) else dict(name),
        description=dict(description or {}),
        audience=audience,
        voting=rules.Voting(voting),
        stages=list(stages),
        categories=list(categories),
        promise_working_days=promise_working_days,
        position=position,
    )
    db.session.add(board)
    db.session.flush()
    queries.forget_boards()
    publish(BoardOpened(actor_id=actor_id, board_id=board.id))
    return board


# Comments


def write_comment(
    *,
    author_id: int,
    board_id: int,
    target_kind: str,
    target_id: int,
    body: str,
    parent_id: int | None = None,
    lang: str | None = None,
    at: datetime | None = None,
    why: str | None = None,
    author: Viewer | None = None,
) -> int:
    """Add a comment or a reply; return its id.

    :param author: who writes it, if she is to be held to her limits.
    :param why: write it out of sight, for this reason; it is told of when it is released.
    :raise Invalid: when the text is empty, too long or holds control characters.
    :raise NotFound: when the comment replied to is not on this thing or cannot be seen.
    """
    text = clean_text(body, field="body", most=rules.COMMENT_MAX)
    if parent_id is not None:
        _check_parent(parent_id, target_kind, target_id)
    written = writing.compose(text, board_id=board_id, author=author)
    comment = Comment(
        board_id=board_id,
        target_kind=target_kind,
        target_id=target_id,
        parent_id=parent_id,
        author_id=author_id,
        body=written.body,
        html=written.html,
        lang=lang,
        created_at=at or now(),
        hidden_at=now() if why else None,
        hidden_why=why,
    )
    db.session.add(comment)
    db.session.flush()
    writing.settle(written, "comment", comment.id, author_id=author_id, board_id=board_id, past=at is not None)
    if why is None:
        _announce(comment, at=at)
    return comment.id


def post_comment(
    viewer: Viewer,
    *,
    board_id: int,
    target_kind: str,
    target_id: int,
    body: str,
    parent_id: int | None = None,
    lang: str | None = None,
    at: datetime | None = None,
) -> tuple[int, bool]:
    """Add a comment of the viewer's once the screens have been asked; return its id, and whether it can be seen.

    :raise Invalid: when the text is empty, too long or holds control characters.
    :raise NotFound: when the comment replied to is not on this thing or cannot be seen.
    """
    why = None
    if at is None:
        text = clean_text(body, field="body", most=rules.COMMENT_MAX)
        why = screen(viewer, kind="comment", board_id=board_id, text=text, html=markdown_to_html(text))
    comment_id = write_comment(
        author_id=viewer.id,
        board_id=board_id,
        target_kind=target_kind,
        target_id=target_id,
        body=body,
        parent_id=parent_id,
        lang=lang,
        at=at,
        why=why,
        author=viewer if at is None else None,
    )
    if why is not None:
        keep_waiting("comment", comment_id, board_id=board_id, author_id=viewer.id, why=why)
    return comment_id, why is None


def _announce(comment: Comment, *, at: datetime | None = None) -> None:
    """Tell of a comment for the first time."""
    event = CommentPosted(
        actor_id=comment.author_id, comment_id=comment.id, parent_id=comment.parent_id, **_place(comment)
    )
    publish(event, at=at, quiet=at is not None)
    mentions.announce("comment", comment.id, comment.body)


def _check_parent(parent_id: int, target_kind: str, target_id: int) -> None:
    parent = select(Comment.id).filter_by(id=parent_id, target_kind=target_kind, target_id=target_id, hidden_at=None)
    if db.session.scalar(parent) is None:
        raise NotFound(_l("The comment you reply to is not here any more."))


def edit_comment(viewer: Viewer, comment_id: int, body: str, *, as_moderator: bool = False) -> None:
    """Change one's own comment, or as a moderator somebody else's. What it said before is kept.

    :raise Forbidden: when it is somebody else's.
    :raise Invalid: when the text is empty, too long or holds control characters.
    """
    comment = queries.comment_for_update(comment_id)
    if comment.author_id != viewer.id and not (as_moderator and viewer.has_role(Role.MODERATOR)):
        raise Forbidden(_l("Only its author can change a comment."))
    if comment.hidden_at is not None and comment.hidden_why not in WAITING:
        raise Refused(_l("This comment has been hidden."))
    text = clean_text(body, field="body", most=rules.COMMENT_MAX)
    if not writing.rewrite(comment, "comment", viewer, body=text):
        return
    if comment.hidden_at is None and (why := _screened(comment, viewer)) is not None:
        _take_away(comment, why, actor_id=None)
        keep_waiting("comment", comment.id, board_id=comment.board_id, author_id=comment.author_id, why=why)


def _screened(comment: Comment, viewer: Viewer) -> str | None:
    return screen(
        viewer,
        kind="comment",
        board_id=comment.board_id,
        text=comment.body,
        html=comment.html,
        thing_id=comment.id,
    )


def hide_comment(comment_id: int, *, actor_id: int | None, why: str = "") -> None:
    """Take a comment out of sight; a second time changes nothing but the reason.

    :param why: one of `screening.Why`; by default whether its author or somebody else did it.
    """
    comment = queries.comment_for_update(comment_id)
    reason = why or (Why.AUTHOR if comment.author_id == actor_id else Why.HIDDEN).value
    if comment.hidden_at is None:
        _take_away(comment, reason, actor_id=actor_id)
    elif why or comment.hidden_why in WAITING:
        if reason == Why.AUTHOR:
            stop_waiting("comment", comment.id)
        comment.hidden_why = reason


def _take_away(comment: Comment, why: str, *, actor_id: int | None) -> None:
    comment.hidden_at, comment.hidden_why = now(), why
    publish(CommentHidden(actor_id=actor_id, comment_id=comment.id, **_place(comment)))


def show_comment(comment_id: int, *, actor_id: int | None) -> None:
    """Show a hidden comment again."""
    release_comment(comment_id, actor_id=actor_id)


def release_comment(comment_id: int, *, actor_id: int | None, viewer: Viewer | None = None) -> bool:
    """Let a comment be seen: one that never was is told of now, as if it were posted now. Return whether it is seen.

    :param viewer: its author, to ask the screens once more first: what made it wait may not be all.
    """
    comment = queries.comment_for_update(comment_id)
    if viewer is not None and (why := _screened(comment, viewer)) is not None:
        comment.hidden_why = why
    elif comment.hidden_at is not None:
        comment.hidden_at, comment.hidden_why = None, None
        db.session.flush()
        writing.bring_uploads(comment.body, "comment", comment.id, owner_id=comment.author_id)
        if has_happened("CommentPosted", "comment", comment.id):
            publish(CommentShown(actor_id=actor_id, comment_id=comment.id, **_place(comment)))
        else:
            _announce(comment)
            recount_comments(comment.target_kind, comment.target_id)
    return comment.hidden_at is None


def _place(comment: Comment) -> dict[str, Any]:
    return {
        "board_id": comment.board_id,
        "target_kind": comment.target_kind,
        "target_id": comment.target_id,
    }


def withdraw_comment(viewer: Viewer, comment_id: int) -> None:
    """Hide a comment: its author may, and so may moderators.

    :raise Forbidden: when the viewer is neither.
    """
    comment = queries.comment_row(comment_id)
    is_theirs = comment is not None and comment.author_id != viewer.id
    if comment is None or (comment.hidden and is_theirs and not viewer.has_role(Role.MODERATOR)):
        raise NotFound(_l("There is no such comment."))
    if is_theirs and not viewer.has_role(Role.MODERATOR):
        raise Forbidden(_l("Only its author or a moderator can hide a comment."))
    if is_theirs:
        audit.note_unless_noted(viewer.id, "comment.hide", "comment", comment_id)
    hide_comment(comment_id, actor_id=viewer.id)


# Follows


def follow(member_id: int, kind: str, target_id: int, *, at: datetime | None = None) -> bool:
    """Follow a thing; return whether that is new."""
    row = {"member_id": member_id, "target_kind": kind, "target_id": target_id, "since": at or now()}
    added = db.session.execute(insert(Follow).values(row).on_conflict_do_nothing().returning(Follow.member_id)).scalar()
    if added is not None:
        publish(Followed(actor_id=member_id, target_kind=kind, target_id=target_id), at=at, quiet=at is not None)
    return added is not None


def unfollow(member_id: int, kind: str, target_id: int) -> bool:
    """Stop following a thing; return whether it was followed."""
    mine = delete(Follow).filter_by(member_id=member_id, target_kind=kind, target_id=target_id)
    removed = db.session.execute(mine.returning(Follow.member_id)).scalar()
    if removed is not None:
        publish(Unfollowed(actor_id=member_id, target_kind=kind, target_id=target_id))
    return removed is not None


def follow_seen(viewer: Viewer, kind: str, target_id: int, *, wanted: bool) -> None:
    """Follow or stop following a thing that the viewer may see.

    :raise NotFound: when there is no such thing, or this viewer may not see it.
    """
    if (kind, target_id) not in registry.describe(viewer, [(kind, target_id)]):
        raise NotFound(_l("There is nothing here to follow."))
    (follow if wanted else unfollow)(viewer.id, kind, target_id)


# Tags


def define_tag(key: str, *, name: Mapping[str, str] | None = None, synonyms: Iterable[str] = ()) -> int:
    """Add a tag, or change its names and synonyms; return its id. A spelling belongs to the tag that had it first."""
    words = list(synonyms)
    row = insert(Tag).values(key=key, name=dict(name or {}), synonyms=words)
    tag_id = db.session.execute(
        row.on_conflict_do_update(
            index_elements=["key"], set_={"name": row.excluded.name, "synonyms": row.excluded.synonyms}
        ).returning(Tag.id)
    ).scalar_one()
    spellings = {fold(word) for word in (key, *(name or {}).values(), *words)}
    db.session.execute(
        insert(TagWord)
        .values([{"word": word, "tag_id": tag_id} for word in sorted(spellings)])
        .on_conflict_do_nothing()
    )
    return int(tag_id)


def tag_ids_for(words: Iterable[str]) -> list[int]:
    """Return the tags that people's words mean, making those that are new.

    :raise Invalid: when there are too many, or one is too long.
    """
    wanted = list(dict.fromkeys(clean_line(word, field="tags", most=rules.TAG_MAX) for word in words if word.strip()))
    if len(wanted) > rules.TAGS_MAX:
        raise Invalid(fields={"tags": _l("Use at most %(most)d tags.", most=rules.TAGS_MAX)})
    known = queries.tag_ids_of(wanted)
    ids = [known.get(word) or define_tag(slug(word), name={"en": word, "it": word}) for word in wanted]
    return list(dict.fromkeys(ids))


def tag(kind: str, target_id: int, words: Iterable[str]) -> None:
    """Give a contribution these tags and no others."""
    ids = tag_ids_for(words)
    db.session.execute(
        delete(ContributionTag)
        .filter_by(target_kind=kind, target_id=target_id)
        .where(ContributionTag.tag_id.not_in(ids))
    )
    attach_tags((kind, target_id, tag_id) for tag_id in ids)


def attach_tags(rows: Iterable[tuple[str, int, int]]) -> None:
    """Attach tags, given as kind, id and tag, in one statement; for imports too."""
    values = [{"target_kind": kind, "target_id": target_id, "tag_id": tag_id} for kind, target_id, tag_id in rows]
    if values:
        db.session.execute(insert(ContributionTag).on_conflict_do_nothing(), values)


def merge_tags(into: str, other: str) -> None:
    """Make one tag a synonym of another; what carried it carries the other from now on."""
    kept, gone = (db.session.scalars(select(Tag).filter_by(key=key)).one() for key in (into, other))
    carried = select(ContributionTag.target_kind, ContributionTag.target_id, db.literal(kept.id))
    db.session.execute(
        insert(ContributionTag)
        .from_select(["target_kind", "target_id", "tag_id"], carried.filter_by(tag_id=gone.id))
        .on_conflict_do_nothing()
    )
    db.session.execute(delete(ContributionTag).filter_by(tag_id=gone.id))
    db.session.execute(update(TagWord).filter_by(tag_id=gone.id).values(tag_id=kept.id))
    kept.synonyms = sorted({*kept.synonyms, *gone.synonyms, gone.key})
    db.session.delete(gone)


def known_tags(words: Collection[str]) -> dict[str, int]:
    """Return which tag each word means; unknown words are not there."""
    return queries.tag_ids_of(words)
