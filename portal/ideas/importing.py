"""Importing ideas and the comments on them: the source's ids, authors, times and counts are kept."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update

from portal.community import services as community_services
from portal.community.events import CommentPosted
from portal.community.importing import Import, Outcome, Trouble, add_rows, new_ids, time_of, whole_number
from portal.community.models import Comment
from portal.community.rules import COMMENT_MAX
from portal.ideas import queries, rules
from portal.ideas.events import IdeaPosted
from portal.ideas.models import Idea, IdeaTally
from portal.ideas.ranking import rank_wanted
from portal.kernel.database import db
from portal.kernel.language import language_of
from portal.kernel.outbox import publish_many
from portal.kernel.text import clean_line, clean_text, excerpt, markdown_to_html
from portal.members import facade as members

ORIGIN = "import"
NOBODY = "?"
"""The source does not say who wrote it."""
TITLE_MOST = 1000
KNOWN = {"id", "title", "body", "lang", "author", "created_at", "category", "votes", "comments", "status", "tags"}
KNOWN_OF_COMMENTS = {"id", "idea", "parent", "author", "created_at", "lang", "body"}
STAGES = {
    "accepted": rules.Stage.PLANNED,
    "planned": rules.Stage.PLANNED,
    "rejected": rules.Stage.DECLINED,
    "declined": rules.Stage.DECLINED,
    "status-declined": rules.Stage.DECLINED,
    "under review": rules.Stage.REVIEW,
    "review": rules.Stage.REVIEW,
    "status-review": rules.Stage.REVIEW,
    "status-planned": rules.Stage.PLANNED,
    "started": rules.Stage.MAKING,
    "making": rules.Stage.MAKING,
    "completed": rules.Stage.SHIPPED,
    "status-completed": rules.Stage.SHIPPED,
    "done": rules.Stage.SHIPPED,
    "shipped": rules.Stage.SHIPPED,
}
"""What sources call a stage; anything else is *submitted*, and kept as the source says it in ``extra``."""

IDEA_COLUMNS = {
    "board_id": "bigint", "author_id": "bigint", "title": "text", "body": "text", "html": "text", "excerpt": "text",
    "lang": "text", "category": "text", "created_at": "timestamptz", "external_id": "text", "extra": "jsonb",
}  # fmt: skip
TALLY_COLUMNS = {
    "idea_id": "bigint", "board_id": "bigint", "author_id": "bigint", "created_at": "timestamptz", "stage": "text",
    "listed": "boolean", "votes": "bigint", "effective_votes": "double precision", "not_for_me": "bigint",
    "skips": "bigint", "imported_support": "bigint", "comments": "bigint", "viewers": "bigint",
    "viewers_owed": "bigint", "rising": "double precision", "rising_seq": "bigint", "wanted": "double precision",
    "last_activity_at": "timestamptz", "ledger_seq": "bigint", "ledger_hash": "bytea",
}  # fmt: skip
COMMENT_COLUMNS = {
    "id": "bigint", "board_id": "bigint", "target_kind": "text", "target_id": "bigint", "parent_id": "bigint",
    "author_id": "bigint", "body": "text", "html": "text", "lang": "text", "created_at": "timestamptz",
    "external_id": "text", "extra": "jsonb",
}  # fmt: skip
COUNTS = text("""
    INSERT INTO idea_count (board_id, facet, key, ideas)
    SELECT :board_id, facet, key, ideas
    FROM unnest(CAST(:facets AS text[]), CAST(:keys AS text[]), CAST(:ideas AS bigint[])) AS n (facet, key, ideas)
    ORDER BY facet, key
    ON CONFLICT (board_id, facet, key) DO UPDATE SET ideas = idea_count.ideas + excluded.ideas""")
MOST = text("""
    INSERT INTO idea_count (board_id, facet, key, ideas)
    SELECT :board_id, 'import', 'most_support', max(imported_support) FROM idea_tally
    WHERE board_id = :board_id HAVING max(imported_support) > 0
    ON CONFLICT (board_id, facet, key) DO UPDATE SET ideas = excluded.ideas""")


@dataclass(frozen=True, slots=True)
class IdeaLine:
    """One idea as the source tells it."""

    external_id: str
    author: str
    title: str
    body: str
    lang: str | None
    created_at: datetime
    category: str
    support: int
    stage: str
    tags: tuple[str, ...]
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CommentLine:
    """One comment as the source tells it."""

    external_id: str
    idea: str
    parent: str | None
    author: str
    body: str
    lang: str | None
    created_at: datetime
    extra: dict[str, Any]


def _key(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None or value == "" or isinstance(value, (dict, list, bool)):
        raise Trouble(f"{name} is missing")
    return clean_line(str(value), field=name)


def _words(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Trouble(f"{name} is not a text")
    return value


def read_idea(record: dict[str, Any]) -> IdeaLine:
    """Read one record of the format of ideas.

    :raise Trouble: when something needed is missing or cannot be read.
    """
    title = clean_line(_words(record, "title"), field="title", most=TITLE_MOST)
    body = clean_text(_words(record, "body"), field="body", least=0)
    status = _words(record, "status").strip()
    extra = {name: value for name, value in record.items() if name not in KNOWN and value is not None}
    stage = STAGES.get(status.casefold())
    return IdeaLine(
        external_id=_key(record, "id"),
        author=clean_line(_words(record, "author"), field="author", least=0) or NOBODY,
        title=title,
        body=body,
        lang=_words(record, "lang") or language_of(f"{title}\n{body}"),
        created_at=time_of(record.get("created_at")),
        category=clean_line(_words(record, "category"), field="category", least=0),
        support=whole_number(record.get("votes"), "votes"),
        stage=stage or rules.Stage.SUBMITTED,
        tags=_tags(record.get("tags")),
        extra={**extra, "status": status} if status else extra,
    )


def _tags(value: object) -> tuple[str, ...]:
    """Return tags, a list in JSON or words between commas in CSV."""
    words = value if isinstance(value, list) else str(value).split(",") if value else []
    return tuple(dict.fromkeys(str(word).strip() for word in words if str(word).strip()))


def read_comment(record: dict[str, Any]) -> CommentLine:
    """Read one record of the format of comments on ideas.

    :raise Trouble: when something needed is missing or cannot be read.
    """
    parent = record.get("parent")
    body = clean_text(_words(record, "body"), field="body", most=COMMENT_MAX)
    return CommentLine(
        external_id=_key(record, "id"),
        idea=_key(record, "idea"),
        parent=_key(record, "parent") if parent not in {None, ""} else None,
        author=clean_line(_words(record, "author"), field="author", least=0) or NOBODY,
        body=body,
        lang=_words(record, "lang") or language_of(body),
        created_at=time_of(record.get("created_at")),
        extra={k: v for k, v in record.items() if k not in KNOWN_OF_COMMENTS and v is not None},
    )


def ideas_into(board_id: int, board_key: str) -> Import[IdeaLine]:
    """Return how ideas are brought to a board."""
    return Import(read=read_idea, add=lambda batch: _add_ideas(board_id, board_key, batch))


def comments_into(board_id: int, board_key: str) -> Import[CommentLine]:
    """Return how comments are brought to the ideas of a board."""
    return Import(read=read_comment, add=lambda batch: _add_comments(board_id, board_key, batch))


def _authors(board_key: str, lines: Iterable[IdeaLine | CommentLine]) -> dict[str, int]:
    joined: dict[str, datetime] = {}
    for line in lines:
        joined[line.author] = min(line.created_at, joined.get(line.author, line.created_at))
    return members.placeholders_for(board_key, list(joined), joined=joined, names={NOBODY: "—"})


def _add_ideas(board_id: int, board_key: str, batch: Sequence[tuple[int, IdeaLine]]) -> Outcome:
    known = queries.external_ids(board_id, [line.external_id for _, line in batch])
    new = {line.external_id: line for _, line in batch if line.external_id not in known}
    if not new:
        return Outcome(skipped=len(batch))
    authors = _authors(board_key, new.values())
    rows = [_idea_row(board_id, authors[line.author], line) for line in new.values()]
    added = add_rows("idea", IDEA_COLUMNS, rows, conflict="board_id, external_id", returning="external_id, id")
    ids = {str(external_id): idea_id for external_id, idea_id in added}
    lines = {ids[external_id]: line for external_id, line in new.items() if external_id in ids}
    _add_figures(board_id, authors, lines)
    return Outcome(added=len(lines), skipped=len(batch) - len(lines))


def _idea_row(board_id: int, author_id: int, line: IdeaLine) -> dict[str, Any]:
    return {
        "board_id": board_id,
        "author_id": author_id,
        "title": line.title,
        "body": line.body,
        "html": markdown_to_html(line.body),
        "excerpt": excerpt(line.body, rules.EXCERPT),
        "lang": line.lang,
        "category": line.category,
        "created_at": line.created_at,
        "external_id": line.external_id,
        "extra": line.extra,
    }


def _add_figures(board_id: int, authors: dict[str, int], lines: dict[int, IdeaLine]) -> None:
    if not lines:
        return
    add_rows("idea_tally", TALLY_COLUMNS, [
        {
            "idea_id": idea_id, "board_id": board_id, "author_id": authors[line.author],
            "created_at": line.created_at, "stage": line.stage, "listed": True, "votes": 0, "effective_votes": 0.0,
            "not_for_me": 0, "skips": 0, "imported_support": line.support, "comments": 0, "viewers": 0,
            "viewers_owed": 0, "rising": rules.unvoted(line.created_at), "rising_seq": 0, "wanted": 0.0,
            "last_activity_at": line.created_at, "ledger_seq": 0, "ledger_hash": "",
        }
        for idea_id, line in lines.items()
    ])  # fmt: skip
    steps = [{"idea_id": idea_id, "stage": line.stage, "at": line.created_at} for idea_id, line in lines.items()]
    add_rows("idea_stage", {"idea_id": "bigint", "stage": "text", "at": "timestamptz"}, steps)
    _count(board_id, lines.values())
    tags = {idea_id: community_services.tag_ids_for(line.tags) for idea_id, line in lines.items() if line.tags}
    community_services.attach_tags(("idea", idea_id, tag_id) for idea_id, found in tags.items() for tag_id in found)
    publish_many(
        (
            IdeaPosted(
                actor_id=authors[line.author],
                author_id=authors[line.author],
                idea_id=idea_id,
                board_id=board_id,
                imported_support=line.support,
            ),
            line.created_at,
        )
        for idea_id, line in lines.items()
    )


def _count(board_id: int, lines: Iterable[IdeaLine]) -> None:
    sums: dict[tuple[str, str], int] = {}
    for line in lines:
        for place in (("stage", str(line.stage)), ("category", line.category)):
            if place[1]:
                sums[place] = sums.get(place, 0) + 1
    facets, keys = zip(*sums, strict=True)
    values = {"facets": list(facets), "keys": list(keys), "ideas": list(sums.values())}
    db.session.execute(COUNTS, {"board_id": board_id, **values})


def rank_imported(board_id: int) -> None:
    """Rank the imported ideas of a board among each other, once all of them are there."""
    db.session.execute(MOST, {"board_id": board_id})
    imported = select(IdeaTally.idea_id).where(IdeaTally.board_id == board_id, IdeaTally.imported_support > 0)
    rank_wanted(db.session.scalars(imported).all())


def name_categories(board_id: int) -> None:
    """Offer the categories that came with an import to those who propose."""
    found = db.session.scalars(select(Idea.category).filter_by(board_id=board_id).distinct().order_by(Idea.category))
    names = [name for name in found if name]
    db.session.execute(
        text("UPDATE board SET categories = to_jsonb(CAST(:names AS text[])) WHERE id = :id AND categories = '[]'"),
        {"names": names, "id": board_id},
    )


def _add_comments(board_id: int, board_key: str, batch: Sequence[tuple[int, CommentLine]]) -> Outcome:
    outcome = Outcome()
    ideas = queries.external_ids(board_id, list({line.idea for _, line in batch}))
    known = _known_comments(board_id, [line.external_id for _, line in batch] + [line.parent for _, line in batch])
    new: dict[str, CommentLine] = {}
    for number, line in batch:
        if line.external_id in known or line.external_id in new:
            outcome.skipped += 1
        elif line.idea not in ideas:
            outcome.troubles.append((number, f"there is no idea {line.idea} on this board"))
        else:
            new[line.external_id] = line
    new = {key: _rooted(line, known, new) for key, line in new.items()}
    if new:
        _insert_comments(board_id, ideas, known, new, _authors(board_key, new.values()))
    outcome.added = len(new)
    return outcome


def _rooted(line: CommentLine, known: Container[str], new: Container[str]) -> CommentLine:
    """Let a reply stand on its own when what it replies to is not there; the source's word for it is kept."""
    if line.parent is None or line.parent in known or line.parent in new:
        return line
    return replace(line, parent=None, extra={**line.extra, "parent": line.parent})


def _known_comments(board_id: int, ids: Iterable[str | None]) -> dict[str, int]:
    wanted = {external_id for external_id in ids if external_id is not None}
    rows = db.session.execute(
        select(Comment.external_id, Comment.id).where(Comment.board_id == board_id, Comment.external_id.in_(wanted))
    )
    return {str(external_id): comment_id for external_id, comment_id in rows}


def _insert_comments(
    board_id: int, ideas: dict[str, int], known: dict[str, int], new: dict[str, CommentLine], authors: dict[str, int]
) -> None:
    """Add comments. They get their ids beforehand, so that one can answer another of the same batch."""
    ids = {**known, **dict(zip(new, new_ids("comment", len(new)), strict=True))}
    rows = [
        {
            "id": ids[external_id],
            "board_id": board_id,
            "target_kind": "idea",
            "target_id": ideas[line.idea],
            "parent_id": ids[line.parent] if line.parent else None,
            "author_id": authors[line.author],
            "body": line.body,
            "html": markdown_to_html(line.body),
            "lang": line.lang,
            "created_at": line.created_at,
            "external_id": external_id,
            "extra": line.extra,
        }
        for external_id, line in new.items()
    ]
    add_rows("comment", COMMENT_COLUMNS, rows)
    _count_comments(sorted({ideas[line.idea] for line in new.values()}))
    publish_many(
        (
            CommentPosted(
                actor_id=authors[line.author],
                comment_id=ids[external_id],
                board_id=board_id,
                target_kind="idea",
                target_id=ideas[line.idea],
                parent_id=ids[line.parent] if line.parent else None,
            ),
            line.created_at,
        )
        for external_id, line in new.items()
    )


def _count_comments(idea_ids: Sequence[int]) -> None:
    db.session.execute(
        select(IdeaTally.idea_id).where(IdeaTally.idea_id.in_(idea_ids)).order_by(IdeaTally.idea_id).with_for_update()
    )
    visible = (
        select(func.count(), func.max(Comment.created_at))
        .where(Comment.target_kind == "idea", Comment.target_id == IdeaTally.idea_id, Comment.hidden_at.is_(None))
        .correlate(IdeaTally)
    )
    count = visible.with_only_columns(func.count()).scalar_subquery()
    latest = visible.with_only_columns(func.max(Comment.created_at)).scalar_subquery()
    db.session.execute(
        update(IdeaTally)
        .where(IdeaTally.idea_id.in_(idea_ids))
        .values(comments=count, last_activity_at=func.greatest(IdeaTally.last_activity_at, latest))
        .execution_options(synchronize_session=False)
    )
