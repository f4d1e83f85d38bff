"""Ideas, votes and comments over the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from portal.api import Id, Input, Listing, Output, Paged, Reply, endpoint
from portal.api.people import MemberBrief
from portal.community import queries as community
from portal.community.registry import topics_of
from portal.community.warned import Warned, warnings_of
from portal.ideas import lists, queries, rules, services
from portal.kernel.paging import Page, decode_cursor, page_of
from portal.members.queries import MemberCard
from portal.members.rules import Role
from portal.members.session import current_viewer

KIND = "idea"


class TopicOut(Output):
    """A topic of a text, and how much of it."""

    id: int
    label: str
    weight: float


class IdeaOut(Output):
    """An idea with its counts."""

    id: int
    board: str
    title: str
    body: str
    html: str
    lang: str | None
    stage: str
    category: str
    tags: list[str]
    author: MemberBrief
    created_at: datetime
    votes: Annotated[int, Field(description="Support in the ledger: one a member")]
    effective_votes: Annotated[
        float, Field(description="Votes as they count: fresh accounts without a confirmed address √n an idea and week")
    ]
    imported_support: Annotated[
        int, Field(description="Votes without voters that an import brought; not summed with ours")
    ]
    voted: Annotated[bool, Field(description="Whether you support it")]
    comments: int
    topics: list[TopicOut]
    external_id: str | None
    hidden: Annotated[str | None, Field(description="Why others do not see it: `held` waits for a look")]
    url: str


class IdeasWanted(Paged):
    """Which ideas to list, and in which order."""

    board: str | None = None
    stage: str | None = None
    category: str | None = None
    tag: str | None = None
    topic: Annotated[Id | None, Field(description="Id of a topic")] = None
    author: Annotated[Id | None, Field(description="Id of a member")] = None
    sort: Annotated[
        Literal["newest", "rising", "wanted", "explore", "answer_due"],
        Field(description="`rising`: ln Σ w·exp((t - t₀)/14 days); `wanted`: 5 % quantile of votes a viewer"),
    ] = "newest"
    q: Annotated[str | None, Field(max_length=200, description="Words to find")] = None
    limit: Annotated[int, Field(ge=1, le=lists.MOST, description="Items a page")] = lists.PAGE


class NewIdea(Input):
    """A proposal."""

    board: str
    title: str
    body: str = ""
    category: str = ""
    tags: list[str] = Field(default_factory=list, max_length=50)
    lang: Annotated[str | None, Field(max_length=5)] = None


class ChangedIdea(Input):
    """New words for one's own idea; what is left out stays."""

    title: str | None = None
    body: str | None = None
    category: str | None = None
    tags: Annotated[list[str] | None, Field(max_length=50)] = None


class VoteWanted(Input):
    """How to vote: the last two are private, and only on boards that have them."""

    kind: Literal["support", "not_for_me", "skip"] = "support"


class VoteOut(Output):
    """The exact count after the act, and whether you support the idea now."""

    votes: int
    voted: bool


class NewStage(Input):
    """A step on an idea's way, with what the company says."""

    stage: str
    answer: str = ""
    reason_code: str | None = None


class CommentOut(Output):
    """A comment on an idea."""

    id: int
    idea: int
    parent: int | None
    author: MemberBrief
    body: str
    html: str
    lang: str | None
    created_at: datetime
    edited_at: datetime | None
    hidden: Annotated[str | None, Field(description="Why others do not see it: `held` waits for a look")]
    url: str


class NewComment(Input):
    """A comment, or a reply to one."""

    body: str
    parent: Id | None = None
    lang: Annotated[str | None, Field(max_length=5)] = None


class PublishedIdea(IdeaOut, Warned):
    """An idea as it was published."""


class PublishedComment(CommentOut, Warned):
    """A comment as it was published."""


@dataclass(frozen=True, slots=True)
class _Around:
    """What a page of ideas needs besides its rows, each read once."""

    boards: Mapping[int, str]
    tags: Mapping[int, Sequence[community.TagCard]]
    topics: Mapping[int, Sequence[Any]]


@endpoint(
    "GET", "/ideas", query=IdeasWanted, response=Listing[IdeaOut], summary="Ideas that you may see", errors=(404,)
)
def list_ideas(query: IdeasWanted) -> Page[dict[str, Any]]:
    """List ideas of one board or of all that you may see."""
    viewer = current_viewer()
    boards = [community.board_by_key(viewer, query.board, "ideas").id] if query.board else None
    if boards is None:
        boards = community.visible_board_ids(viewer, "ideas")
    wish = lists.Wish(
        boards=boards,
        sort=rules.Sort(query.sort),
        stage=query.stage,
        category=query.category,
        tag_id=lists.tag_of(query.tag),
        topic_id=query.topic,
        author_id=query.author,
        q=query.q or "",
        cursor=query.cursor,
        size=query.limit,
    )
    page = lists.ideas_for(viewer, wish, with_text=True)
    around = _around([row.id for row in page.items])
    return Page([_idea(row, around) for row in page.items], page.next)


@endpoint("POST", "/ideas", body=NewIdea, response=PublishedIdea, summary="Propose an idea", errors=(404,))
def propose_idea(body: NewIdea) -> Reply:
    """Propose an idea on a board that you may see. You follow it from then on."""
    viewer = current_viewer()
    idea_id = services.propose_idea(
        viewer,
        board=body.board,
        title=body.title,
        body=body.body,
        category=body.category,
        tags=body.tags,
        lang=body.lang,
    )
    said = {**_one(idea_id), "warnings": warnings_of(body.title, body.body)}
    return Reply(said, headers={"Location": f"/api/v1/ideas/{idea_id}"})


@endpoint("GET", "/ideas/<int:idea_id>", response=IdeaOut, summary="An idea", errors=(404,))
def get_idea(idea_id: int) -> dict[str, Any]:
    """Return one idea."""
    return _one(idea_id)


@endpoint(
    "PATCH", "/ideas/<int:idea_id>", body=ChangedIdea, response=IdeaOut, summary="Change your idea", errors=(404, 409)
)
def change_idea(idea_id: int, body: ChangedIdea) -> dict[str, Any]:
    """Change the words of your own idea while the company has not decided about it."""
    viewer = current_viewer()
    now = queries.idea_page(viewer, idea_id)
    services.edit_idea(
        idea_id,
        viewer,
        title=now.title if body.title is None else body.title,
        body=now.body if body.body is None else body.body,
        category=now.category if body.category is None else body.category,
        tags=body.tags,
    )
    return _one(idea_id)


@endpoint(
    "PUT",
    "/ideas/<int:idea_id>/vote",
    query=VoteWanted,
    response=VoteOut,
    summary="Support an idea",
    errors=(404, 409),
)
def put_vote(idea_id: int, query: VoteWanted) -> VoteOut:
    """Let your vote stand. Voting again changes nothing."""
    written = services.cast_vote(idea_id, current_viewer(), kind=query.kind, origin="api")
    return VoteOut(votes=written.votes, voted=query.kind == "support")


@endpoint("DELETE", "/ideas/<int:idea_id>/vote", response=VoteOut, summary="Take your vote back", errors=(404,))
def delete_vote(idea_id: int) -> VoteOut:
    """Take your vote back. Taking back what is not there changes nothing."""
    written = services.withdraw_vote(idea_id, current_viewer(), origin="api")
    return VoteOut(votes=written.votes, voted=False)


@endpoint(
    "PUT",
    "/ideas/<int:idea_id>/stage",
    body=NewStage,
    response=IdeaOut,
    summary="Move an idea to a stage, or answer it",
    roles=(Role.MODERATOR, Role.BRAND_MANAGER),
    errors=(404, 409),
)
def put_stage(idea_id: int, body: NewStage) -> dict[str, Any]:
    """Move an idea to a stage of its board, signed by you. A decline needs a reason code and a text."""
    services.set_stage(idea_id, current_viewer(), stage=body.stage, answer=body.answer, reason_code=body.reason_code)
    return _one(idea_id)


@endpoint(
    "GET",
    "/ideas/<int:idea_id>/comments",
    query=Paged,
    response=Listing[CommentOut],
    summary="Comments on an idea",
    errors=(404,),
)
def list_comments(idea_id: int, query: Paged) -> Page[dict[str, Any]]:
    """List the comments on an idea in order of time; ``parent`` makes them threads."""
    viewer = current_viewer()
    queries.idea_page(viewer, idea_id)
    after = decode_cursor(query.cursor, lambda value: datetime.fromisoformat(str(value)), lambda value: int(str(value)))
    rows = community.comments_page(KIND, idea_id, after=after, size=query.limit, reader=viewer.member_id)
    page = page_of(rows, size=query.limit, key=lambda row: (row.created_at, row.id))
    return Page([_comment(row) for row in page.items], page.next)


@endpoint(
    "POST",
    "/ideas/<int:idea_id>/comments",
    body=NewComment,
    response=PublishedComment,
    summary="Comment on an idea",
    errors=(404,),
)
def post_comment(idea_id: int, body: NewComment) -> dict[str, Any]:
    """Comment on an idea, or reply to a comment on it."""
    viewer = current_viewer()
    comment_id = services.comment_on_idea(idea_id, viewer, body=body.body, parent_id=body.parent, lang=body.lang)
    written = community.comment_row(comment_id, reader=viewer.id)
    return {**_comment(written), "warnings": warnings_of(body.body)} if written is not None else {}


def _one(idea_id: int) -> dict[str, Any]:
    return _idea(queries.idea_page(current_viewer(), idea_id), _around([idea_id]))


def _around(ids: Sequence[int]) -> _Around:
    boards = {board.id: board.key for board in community.boards_for(current_viewer(), "ideas")}
    return _Around(boards, community.tags_of(KIND, ids), topics_of(KIND, ids))


def _idea(row: queries.IdeaPage | lists.IdeaRow, around: _Around) -> dict[str, Any]:
    names = ("id", "title", "body", "html", "lang", "stage", "category", "created_at", "votes", "effective_votes",
             "imported_support", "voted", "comments", "external_id", "url")  # fmt: skip
    return {name: getattr(row, name) for name in names} | {
        "board": around.boards.get(row.board_id, ""),
        "author": MemberCard(row.author_id, row.author_name, row.author_kind),
        "tags": [tag.key for tag in around.tags.get(row.id, ())],
        "topics": around.topics.get(row.id, ()),
        "hidden": row.hidden if isinstance(row, queries.IdeaPage) else None,
    }


def _comment(row: community.CommentRow) -> dict[str, Any]:
    names = ("id", "body", "html", "lang", "created_at", "edited_at")
    return {name: getattr(row, name) for name in names} | {
        "idea": row.target_id,
        "parent": row.parent_id,
        "hidden": row.out,
        "author": MemberCard(row.author_id, row.author_name, row.author_kind),
        "url": f"/ideas/{row.target_id}#comment-{row.id}",
    }
