"""Every question about one idea, and about a member's or a board's ideas. Lists are in `lists`."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from portal.community import queries as community
from portal.community.models import Board, ContributionTag, Tag
from portal.community.queries.conversation import REACTIONS
from portal.community.screening import Why
from portal.ideas.models import Idea, IdeaCount, IdeaTally, StageChange, Vote
from portal.ideas.rules import WEEKS, Stage, VoteKind
from portal.kernel.clock import now, today
from portal.kernel.database import after_commit, db
from portal.kernel.errors import NotFound
from portal.members.models import Member
from portal.members.policy import Viewer, may_see_audience, may_see_hidden

STREAM = 2000
Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class IdeaPage:
    """One idea with all that its page and the API show."""

    id: int
    board_id: int
    author_id: int
    author_name: str
    author_kind: str
    author_job: str
    title: str
    body: str
    html: str
    lang: str | None
    category: str
    created_at: datetime
    edited_at: datetime | None
    hidden: str | None
    """Why it is out of sight; None while everybody in the board's audience sees it."""
    external_id: str | None
    stage: str
    votes: int
    effective_votes: float
    imported_support: int
    comments: int
    viewers: int
    answer_due_at: datetime | None
    my_vote: str | None
    following: bool
    fresh: int
    """How many supporters have a fresh account that is not confirmed."""
    young: int
    """How many have a new account with a confirmed address that nobody vouches for."""
    aside: int
    """How many voices moderators set aside."""
    weeks: list[int]
    """Support of the last twelve weeks, the current one last."""
    merged: list[int]
    """Ideas that were found to be the same and lead here."""
    reactions: str | None
    """As `community.queries.conversation.REACTIONS` writes them."""
    tags: list[community.TagCard]
    board: community.BoardCard

    @property
    def url(self) -> str:
        """Return the address of the idea's page."""
        return f"/ideas/{self.id}"

    @property
    def voted(self) -> bool:
        """Return whether the viewer supports it."""
        return self.my_vote == VoteKind.SUPPORT

    @property
    def merged_away(self) -> bool:
        """Return whether it leads to another idea, which is the same."""
        return self.hidden == Why.MERGED


@dataclass(frozen=True, slots=True)
class StageRow:
    """One step on an idea's way, signed."""

    stage: str
    at: datetime
    by_id: int | None
    by_name: str | None
    by_job: str | None
    answer: str | None
    answer_html: str | None
    reason_code: str | None


@dataclass(frozen=True, slots=True)
class VotingFacts:
    """What the rules must know before a vote."""

    board_id: int
    author_id: int
    stage: str
    title: str
    voting: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How sure we are of a voter: whether the address was confirmed, and for how many days there is an account."""

    verified: bool
    tenure_days: int
    trusted: bool = False
    """Whether people whom the company knows vouch for the voter."""


def _no_idea() -> NotFound:
    return NotFound(_l("There is no such idea."))


_PAGE = text(f"""
SELECT i.id, i.board_id, i.author_id, m.name, m.kind, m.job, i.title, i.body, i.html, i.lang, i.category, i.created_at,
       i.edited_at, CASE WHEN i.hidden_at IS NOT NULL THEN coalesce(i.hidden_why, 'hidden') END AS hidden,
       i.external_id, t.stage, t.votes, t.effective_votes, t.imported_support, t.comments, t.viewers, t.answer_due_at,
       (SELECT v.kind FROM vote v WHERE v.idea_id = i.id AND v.member_id = :viewer) AS my_vote,
       EXISTS (SELECT FROM follow f WHERE f.member_id = :viewer AND f.target_kind = 'idea' AND f.target_id = i.id),
       (SELECT count(*) FROM vote v WHERE v.idea_id = i.id AND v.fresh AND v.kind = 'support'),
       (SELECT count(*) FROM vote v WHERE v.idea_id = i.id AND v.young AND v.kind = 'support'),
       (SELECT count(*) FROM vote_aside JOIN vote v USING (idea_id, member_id)
        WHERE idea_id = i.id AND v.kind = 'support'),
       ARRAY(
           SELECT coalesce(sum(d.votes), 0)::int FROM generate_series(:weeks - 1, 0, -1) AS age
           LEFT JOIN idea_day d ON d.idea_id = i.id AND d.day BETWEEN :today - age * 7 - 6 AND :today - age * 7
           GROUP BY age ORDER BY age DESC
       ),
       ARRAY(SELECT g.id FROM idea g WHERE g.merged_into_id = i.id) AS merged,
       {REACTIONS.format(kind="'idea'", id="i.id")} AS reactions,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(g.id, g.key, g.name) ORDER BY g.key), '[]')
        FROM contribution_tag c JOIN tag g ON g.id = c.tag_id
        WHERE c.target_kind = 'idea' AND c.target_id = i.id) AS tags,
       b.id AS board, b.key, b.type, b.name, b.description, b.audience, b.voting, b.stages, b.categories,
       b.promise_working_days
FROM idea i JOIN idea_tally t ON t.idea_id = i.id JOIN board b ON b.id = i.board_id JOIN member m ON m.id = i.author_id
WHERE i.id = :idea""")
_BOARD = 10
"""So many columns at the end of a row are the board's."""
_TO_VOTE_ON = text("""
SELECT t.board_id, t.author_id, t.stage, i.title, b.voting, b.audience
FROM idea_tally t JOIN idea i ON i.id = t.idea_id JOIN board b ON b.id = t.board_id
WHERE t.idea_id = :idea AND t.listed""")


def idea_page(viewer: Viewer, idea_id: int) -> IdeaPage:
    """Return an idea.

    :raise NotFound: when there is none, or this viewer may not see it.
    """
    bound = {"idea": idea_id, "viewer": viewer.member_id, "weeks": WEEKS, "today": today()}
    row = db.session.execute(_PAGE, bound).one_or_none()
    if row is None or not _may_see(viewer, row.audience, row.author_id, row.hidden):
        raise _no_idea()
    board = community.board_card(row[-_BOARD:])
    tags = [community.TagCard(*tag) for tag in row.tags]
    values = [*row[: -_BOARD - 1], tags, board]
    return IdeaPage(*values)


def _may_see(viewer: Viewer, audience: str, author_id: int, hidden: str | None) -> bool:
    """Return whether a viewer belongs to the board's audience, and may see what is out of sight, if it is."""
    if not may_see_audience(viewer, audience):
        return False
    return hidden is None or may_see_hidden(viewer, author_id=author_id, why=hidden)


def idea_to_vote_on(viewer: Viewer, idea_id: int) -> VotingFacts:
    """Return what the rules must know before a vote, by one query.

    :raise NotFound: when there is no such idea, or this viewer may not see it.
    """
    row = db.session.execute(_TO_VOTE_ON, {"idea": idea_id}).one_or_none()
    if row is None or not may_see_audience(viewer, row.audience):
        raise _no_idea()
    return VotingFacts(*row[:-1])


def idea_for_update(viewer: Viewer, idea_id: int) -> tuple[Idea, IdeaTally]:
    """Return an idea and its figures, locked until the transaction ends.

    :raise NotFound: when there is none, or this viewer may not see it.
    """
    row = db.session.execute(
        select(Idea, IdeaTally, Board.audience)
        .join(IdeaTally, IdeaTally.idea_id == Idea.id)
        .join(Board, Board.id == Idea.board_id)
        .where(Idea.id == idea_id)
        .with_for_update(of=IdeaTally, key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise _no_idea()
    idea: Idea = row[0]
    hidden = (idea.hidden_why or "hidden") if idea.hidden_at is not None else None
    if not _may_see(viewer, row.audience, idea.author_id, hidden):
        raise _no_idea()
    return idea, row[1]


def any_idea_for_update(idea_id: int) -> tuple[Idea, IdeaTally]:
    """Return an idea and its figures, locked, for acts that no viewer does.

    :raise NotFound: when there is none.
    """
    row = db.session.execute(
        select(Idea, IdeaTally)
        .join(IdeaTally, IdeaTally.idea_id == Idea.id)
        .where(Idea.id == idea_id)
        .with_for_update(of=IdeaTally, key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise _no_idea()
    return row[0], row[1]


def is_seen(idea_id: int) -> bool:
    """Return whether an idea can be seen, and does not wait."""
    return bool(db.session.scalar(select(IdeaTally.listed).filter_by(idea_id=idea_id)))


def merged_ids(idea_id: int) -> list[int]:
    """Return the ideas that lead to this one."""
    return list(db.session.scalars(select(Idea.id).filter_by(merged_into_id=idea_id).order_by(Idea.id)))


_STANDING = text("SELECT email_verified_at, joined_at, trust_level FROM member WHERE id = :id")


def standing(member_id: int, at: datetime | None = None) -> Standing:
    """Return how sure we were of a member at a moment; asked once a member and transaction."""
    known: dict[int, Any] = db.session().info.setdefault("ideas.standing", {})
    if member_id not in known:
        known[member_id] = db.session.execute(_STANDING, {"id": member_id}).one()
        after_commit(known.clear, key="ideas.standing")
    row, moment = known[member_id], at or now()
    verified = row.email_verified_at is not None and row.email_verified_at <= moment
    return Standing(verified, max((moment - row.joined_at).days, 0), row.trust_level > 0)


_WAY = text("""
SELECT s.stage, s.at, s.by_id, m.name, m.job, s.answer, s.answer_html, s.reason_code
FROM idea_stage s LEFT JOIN member m ON m.id = s.by_id WHERE s.idea_id = :idea ORDER BY s.at, s.id""")


def way_of(idea_id: int) -> list[StageRow]:
    """Return the stages an idea has come to, in order of time."""
    return [StageRow(*row) for row in db.session.execute(_WAY, {"idea": idea_id})]


def answers_of(ids: Collection[int]) -> dict[int, StageRow]:
    """Return the latest official answer of each idea that has one."""
    if not ids:
        return {}
    rows = db.session.execute(
        select(StageChange.idea_id, StageChange.stage, StageChange.at, StageChange.by_id, Member.name, Member.job,
               StageChange.answer, StageChange.answer_html, StageChange.reason_code)
        .outerjoin(Member, Member.id == StageChange.by_id)
        .where(StageChange.idea_id.in_(ids), StageChange.answer.is_not(None))
        .ext(distinct_on(StageChange.idea_id))
        .order_by(StageChange.idea_id, StageChange.at.desc(), StageChange.id.desc())
    )  # fmt: skip
    return {row[0]: StageRow(*row[1:]) for row in rows}


_COUNTS = text("""
SELECT board_id, facet, key, ideas FROM idea_count WHERE board_id = ANY(CAST(:boards AS bigint[])) AND ideas > 0""")


def counts_of(board_ids: Collection[int]) -> list[tuple[int, str, str, int]]:
    """Return all counts of some boards: board, facet, key, ideas."""
    return [tuple(row) for row in db.session.execute(_COUNTS, {"boards": list(board_ids)})]


def counts(board_ids: Collection[int], facet: str) -> dict[str, int]:
    """Return how many ideas of some boards stand in each stage or category."""
    rows = db.session.execute(
        select(IdeaCount.key, func.sum(IdeaCount.ideas))
        .where(IdeaCount.board_id.in_(board_ids), IdeaCount.facet == facet, IdeaCount.ideas > 0)
        .group_by(IdeaCount.key)
    )
    return {key: int(ideas) for key, ideas in rows}


def counts_by_board(board_ids: Collection[int]) -> dict[int, int]:
    """Return how many ideas each board holds."""
    rows = db.session.execute(
        select(IdeaCount.board_id, func.sum(IdeaCount.ideas))
        .where(IdeaCount.board_id.in_(board_ids), IdeaCount.facet == "stage")
        .group_by(IdeaCount.board_id)
    )
    return {board_id: int(ideas) for board_id, ideas in rows}


def external_ids(board_id: int, ids: Sequence[str]) -> dict[str, int]:
    """Return the ideas of a board that came from a source, by the source's ids."""
    rows = db.session.execute(
        select(Idea.external_id, Idea.id).where(Idea.board_id == board_id, Idea.external_id.in_(ids))
    )
    return {str(external_id): idea_id for external_id, idea_id in rows}


# Streams for those who read everything


def stream(statement: Rows) -> Iterator[Any]:
    """Yield rows through a cursor on the server: memory stays flat."""
    yield from db.session.execute(statement.execution_options(yield_per=STREAM))


def votes_of_board(board_id: int) -> Rows:
    """Select the current votes of a board in order of time."""
    return (
        select(Vote.idea_id, Vote.member_id, Vote.at, Vote.kind)
        .join(Idea, Idea.id == Vote.idea_id)
        .where(Idea.board_id == board_id, Idea.hidden_at.is_(None))
        .order_by(Vote.at, Vote.idea_id, Vote.member_id)
    )


def stages_of_board(board_id: int) -> Rows:
    """Select the stage history of a board in order of time."""
    return (
        select(StageChange.idea_id, StageChange.stage, StageChange.at, StageChange.answer.is_not(None))
        .join(Idea, Idea.id == StageChange.idea_id)
        .where(Idea.board_id == board_id, Idea.hidden_at.is_(None))
        .order_by(StageChange.at, StageChange.id)
    )


def _every_idea() -> Rows:
    return (
        select(Idea.id, Idea.board_id, Idea.author_id, Idea.created_at, Idea.title, Idea.body, Idea.lang,
               Idea.category, IdeaTally.stage, IdeaTally.votes, Idea.external_id)
        .join(IdeaTally, IdeaTally.idea_id == Idea.id)
        .where(Idea.hidden_at.is_(None))
    )  # fmt: skip


def ideas_of_board(board_id: int, after_id: int = 0) -> Rows:
    """Select the ideas of a board that can be seen, with their texts, in order of time."""
    return _every_idea().where(Idea.board_id == board_id, Idea.id > after_id).order_by(Idea.created_at, Idea.id)


def one_idea(idea_id: int) -> Any:
    """Return one idea that can be seen, as `ideas_of_board` does, or None."""
    return db.session.execute(_every_idea().where(Idea.id == idea_id)).one_or_none()


def answered_last(board_ids: Collection[int], size: int) -> list[int]:
    """Return the ideas that the company answered last, the latest first."""
    latest = func.max(StageChange.id)
    rows = db.session.scalars(
        select(StageChange.idea_id)
        .join(IdeaTally, IdeaTally.idea_id == StageChange.idea_id)
        .where(IdeaTally.board_id.in_(board_ids), IdeaTally.listed, StageChange.answer.is_not(None))
        .group_by(StageChange.idea_id)
        .order_by(func.max(StageChange.at).desc(), latest.desc())
        .limit(size)
    )
    return list(rows)


def texts_of(ids: Collection[int]) -> list[Any]:
    """Return ideas with what search must know, tags in one column."""
    tags = (
        select(func.array_agg(Tag.key))
        .join(ContributionTag, ContributionTag.tag_id == Tag.id)
        .where(ContributionTag.target_kind == "idea", ContributionTag.target_id == Idea.id)
        .scalar_subquery()
    )
    wanted = (
        select(Idea.id, Idea.board_id, Idea.title, Idea.body, Idea.lang, Idea.author_id, Idea.created_at,
               func.coalesce(tags, []).label("tags"), Idea.category, IdeaTally.stage, Idea.external_id,
               Idea.hidden_at.is_(None).label("visible"))
        .join(IdeaTally, IdeaTally.idea_id == Idea.id)
        .where(Idea.id.in_(ids))
    )  # fmt: skip
    return list(db.session.execute(wanted))


# A member's part


def figures_of(member_ids: Collection[int]) -> list[Any]:
    """Return per member how many ideas of hers came to which stage, and how many votes she gave and got."""
    reached = aliased(StageChange)

    def ever(*stages: Stage) -> Any:
        came = select(reached.id).where(reached.idea_id == Idea.id, reached.stage.in_([s.value for s in stages]))
        return func.count().filter(came.exists())

    wanted = (
        select(
            Idea.author_id,
            func.count().label("submitted"),
            ever(Stage.REVIEW, Stage.PLANNED, Stage.MAKING, Stage.SHIPPED).label("shortlisted"),
            ever(Stage.PLANNED, Stage.MAKING, Stage.SHIPPED).label("accepted"),
            ever(Stage.SHIPPED).label("shipped"),
            func.sum(IdeaTally.votes).label("votes_received"),
        )
        .join(IdeaTally, IdeaTally.idea_id == Idea.id)
        .where(Idea.author_id.in_(member_ids), Idea.hidden_at.is_(None))
        .group_by(Idea.author_id)
    )
    return list(db.session.execute(wanted))


def votes_given(member_ids: Collection[int]) -> dict[int, int]:
    """Return how many ideas each member supports."""
    rows = db.session.execute(
        select(Vote.member_id, func.count())
        .where(Vote.member_id.in_(member_ids), Vote.kind == VoteKind.SUPPORT)
        .group_by(Vote.member_id)
    )
    return dict(rows.all())


def stages_of(ids: Collection[int]) -> dict[int, str]:
    """Return the stage of each idea that can be seen."""
    wanted = select(IdeaTally.idea_id, IdeaTally.stage).join(Idea, Idea.id == IdeaTally.idea_id)
    rows = db.session.execute(wanted.where(IdeaTally.idea_id.in_(ids), Idea.hidden_at.is_(None)))
    return {row.idea_id: row.stage for row in rows}


def supporters_of(idea_id: int, among: Collection[int] | None = None) -> list[int]:
    """Return who (of these) supports an idea."""
    found = select(Vote.member_id).filter_by(idea_id=idea_id, kind=VoteKind.SUPPORT.value)
    return list(db.session.scalars(found if among is None else found.where(Vote.member_id.in_(among))))
