"""Analytics over the API: who is likely to answer, who knows what, the figures of a member."""

from datetime import datetime
from typing import Annotated, Any

from flask_babel import lazy_gettext as _l
from pydantic import Field

from portal.analytics import queries
from portal.analytics.metrics import metrics_of
from portal.analytics.services import routing
from portal.analytics.topics import queries as topics
from portal.api.endpoints import Id, Input, Output, endpoint
from portal.api.people import MemberBrief
from portal.community import facade as community
from portal.kernel.errors import Forbidden
from portal.members import facade as members
from portal.members.policy import Viewer
from portal.members.rules import Role
from portal.members.session import current_viewer

TAG = "experts"
MOST = 20


class ExpertsWanted(Input):
    """The question that somebody is writing."""

    board: Annotated[str, Field(max_length=100, description="Key of the board")]
    title: Annotated[str, Field(max_length=500)] = ""
    body: Annotated[str, Field(max_length=50_000)] = ""
    tags: Annotated[str, Field(max_length=500, description="With commas between them")] = ""
    limit: Annotated[int, Field(ge=1, le=MOST)] = 5


class ExpertOut(Output):
    """A member who is likely to answer."""

    member: MemberBrief
    score: Annotated[float, Field(description="Chance among the candidates that an answer comes from this member")]
    reasons: list[str]


class ExpertsOut(Output):
    """Members, the likeliest first."""

    items: list[ExpertOut]


class TopicExpertOut(Output):
    """A member who knows a topic."""

    member: MemberBrief
    place: Annotated[int | None, Field(description="Public place; null while it is too early")]
    low: Annotated[float, Field(description="Lower end of the 90% interval; the ranking goes by it")]
    mid: Annotated[float, Field(description="Chance that an answer helps")]
    high: float
    answers: int
    people: Annotated[int, Field(description="Distinct trusted people who were helped")]
    answer_count_place: int
    z_score: Annotated[float, Field(description="Zhang, Ackerman & Adamic 2007")]
    z_score_place: int
    pagerank_place: int


class TopicExpertsOut(Output):
    """Who knows a topic."""

    items: list[TopicExpertOut]


class FigureOut(Output):
    """One figure with its formula, unit and window."""

    name: str
    title: str
    value: Any
    unit: str
    window: str
    formula: str


class MemberFiguresOut(Output):
    """The figures held on a member."""

    member: Id
    changed_at: datetime | None
    metrics: list[FigureOut]


@endpoint("GET", "/experts", query=ExpertsWanted, response=ExpertsOut, summary="Who is likely to answer", tag=TAG)
def experts(query: ExpertsWanted) -> dict[str, Any]:
    """Rank the members by the chance that they answer a question, each with the reasons in words.

    When somebody is usually here is told to members only.
    """
    viewer = current_viewer()
    board = community.board_by_key(viewer, query.board, community.BoardType.SUPPORT)
    tags = [tag.strip() for tag in query.tags.split(",") if tag.strip()]
    found = routing.suggest_for(board.id, title=query.title, body=query.body, tags=tags, asker_id=viewer.member_id)[
        : query.limit
    ]
    cards = members.member_cards([one.member_id for one in found])
    return {
        "items": [
            {
                "member": cards[one.member_id],
                "score": round(one.score, 4),
                "reasons": [str(reason) for reason in one.reasons if not (viewer.is_anonymous and reason.is_personal)],
            }
            for one in found
            if one.member_id in cards
        ]
    }


@endpoint("GET", "/topics/<int:topic_id>/experts", response=TopicExpertsOut, summary="Who knows a topic", tag=TAG,
          errors=(404,))  # fmt: skip
def topic_experts(topic_id: int) -> dict[str, Any]:
    """Rank the members on a topic by the lower bound of the chance that an answer helps; simpler figures beside it."""
    boards = community.visible_board_ids(current_viewer())
    topics.topic_card(topic_id, boards)
    lines = queries.experts_on(topic_id, boards)
    cards = members.member_cards([line.member_id for line in lines])
    return {"items": [_expert(line, cards[line.member_id]) for line in lines if line.member_id in cards]}


def _expert(line: queries.ExpertiseLine, card: members.MemberCard) -> dict[str, Any]:
    names = TopicExpertOut.model_fields.keys() - {"member"}
    return {"member": card, **{name: getattr(line, name) for name in names}}


@endpoint("GET", "/members/<int:member_id>/metrics", response=MemberFiguresOut, summary="A member's figures", tag=TAG,
          signed_in=True, errors=(403, 404))  # fmt: skip
def member_metrics(member_id: int) -> dict[str, Any]:
    """Return every figure held on a member, with its formula: to herself and to the company."""
    members.profile(member_id)
    _may_read(current_viewer(), member_id)
    figures, changed_at = queries.figures_of(member_id) or ({}, None)
    described = [
        {"name": one.name, "title": str(one.title), "value": figures.get(one.name), "unit": one.unit,
         "window": one.window, "formula": str(one.formula)}
        for one in metrics_of("member")
    ]  # fmt: skip
    return {"member": member_id, "changed_at": changed_at, "metrics": described}


def _may_read(viewer: Viewer, member_id: int) -> None:
    if viewer.member_id != member_id and not viewer.has_role(Role.BRAND_MANAGER, Role.SUPPORT_AGENT):
        raise Forbidden(_l("Figures of members are for themselves and for the company."))
