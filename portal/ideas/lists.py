"""Lists of ideas: newest, rising, wanted, explore, needing an answer; one query a page, whatever its length.

Each order has an index by board and stage. A list over several boards and stages takes the first rows of each from
the index and merges them, so that its cost depends on the length of the page and not on the number of ideas.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import select, text

from portal.community import queries as community
from portal.community.models import ContributionTag
from portal.community.registry import about_topic, finder_of
from portal.ideas.models import Idea
from portal.ideas.rules import CLOSED, WEEKS, Sort, Stage
from portal.kernel.clock import today
from portal.kernel.database import db
from portal.kernel.paging import Page, decode_cursor, page_of
from portal.kernel.text import fold
from portal.members.policy import Viewer

PAGE = 20
MOST = 100
FEW = 2000
"""Filters that leave at most so many ideas are read by their ids, others along the order of the list."""
BIGGEST = 2**63 - 1
OPEN = tuple(stage.value for stage in Stage if stage not in CLOSED)


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is ordered: column of the tally, direction, condition of its index, and the kind of its key."""

    column: str
    down: bool
    where: str
    kind: Any
    stages: tuple[str, ...] = ()
    """Only ideas in these stages can be in it; none: all."""


def _moment(value: object) -> str:
    return datetime.fromisoformat(str(value)).isoformat()


def _whole(value: object) -> int:
    number = int(str(value))
    if abs(number) > BIGGEST:
        raise ValueError(value)
    return number


ORDERS = {
    Sort.NEWEST: Order("created_at", True, "", _moment),
    Sort.RISING: Order("rising", True, "", float),
    Sort.WANTED: Order("wanted", True, "", float),
    Sort.EXPLORE: Order("viewers_owed", True, "AND viewers_owed > 0", _whole, OPEN),
    Sort.ANSWER_DUE: Order("answer_due_at", False, "AND answer_due_at IS NOT NULL", _moment, OPEN),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to see: boards that she may see, an order, filters, a place to go on from."""

    boards: Sequence[int]
    sort: Sort = Sort.RISING
    stage: str | None = None
    category: str | None = None
    tag_id: int | None = None
    topic_id: int | None = None
    author_id: int | None = None
    ids: Collection[int] | None = None
    q: str = ""
    cursor: str | None = None
    size: int = PAGE


@dataclass(frozen=True, slots=True)
class IdeaRow:
    """One idea in a list. ``weeks`` is the support of the last twelve weeks, the current one last."""

    id: int
    board_id: int
    title: str
    excerpt: str
    lang: str | None
    category: str
    external_id: str | None
    author_id: int
    author_name: str
    author_kind: str
    created_at: datetime
    stage: str
    votes: int
    effective_votes: float
    imported_support: int
    comments: int
    viewers: int
    viewers_owed: int
    rising: float
    wanted: float
    answer_due_at: datetime | None
    my_vote: str | None
    weeks: tuple[int, ...] = ()
    body: str = ""
    html: str = ""

    @property
    def url(self) -> str:
        """Return the address of the idea's page."""
        return f"/ideas/{self.id}"

    @property
    def voted(self) -> bool:
        """Return whether the viewer supports it."""
        return self.my_vote == "support"

    @property
    def fortnight(self) -> int:
        """Return the support of the last fourteen days."""
        return sum(self.weeks[-2:])


_WEEKS = [one.name for one in fields(IdeaRow)].index("weeks")
_COLUMNS = """
SELECT i.id, i.board_id, i.title, i.excerpt, i.lang, i.category, i.external_id, i.author_id, m.name, m.kind,
       i.created_at, t.stage, t.votes, t.effective_votes, t.imported_support, t.comments, t.viewers, t.viewers_owed,
       t.rising, t.wanted, t.answer_due_at,
       (SELECT v.kind FROM vote v WHERE v.idea_id = i.id AND v.member_id = :viewer) AS my_vote,
       ARRAY(
           SELECT coalesce(sum(d.votes), 0)::int FROM generate_series(:weeks - 1, 0, -1) AS age
           LEFT JOIN idea_day d ON d.idea_id = i.id AND d.day BETWEEN :today - age * 7 - 6 AND :today - age * 7
           GROUP BY age ORDER BY age DESC
       ) AS week_votes{more}
FROM ({found}) AS found
JOIN idea_tally t USING (idea_id) JOIN idea i ON i.id = found.idea_id JOIN member m ON m.id = i.author_id
ORDER BY {order}"""
_ALONG = """
SELECT rows.idea_id, rows.rank
FROM unnest(CAST(:boards AS bigint[])) AS board(id)
CROSS JOIN unnest(CAST(:stages AS text[])) AS step(stage)
CROSS JOIN LATERAL (
    SELECT idea_id, {column} AS rank FROM idea_tally
    WHERE board_id = board.id AND stage = step.stage AND listed {where}
    ORDER BY {column} {way}, idea_id {way} LIMIT :size
) AS rows
ORDER BY rows.rank {way}, rows.idea_id {way} LIMIT :size"""
_AMONG = """
SELECT idea_id, {column} AS rank FROM idea_tally
WHERE idea_id = ANY(CAST(:ids AS bigint[])) AND board_id = ANY(CAST(:boards AS bigint[]))
  AND stage = ANY(CAST(:stages AS text[])) AND listed {where}
ORDER BY {column} {way}, idea_id {way} LIMIT :size"""


def ideas_for(viewer: Viewer, wish: Wish, *, with_text: bool = False) -> Page[IdeaRow]:
    """Return a page of ideas.

    :raise Invalid: for a cursor that is not ours.
    """
    order = ORDERS[wish.sort]
    after = decode_cursor(wish.cursor, order.kind, _whole)
    among = _ids_of(wish)
    if not wish.boards or among == []:
        return Page([], None)
    statement, values = _statement(wish, order, after, among, with_text=with_text)
    values |= {"viewer": viewer.member_id, "today": today(), "weeks": WEEKS}
    rows = [_row(row) for row in db.session.execute(_prepared(statement), values)]
    return page_of(rows, size=wish.size, key=lambda row: (getattr(row, order.column), row.id))


_prepared = lru_cache(maxsize=256)(text)


def _row(row: Sequence[Any]) -> IdeaRow:
    values = [*row[:_WEEKS], tuple(row[_WEEKS]), *row[_WEEKS + 1 :]]
    return IdeaRow(*values)


def _statement(
    wish: Wish, order: Order, after: Sequence[Any] | None, among: list[int] | None, *, with_text: bool
) -> tuple[str, dict[str, Any]]:
    way, beyond = ("DESC", "<") if order.down else ("ASC", ">")
    stages = order.stages or tuple(Stage)
    values: dict[str, Any] = {
        "boards": list(wish.boards),
        "stages": [stage for stage in stages if wish.stage in {None, "", stage}],
        "size": wish.size + 1,
    }
    where = order.where
    if after is not None:
        cast = {"created_at": "timestamptz", "answer_due_at": "timestamptz", "viewers_owed": "bigint"}
        kind = cast.get(order.column, "double precision")
        where += f" AND ({order.column}, idea_id) {beyond} (CAST(:rank AS {kind}), :last)"
        values |= {"rank": after[0], "last": after[1]}
    if wish.category:
        where += " AND EXISTS (SELECT FROM idea WHERE idea.id = idea_id AND category = :category)"
        values["category"] = wish.category
    if among is not None:
        values["ids"] = among
    elif wish.tag_id is not None:
        where += (
            " AND EXISTS (SELECT FROM contribution_tag WHERE target_kind = 'idea' AND target_id = idea_id"
            " AND tag_id = :tag_id)"
        )
        values["tag_id"] = wish.tag_id
    found = (_ALONG if among is None else _AMONG).format(column=order.column, way=way, where=where)
    more = ", i.body, i.html" if with_text else ""
    return _COLUMNS.format(found=found, more=more, order=f"found.rank {way}, found.idea_id {way}"), values


def _ids_of(wish: Wish) -> list[int] | None:
    """Return the few ideas that words, a topic, a tag or an author leave, or None: read the list along its order."""
    found: set[int] | None = None if wish.ids is None else set(wish.ids)
    if wish.q:
        found = _both(found, _ids_by_words(wish.q, wish.boards))
    if wish.topic_id is not None:
        found = _both(found, about_topic("idea", wish.topic_id, wish.boards, FEW))
    if wish.author_id is not None:
        mine = select(Idea.id).filter_by(author_id=wish.author_id).order_by(Idea.id.desc()).limit(FEW)
        found = _both(found, db.session.scalars(mine))
    if wish.tag_id is not None:
        tagged = select(ContributionTag.target_id).filter_by(tag_id=wish.tag_id, target_kind="idea").limit(FEW + 1)
        ids = db.session.scalars(tagged).all()
        if len(ids) <= FEW or found is not None:
            found = _both(found, ids)
    return None if found is None else sorted(found)


def _both(found: set[int] | None, ids: Collection[int] | Any) -> set[int]:
    return set(ids) if found is None else found.intersection(ids)


def _ids_by_words(words: str, boards: Sequence[int]) -> Sequence[int]:
    """Return the ideas that search finds; where no search is wired, those whose title holds the words."""
    if finder := finder_of("idea"):
        return finder(words, boards, FEW)
    title = select(Idea.id).where(Idea.board_id.in_(boards), Idea.title.icontains(words, autoescape=True))
    return db.session.scalars(title.order_by(Idea.id.desc()).limit(FEW)).all()


def ideas_among(viewer: Viewer, ids: Sequence[int]) -> dict[int, IdeaRow]:
    """Return these ideas, those that the viewer may see."""
    if not ids:
        return {}
    boards = community.visible_board_ids(viewer, "ideas")
    page = ideas_for(viewer, Wish(boards=boards, sort=Sort.NEWEST, ids=list(ids), size=len(ids)))
    return {row.id: row for row in page.items}


def waiting_for_answer(boards: Sequence[int]) -> int:
    """Return how many ideas wait for an answer, counted up to a hundred."""
    counted = text(
        "SELECT count(*) FROM (SELECT FROM idea_tally WHERE board_id = ANY(CAST(:boards AS bigint[]))"
        " AND stage = ANY(CAST(:stages AS text[])) AND listed AND answer_due_at IS NOT NULL LIMIT :most) AS few"
    )
    values = {"boards": list(boards), "stages": list(OPEN), "most": MOST}
    return int(db.session.scalar(counted, values) or 0)


def tag_of(word: str | None) -> int | None:
    """Return the tag that a word of an address means; -1, which no idea has, for one that is not known."""
    if not word:
        return None
    return community.tag_ids_of([fold(word)]).get(fold(word), -1)
