"""Reading boards, comments, follows and tags."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import has_request_context, request
from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, func, select, text, tuple_

from portal.community import rules
from portal.community.models import Board, Comment, ContributionTag, Follow, ImpressionCount, Tag, TagWord
from portal.community.queries.conversation import REACTIONS
from portal.community.screening import AUTHORS_OWN
from portal.kernel.database import db
from portal.kernel.errors import NotFound
from portal.kernel.formats import language
from portal.kernel.text import fold
from portal.members.policy import Viewer, may_see_audience

_remembered: ContextVar[dict[str, Any] | None] = ContextVar("remembered boards", default=None)
_REMEMBERED = "portal.community.boards"


@dataclass(frozen=True, slots=True)
class BoardCard:
    """A board as plain values; ``name`` and ``description`` by language."""

    id: int
    key: str
    type: str
    name: dict[str, Any]
    description: dict[str, Any]
    audience: str
    voting: str
    stages: tuple[str, ...]
    categories: tuple[str, ...]
    promise_working_days: int | None

    @property
    def title(self) -> str:
        """Return the name in the reader's language."""
        return in_language(self.name) or self.key

    @property
    def about(self) -> str:
        """Return the description in the reader's language."""
        return in_language(self.description)

    @property
    def is_public(self) -> bool:
        """Return whether everybody may see it."""
        return self.audience == "public"


@dataclass(frozen=True, slots=True)
class CommentRow:
    """A comment and who wrote it. One that is hidden from the reader carries no text."""

    id: int
    target_id: int
    parent_id: int | None
    author_id: int
    author_name: str
    author_kind: str
    author_job: str
    body: str
    html: str
    lang: str | None
    created_at: datetime
    edited_at: datetime | None
    hidden: bool
    reactions: str | None = None
    """As `conversation.REACTIONS` writes them."""
    out: str | None = None
    """Why it is out of everybody else's sight (`screening.Why`): the reader wrote it and is shown it all the same."""

    @property
    def seen(self) -> bool:
        """Return whether everybody in the board's audience sees it."""
        return not self.hidden and self.out is None


@dataclass(frozen=True, slots=True)
class TagCard:
    """A tag as plain values."""

    id: int
    key: str
    name: dict[str, Any]

    @property
    def title(self) -> str:
        """Return the name in the reader's language."""
        return in_language(self.name) or self.key


def in_language(words: dict[str, Any]) -> str:
    """Return the text in the reader's language, else in any."""
    found = words.get(language()) or words.get("en") or next(iter(words.values()), "")
    return str(found)


# Boards

_BOARDS = text("""
SELECT id, key, type, name, description, audience, voting, stages, categories, promise_working_days
FROM board WHERE archived_at IS NULL ORDER BY position, id""")


def board_card(row: Sequence[Any]) -> BoardCard:
    """Return the card of a row of a board's columns, in the card's order."""
    *plain, stages, categories, promise = row
    values = [*plain, tuple(stages) or rules.STAGES, tuple(categories), promise]
    return BoardCard(*values)


def forget_boards() -> None:
    """Read the boards anew: something about them has changed in this request."""
    _kept().pop(_REMEMBERED, None)


@contextmanager
def boards_remembered() -> Iterator[None]:
    """Read the boards once in this block, as in a request: for thousands of acts by a command."""
    mark = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(mark)


def _kept() -> dict[str, Any]:
    """Return where the boards are kept while a request, or a block that asks for it, lasts."""
    if has_request_context():
        return request.environ
    block = _remembered.get()
    return {} if block is None else block


def _all_boards() -> tuple[BoardCard, ...]:
    kept = _kept()
    if (known := kept.get(_REMEMBERED)) is not None:
        return known  # type: ignore[no-any-return]
    boards = tuple(board_card(row) for row in db.session.execute(_BOARDS))
    kept[_REMEMBERED] = boards
    return boards


def boards_for(viewer: Viewer, kind: str | None = None) -> list[BoardCard]:
    """Return the boards this viewer may see, of one type or of all; one query a request, however often asked."""
    return [
        board
        for board in _all_boards()
        if (kind is None or board.type == kind) and may_see_audience(viewer, board.audience)
    ]


def visible_board_ids(viewer: Viewer, kind: str | None = None) -> list[int]:
    """Return the ids of the boards this viewer may see."""
    return [board.id for board in boards_for(viewer, kind)]


def board_by_key(viewer: Viewer, key: str, kind: str | None = None) -> BoardCard:
    """Return one board.

    :raise NotFound: when there is none, or this viewer may not know of it.
    """
    for board in boards_for(viewer, kind):
        if board.key == key:
            return board
    raise NotFound(_l("There is no such board."))


def board_by_id(viewer: Viewer, board_id: int) -> BoardCard:
    """Return one board.

    :raise NotFound: when there is none, or this viewer may not know of it.
    """
    for board in boards_for(viewer):
        if board.id == board_id:
            return board
    raise NotFound(_l("There is no such board."))


def every_board(kind: str | None = None) -> list[BoardCard]:
    """Return all boards, for jobs and commands, which show nothing to anybody."""
    return [board for board in _all_boards() if kind is None or board.type == kind]


def board_of_key(key: str) -> Board | None:
    """Return the table row of a board, archived or not, for those who change it."""
    return db.session.scalar(select(Board).filter_by(key=key))


# Comments


_WHYS = ", ".join(f"'{why}'" for why in sorted(AUTHORS_OWN))
_OWN = f"coalesce(c.author_id = :viewer AND c.hidden_why IN ({_WHYS}), false)"
"""Whether the reader wrote it, and is shown it although others are not."""
_SHOWN = f"(c.hidden_at IS NULL OR {_OWN})"
_COMMENT = f"""
SELECT c.id, c.target_id, c.parent_id, c.author_id, m.name AS author_name, m.kind AS author_kind, m.job AS author_job,
       CASE WHEN {_SHOWN} THEN c.body ELSE '' END AS body, CASE WHEN {_SHOWN} THEN c.html ELSE '' END AS html,
       c.lang, c.created_at, c.edited_at, NOT {_SHOWN} AS hidden,
       {REACTIONS.format(kind="'comment'", id="c.id")} AS reactions,
       CASE WHEN c.hidden_at IS NOT NULL AND {_OWN} THEN c.hidden_why END AS out
FROM comment c JOIN member m ON m.id = c.author_id"""
_ON = "WHERE c.target_kind = :kind AND c.target_id = ANY(CAST(:ids AS bigint[]))"
_COMMENTS = text(f"{_COMMENT} {_ON} ORDER BY c.created_at, c.id")
_NEWEST_COMMENTS = text(f"{_COMMENT} {_ON} ORDER BY c.created_at DESC, c.id DESC")
_PAGE_OF_COMMENTS = text(f"""
{_COMMENT} {_ON} AND {_SHOWN}
  AND (CAST(:at AS timestamptz) IS NULL OR (c.created_at, c.id) > (CAST(:at AS timestamptz), CAST(:last AS bigint)))
ORDER BY c.created_at, c.id LIMIT :size""")
_ONE_COMMENT = text(f"{_COMMENT} WHERE c.id = :id")
_THREADS = text(f"""
{_COMMENT.replace("SELECT", "SELECT c.target_kind,", 1)}
JOIN unnest(CAST(:kinds AS text[]), CAST(:ids AS bigint[])) AS thing (kind, id)
  ON thing.kind = c.target_kind AND thing.id = c.target_id
ORDER BY c.created_at, c.id""")


def comments_on(
    kind: str, ids: Collection[int], *, newest: bool = False, reader: int | None = None
) -> dict[int, list[CommentRow]]:
    """Return the comments on things of one kind, each list in order of time; one query.

    Hidden comments are left out unless somebody replied: then they keep their place without their text. The reader's
    own that wait, or that others hid, are there for her.
    """
    if not ids:
        return {}
    statement = _NEWEST_COMMENTS if newest else _COMMENTS
    values = {"kind": kind, "ids": list(ids), "viewer": reader}
    rows = [(kind, CommentRow(*row)) for row in db.session.execute(statement, values)]
    return {target_id: comments for (_kind, target_id), comments in _by_thing(rows).items()}


def threads_on(
    things: Sequence[tuple[str, int]], *, reader: int | None = None
) -> dict[tuple[str, int], list[CommentRow]]:
    """Return the comments on things of several kinds, by kind and id, as `comments_on` does; one query."""
    kinds, ids = [kind for kind, _id in things], [thing_id for _kind, thing_id in things]
    values = {"kinds": kinds, "ids": ids, "viewer": reader}
    rows = db.session.execute(_THREADS, values) if things else ()
    return _by_thing([(kind, CommentRow(*row)) for kind, *row in rows])


def _by_thing(rows: Sequence[tuple[str, CommentRow]]) -> dict[tuple[str, int], list[CommentRow]]:
    answered = _answered([row for _kind, row in rows])
    found: dict[tuple[str, int], list[CommentRow]] = {}
    for kind, row in rows:
        if not row.hidden or row.id in answered:
            found.setdefault((kind, row.target_id), []).append(row)
    return found


def _answered(rows: Sequence[CommentRow]) -> set[int]:
    """Return the comments under which something can be seen."""
    parents = {row.id: row.parent_id for row in rows}
    found: set[int] = set()
    for row in rows:
        above = None if row.hidden else row.parent_id
        while above is not None and above not in found:
            found.add(above)
            above = parents.get(above)
    return found


def comments_page(
    kind: str, target_id: int, *, after: Sequence[Any] | None, size: int, reader: int | None = None
) -> list[CommentRow]:
    """Return up to ``size + 1`` comments on one thing that the reader sees, in order of time, that come after a key."""
    at, last = after or (None, None)
    values = {"kind": kind, "ids": [target_id], "at": at, "last": last, "size": size + 1, "viewer": reader}
    return [CommentRow(*row) for row in db.session.execute(_PAGE_OF_COMMENTS, values)]


def comment_row(comment_id: int, *, reader: int | None = None) -> CommentRow | None:
    """Return one comment."""
    row = db.session.execute(_ONE_COMMENT, {"id": comment_id, "viewer": reader}).one_or_none()
    return CommentRow(*row) if row is not None else None


def comment_target(comment_id: int) -> tuple[str, int] | None:
    """Return the kind and id of what a comment is on."""
    row = db.session.execute(select(Comment.target_kind, Comment.target_id).filter_by(id=comment_id)).one_or_none()
    return (row.target_kind, row.target_id) if row is not None else None


def comment_for_update(comment_id: int) -> Comment:
    """Return a comment, locked until the transaction ends.

    :raise NotFound: when there is none.
    """
    comment = db.session.scalar(select(Comment).filter_by(id=comment_id).with_for_update())
    if comment is None:
        raise NotFound(_l("There is no such comment."))
    return comment


def count_comments(kind: str, target_id: int) -> int:
    """Return how many comments on a thing can be seen."""
    visible = select(func.count()).select_from(Comment).filter_by(target_kind=kind, target_id=target_id)
    return db.session.scalar(visible.where(Comment.hidden_at.is_(None))) or 0


# Follows


def is_following(member_id: int | None, kind: str, ids: Collection[int]) -> set[int]:
    """Return which of these things a member follows."""
    if member_id is None or not ids:
        return set()
    found = select(Follow.target_id).filter_by(member_id=member_id, target_kind=kind)
    return set(db.session.scalars(found.where(Follow.target_id.in_(ids))))


def followers_of(kind: str, target_id: int) -> list[int]:
    """Return the members who follow a thing."""
    return list(db.session.scalars(select(Follow.member_id).filter_by(target_kind=kind, target_id=target_id)))


def follows_among(members: Collection[int], things: Collection[tuple[str, int]]) -> set[tuple[int, str, int]]:
    """Return who of these members follows which of these things, as member, kind and id; one query."""
    if not members or not things:
        return set()
    found = select(Follow.member_id, Follow.target_kind, Follow.target_id).where(
        Follow.member_id.in_(members), tuple_(Follow.target_kind, Follow.target_id).in_(list(things))
    )
    return {(row[0], row[1], row[2]) for row in db.session.execute(found)}


def count_followers(kind: str, target_id: int) -> int:
    """Return how many members follow a thing."""
    found = select(func.count()).select_from(Follow).filter_by(target_kind=kind, target_id=target_id)
    return db.session.scalar(found) or 0


def followed_by(member_id: int, kind: str | None = None, limit: int = 200) -> list[tuple[str, int]]:
    """Return what a member follows, the latest first, as kind and id."""
    wanted = select(Follow.target_kind, Follow.target_id).filter_by(member_id=member_id)
    if kind is not None:
        wanted = wanted.filter_by(target_kind=kind)
    rows = db.session.execute(wanted.order_by(Follow.since.desc()).limit(limit))
    return [(row.target_kind, row.target_id) for row in rows]


# Tags


def tag_ids_of(words: Collection[str]) -> dict[str, int]:
    """Return which tag each word means, synonyms included; unknown words are not there."""
    folded = {word: fold(word) for word in words}
    rows = db.session.execute(select(TagWord.word, TagWord.tag_id).where(TagWord.word.in_(set(folded.values()))))
    known = {row.word: row.tag_id for row in rows}
    return {word: known[form] for word, form in folded.items() if form in known}


def tags_of(kind: str, ids: Collection[int]) -> dict[int, list[TagCard]]:
    """Return the tags of things of one kind; one query."""
    if not ids:
        return {}
    rows = db.session.execute(
        select(ContributionTag.target_id, Tag.id, Tag.key, Tag.name)
        .join(Tag, Tag.id == ContributionTag.tag_id)
        .where(ContributionTag.target_kind == kind, ContributionTag.target_id.in_(ids))
        .order_by(Tag.key)
    )
    found: dict[int, list[TagCard]] = {}
    for target_id, *tag in rows:
        found.setdefault(target_id, []).append(TagCard(*tag))
    return found


def tag_by_key(key: str) -> TagCard | None:
    """Return a tag by its key or by any spelling of it."""
    row = db.session.execute(
        select(Tag.id, Tag.key, Tag.name)
        .outerjoin(TagWord, and_(TagWord.tag_id == Tag.id, TagWord.word == fold(key)))
        .where((Tag.key == key) | TagWord.word.is_not(None))
        .order_by((Tag.key == key).desc())
        .limit(1)
    ).one_or_none()
    return TagCard(*row) if row is not None else None


def all_tags() -> list[TagCard]:
    """Return all tags by key."""
    return [TagCard(*row) for row in db.session.execute(select(Tag.id, Tag.key, Tag.name).order_by(Tag.key))]


# Impressions


def viewers_of(kind: str, ids: Collection[int]) -> dict[int, int]:
    """Return how many viewers things had, each counted once a day."""
    if not ids:
        return {}
    rows = db.session.execute(
        select(ImpressionCount.target_id, func.sum(ImpressionCount.viewers))
        .where(ImpressionCount.target_kind == kind, ImpressionCount.target_id.in_(ids))
        .group_by(ImpressionCount.target_id)
    )
    return {target_id: int(viewers) for target_id, viewers in rows}
