"""Search and likeness over the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from portal.api import Output, Paged, endpoint
from portal.community import facade as community
from portal.members.session import current_viewer
from portal.search import queries
from portal.search.results import Likely, Result, likely, results

TAG = "search"


class Searched(Paged):
    """What is looked for, and by what it is narrowed."""

    q: str = ""
    kind: Literal["idea", "question"] | None = None
    board: str | None = None
    state: str | None = None
    tag: str | None = None
    lang: str | None = None
    period: Literal["week", "month", "year"] | None = None


class HitOut(Output):
    """An idea or a question that was found; ``snippet`` is safe HTML with the words in ``<mark>``."""

    kind: Literal["idea", "question"]
    id: int
    title: str
    snippet: str
    url: str
    board: str
    lang: str | None
    state: str
    author: str
    created_at: datetime
    score: float
    answer_id: Annotated[int | None, Field(description="The answer that fits best, when one does")]


class SearchOut(Output):
    """One page of hits, with how many there are by facet."""

    items: list[HitOut]
    next: str | None
    total: Annotated[int, Field(description="Contributions that match; at most 5,000, of which the newest are ranked")]
    words: Annotated[str, Field(description="The words looked for; others than yours when yours were misspelt")]
    corrected: bool
    facets: dict[str, dict[str, int]]


class Written(Paged):
    """What is being written."""

    kind: Literal["idea", "question"] = "idea"
    board: str | None = None
    title: str = ""
    body: str = ""


class LikelyOut(Output):
    """A contribution that may say the same, and how likely it does (calibrated)."""

    id: int
    external_id: str | None
    title: str
    url: str
    probability: float
    kind: str
    lang: str | None
    state: str


class SimilarOut(Output):
    """What may say the same, the likeliest first."""

    items: list[LikelyOut]


@endpoint("GET", "/search", query=Searched, response=SearchOut, summary="Search what you may see", tag=TAG)
def search(query: Searched) -> SearchOut:
    """Look for words in ideas, questions and answers."""
    viewer = current_viewer()
    boards = {board.id: board.key for board in community.boards_for(viewer)}
    board_id = community.board_by_key(viewer, query.board).id if query.board else None
    found = queries.find(
        queries.Wish(
            words=query.q,
            boards=list(boards),
            kind=query.kind,
            board_id=board_id,
            state=query.state,
            tag=query.tag,
            lang=query.lang,
            period=query.period,
            cursor=query.cursor,
            size=query.limit,
        )
    )
    return SearchOut(
        items=[_hit(one) for one in results(viewer, found)],
        next=found.next,
        total=found.total,
        words=found.words,
        corrected=found.corrected,
        facets={name: _named(name, counts, boards) for name, counts in found.facets.items()},
    )


def _hit(one: Result) -> HitOut:
    fields = {name: getattr(one, name) for name in HitOut.model_fields}
    return HitOut.model_validate({**fields, "snippet": str(one.snippet)})


def _named(facet: str, counts: Mapping[str, int], boards: Mapping[int, str]) -> dict[str, int]:
    return {boards[int(key)] if facet == "board" else key: count for key, count in counts.items()}


@endpoint("GET", "/similar", query=Written, response=SimilarOut, summary="What may say the same", tag=TAG)
def similar(query: Written) -> SimilarOut:
    """Return ideas or questions that may say the same as what you write."""
    found = likely(current_viewer(), query.kind, query.title, query.body, board=query.board, limit=min(query.limit, 20))
    return SimilarOut(items=[_likely(one) for one in found])


def _likely(one: Likely) -> LikelyOut:
    return LikelyOut(**{name: getattr(one, name) for name in LikelyOut.model_fields})
