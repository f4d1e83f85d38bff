"""What other features may ask of ideas and do with them: ids and frozen dataclasses, never table rows."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.community import queries as community
from portal.ideas import ledger, lists, queries, voices
from portal.ideas.lists import IdeaRow, Wish
from portal.ideas.merging import ideas_by
from portal.ideas.moving import move as move_to_board
from portal.ideas.queries import IdeaPage, StageRow, idea_page
from portal.ideas.rules import Sort, Stage, VoteKind
from portal.ideas.services import (
    cast_vote,
    comment_on_idea,
    hide,
    propose_idea,
    release_idea,
    set_aside,
    set_stage,
    show,
    withdraw_vote,
)
from portal.ideas.twins import join as join_twins
from portal.ideas.twins import merged_into, take_voices
from portal.ideas.twins import part as part_twins
from portal.kernel.paging import Page
from portal.members.policy import Viewer

__all__ = [
    "BoardFigures",
    "IdeaPage",
    "IdeaRecord",
    "IdeaRow",
    "MemberFigures",
    "SearchText",
    "Sort",
    "Stage",
    "StageRecord",
    "StageRow",
    "VoteKind",
    "VoteRecord",
    "board_figures",
    "cast_vote",
    "comment_on_idea",
    "count_entries",
    "crowd_of",
    "first_bad_entry",
    "hide",
    "idea_cards",
    "idea_page",
    "idea_record",
    "ideas_by",
    "ideas_for_home",
    "ideas_of_member",
    "ideas_voted_by",
    "join_twins",
    "latest_answers",
    "member_figures",
    "merged_into",
    "move_to_board",
    "part_twins",
    "propose_idea",
    "release_idea",
    "search_texts",
    "set_aside",
    "set_aside_on",
    "set_stage",
    "show",
    "stage_history",
    "stages_of",
    "stream_ideas",
    "stream_votes",
    "supporters_of",
    "take_voices",
    "texts",
    "withdraw_vote",
    "young_voices",
]
count_entries = ledger.count_entries
first_bad_entry = ledger.first_bad_entry
supporters_of = queries.supporters_of
set_aside_on = voices.set_aside_on
young_voices = voices.young_voices
crowd_of = voices.crowd_of
ideas_voted_by = voices.ideas_voted_by


@dataclass(frozen=True, slots=True)
class IdeaRecord:
    """One idea as those read it who read all: analytics, exports."""

    id: int
    board_id: int
    author_id: int
    created_at: datetime
    title: str
    body: str
    lang: str | None
    category: str
    stage: str
    votes: int
    external_id: str | None


@dataclass(frozen=True, slots=True)
class StageRecord:
    """An idea came to a stage."""

    idea_id: int
    stage: str
    at: datetime
    answered: bool


@dataclass(frozen=True, slots=True)
class VoteRecord:
    """A vote that stands. Those that are not support are private: they may be counted, never shown."""

    idea_id: int
    voter_id: int
    created_at: datetime
    kind: str


@dataclass(frozen=True, slots=True)
class SearchText:
    """One idea as search reads it."""

    id: int
    board_id: int
    title: str
    body: str
    lang: str | None
    author_id: int
    created_at: datetime
    tags: Sequence[str]
    category: str
    state: str
    external_id: str | None
    visible: bool


@dataclass(frozen=True, slots=True)
class MemberFigures:
    """A member's part in ideas."""

    submitted: int = 0
    shortlisted: int = 0
    accepted: int = 0
    shipped: int = 0
    votes_received: int = 0
    votes_given: int = 0


@dataclass(frozen=True, slots=True)
class BoardFigures:
    """How many ideas a board holds, by stage."""

    ideas: int
    by_stage: dict[str, int]


def stream_ideas(board_id: int, after_id: int = 0) -> Iterator[IdeaRecord]:
    """Yield the ideas of a board that can be seen, in order of time, through a cursor on the server."""
    for row in queries.stream(queries.ideas_of_board(board_id, after_id)):
        yield IdeaRecord(*row)


texts = stream_ideas


def idea_record(idea_id: int) -> IdeaRecord | None:
    """Return one idea that can be seen, for jobs."""
    row = queries.one_idea(idea_id)
    return IdeaRecord(*row) if row is not None else None


def stage_history(board_id: int) -> Iterator[StageRecord]:
    """Yield every step of a board's ideas, in order of time."""
    for row in queries.stream(queries.stages_of_board(board_id)):
        yield StageRecord(*row)


def stream_votes(board_id: int) -> Iterator[VoteRecord]:
    """Yield the votes that stand on a board's ideas, in order of time."""
    for row in queries.stream(queries.votes_of_board(board_id)):
        yield VoteRecord(*row)


def search_texts(ids: Sequence[int]) -> Sequence[SearchText]:
    """Return ideas as search reads them, hidden ones marked; whoever shows them checks the board."""
    return [SearchText(*row) for row in queries.texts_of(ids)]


def idea_cards(viewer: Viewer, ids: Sequence[int]) -> dict[int, IdeaRow]:
    """Return ideas as lists show them, those that the viewer may see."""
    return lists.ideas_among(viewer, ids)


def ideas_for_home(viewer: Viewer, sort: Sort = Sort.RISING, size: int = 5) -> Sequence[IdeaRow]:
    """Return the first ideas over all boards that the viewer may see."""
    boards = community.visible_board_ids(viewer, "ideas")
    return lists.ideas_for(viewer, Wish(boards=boards, sort=sort, size=size)).items


def ideas_of_member(viewer: Viewer, member_id: int, *, size: int = 20, cursor: str | None = None) -> Page[IdeaRow]:
    """Return a member's ideas, the newest first, those that the viewer may see."""
    boards = community.visible_board_ids(viewer, "ideas")
    wish = Wish(boards=boards, sort=Sort.NEWEST, author_id=member_id, size=size, cursor=cursor)
    return lists.ideas_for(viewer, wish)


def latest_answers(viewer: Viewer, size: int = 3) -> list[tuple[IdeaRow, StageRow]]:
    """Return the official answers given last, with their ideas, those that the viewer may see."""
    boards = community.visible_board_ids(viewer, "ideas")
    ids = queries.answered_last(boards, size)
    rows, answers = lists.ideas_among(viewer, ids), queries.answers_of(ids)
    return [(rows[idea_id], answers[idea_id]) for idea_id in ids if idea_id in rows]


def member_figures(member_ids: Collection[int]) -> dict[int, MemberFigures]:
    """Return the part of members in ideas: what they proposed, how far it came, votes got and given."""
    given = queries.votes_given(member_ids)
    found = {
        row.author_id: MemberFigures(
            row.submitted,
            row.shortlisted,
            row.accepted,
            row.shipped,
            int(row.votes_received),
            given.get(row.author_id, 0),
        )
        for row in queries.figures_of(member_ids)
    }
    return {who: found.get(who, MemberFigures(votes_given=given.get(who, 0))) for who in member_ids}


def board_figures(board_ids: Collection[int]) -> BoardFigures:
    """Return how many ideas some boards hold, by stage."""
    by_stage = queries.counts(board_ids, "stage")
    return BoardFigures(sum(by_stage.values()), by_stage)


def stages_of(ids: Collection[int]) -> dict[int, str]:
    """Return the stage of each idea that can be seen."""
    return queries.stages_of(ids)
