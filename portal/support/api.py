"""Questions and answers over the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from portal.api import Input, Listing, Output, Paged, endpoint
from portal.api.people import MemberBrief
from portal.community import facade as community
from portal.community.warned import GivenOut, Warned, warnings_of
from portal.kernel.paging import Page
from portal.members.queries import MemberCard
from portal.members.session import current_viewer
from portal.support import queries, services
from portal.support.queries import KIND, AnswerRow, QuestionPage, QuestionRow
from portal.support.rules import Listing as Order

TAG = "support"
Hidden = Annotated[str | None, Field(description="Why others do not see it: `held` waits for a look")]


class TopicOut(Output):
    """A topic of a question, and how much of it."""

    id: int
    label: str
    weight: float


class QuestionOut(Output):
    """A question with its counts."""

    id: int
    board: str
    title: str
    body: str
    html: str
    lang: str | None
    author: MemberBrief
    created_at: datetime
    edited_at: datetime | None
    tags: list[str]
    category: str
    answers: Annotated[int, Field(description="How many answers can be seen")]
    accepted: Annotated[int | None, Field(description="Id of the answer that solved it")]
    same_problem: Annotated[int, Field(description="How many others have the same problem")]
    imported_score: Annotated[int, Field(description="Score at the source of an import; not summed with ours")]
    external_id: str | None
    topics: list[TopicOut]
    hidden: Hidden
    url: str


class AnswerOut(Output):
    """An answer with its counts."""

    id: int
    question: int
    body: str
    html: str
    lang: str | None
    author: MemberBrief
    created_at: datetime
    edited_at: datetime | None
    by_asker: bool
    accepted: bool
    verified: bool
    official: bool
    outdated: bool
    helped: int
    unhelped: int
    imported_helped: int
    imported_unhelped: int
    bound: Annotated[float, Field(description="5 % quantile of Beta(helped + 2, unhelped + 2): what answers sort by")]
    voted: Annotated[int, Field(description="What you said: 1, -1 or 0")]
    external_id: str | None
    hidden: Hidden
    url: str


class QuestionsWanted(Paged):
    """Which questions to list, and in which order."""

    board: str | None = None
    tag: str | None = None
    category: str | None = None
    solved: bool | None = None
    sort: Literal["newest", "unanswered", "active"] = "newest"


class NewQuestion(Input):
    """A question to ask."""

    board: str
    title: str
    body: str = ""
    category: str = ""
    tags: Annotated[list[str], Field(default_factory=list)]
    lang: str | None = None


class NewAnswer(Input):
    """An answer to give."""

    body: str
    lang: str | None = None


class Vote(Input):
    """Whether an answer helped: 1, -1, or 0 to take it back."""

    value: Literal[-1, 0, 1] = 1


class PublishedQuestion(QuestionOut, Warned):
    """A question as it was published."""


class PublishedAnswer(AnswerOut, Warned):
    """An answer as it was published."""


class SameOut(Output):
    """How many have the same problem, and whether you said so."""

    same_problem: int
    said: bool


@endpoint(
    "GET",
    "/questions",
    query=QuestionsWanted,
    response=Listing[QuestionOut],
    summary="Questions",
    tag=TAG,
    errors=(404,),
)
def list_questions(query: QuestionsWanted) -> Page[QuestionOut]:
    """List the questions you may see."""
    viewer = current_viewer()
    boards = community.boards_for(viewer, community.BoardType.SUPPORT)
    if query.board:
        boards = [community.board_by_key(viewer, query.board, community.BoardType.SUPPORT)]
    tag = community.tag_by_key(query.tag) if query.tag else None
    if query.tag and tag is None:
        return Page([], None)
    page = queries.list_questions(
        [board.id for board in boards],
        Order(query.sort),
        tag_id=tag.id if tag is not None else None,
        solved=query.solved,
        category=query.category,
        cursor=query.cursor,
        size=query.limit,
    )
    pages = queries.question_pages(viewer, [row.id for row in page.items])
    return Page(_questions([pages[row.id] for row in page.items if row.id in pages]), page.next)


@endpoint(
    "POST",
    "/questions",
    body=NewQuestion,
    response=PublishedQuestion,
    summary="Ask a question",
    tag=TAG,
    errors=(404,),
)
def ask(body: NewQuestion) -> PublishedQuestion:
    """Put a question to a board."""
    viewer = current_viewer()
    question_id = services.ask_question(
        viewer,
        board=body.board,
        title=body.title,
        body=body.body,
        category=body.category,
        tags=body.tags,
        lang=body.lang,
    )
    made = _questions([queries.question_page(viewer, question_id)])[0]
    return PublishedQuestion(**dict(made), warnings=_warned(body.title, body.body))


@endpoint("GET", "/questions/<int:question_id>", response=QuestionOut, summary="A question", tag=TAG, errors=(404,))
def question(question_id: int) -> QuestionOut:
    """Return one question."""
    return _questions([queries.question_page(current_viewer(), question_id)])[0]


@endpoint(
    "GET",
    "/questions/<int:question_id>/answers",
    query=Paged,
    response=Listing[AnswerOut],
    summary="The answers to a question, the surest help first",
    tag=TAG,
    errors=(404,),
)
def list_answers(question_id: int, query: Paged) -> Page[AnswerOut]:
    """List the answers to a question."""
    viewer = current_viewer()
    queries.question_page(viewer, question_id)
    page = queries.answers_page(question_id, viewer, cursor=query.cursor, size=query.limit)
    return Page([_answer(row) for row in page.items], page.next)


@endpoint(
    "POST",
    "/questions/<int:question_id>/answers",
    body=NewAnswer,
    response=PublishedAnswer,
    summary="Answer a question",
    tag=TAG,
    errors=(404,),
)
def give_answer(question_id: int, body: NewAnswer) -> PublishedAnswer:
    """Answer a question."""
    viewer = current_viewer()
    answer_id = services.answer_question(question_id, viewer, body=body.body, lang=body.lang)
    return PublishedAnswer(**dict(_answer(queries.answer_row(answer_id, viewer))), warnings=_warned(body.body))


def _warned(*texts: str) -> list[GivenOut]:
    return [GivenOut.model_validate(one) for one in warnings_of(*texts)]


@endpoint(
    "POST",
    "/answers/<int:answer_id>/accept",
    response=AnswerOut,
    summary="Accept an answer to your question",
    tag=TAG,
    status=200,
    errors=(404,),
)
def accept(answer_id: int) -> AnswerOut:
    """Accept an answer as the one that solved it."""
    viewer = current_viewer()
    services.accept_answer(answer_id, viewer)
    return _answer(queries.answer_row(answer_id, viewer))


@endpoint(
    "DELETE",
    "/answers/<int:answer_id>/accept",
    response=AnswerOut,
    summary="Take an acceptance back",
    tag=TAG,
    errors=(404,),
)
def unaccept(answer_id: int) -> AnswerOut:
    """Take an acceptance back."""
    viewer = current_viewer()
    services.unaccept_answer(answer_id, viewer)
    return _answer(queries.answer_row(answer_id, viewer))


@endpoint(
    "PUT",
    "/answers/<int:answer_id>/vote",
    body=Vote,
    response=AnswerOut,
    summary="Say whether an answer helped",
    tag=TAG,
    errors=(404, 409),
)
def vote(answer_id: int, body: Vote) -> AnswerOut:
    """Say whether an answer helped."""
    return _voted(answer_id, body.value)


@endpoint(
    "DELETE",
    "/answers/<int:answer_id>/vote",
    response=AnswerOut,
    summary="Take back whether an answer helped",
    tag=TAG,
    errors=(404, 409),
)
def unvote(answer_id: int) -> AnswerOut:
    """Take back whether an answer helped."""
    return _voted(answer_id, 0)


@endpoint(
    "PUT",
    "/questions/<int:question_id>/same_problem",
    response=SameOut,
    summary="Say that you have the same problem",
    tag=TAG,
    errors=(404, 409),
)
def say_same(question_id: int) -> SameOut:
    """Say that you have the same problem."""
    return SameOut(same_problem=services.same_problem(question_id, current_viewer(), on=True), said=True)


@endpoint(
    "DELETE",
    "/questions/<int:question_id>/same_problem",
    response=SameOut,
    summary="Take back that you have the same problem",
    tag=TAG,
    errors=(404, 409),
)
def unsay_same(question_id: int) -> SameOut:
    """Take back that you have the same problem."""
    return SameOut(same_problem=services.same_problem(question_id, current_viewer(), on=False), said=False)


def _voted(answer_id: int, value: int) -> AnswerOut:
    viewer = current_viewer()
    services.vote_answer(answer_id, viewer, value=value)
    return _answer(queries.answer_row(answer_id, viewer))


def _questions(rows: Sequence[QuestionPage]) -> list[QuestionOut]:
    """Return questions as the API shows them; tags, topics and boards are read once for all."""
    ids = [row.id for row in rows]
    boards = {board.id: board.key for board in community.boards_for(current_viewer())}
    tags, topics = community.tags_of(KIND, ids), community.topics_of(KIND, ids)
    return [
        QuestionOut(
            id=row.id,
            board=boards[row.board_id],
            title=row.title,
            body=row.body,
            html=row.html,
            lang=row.lang,
            author=_author(row),
            created_at=row.created_at,
            edited_at=row.edited_at,
            tags=[tag.key for tag in tags.get(row.id, ())],
            category=row.category,
            answers=row.answers,
            accepted=row.accepted_id,
            same_problem=row.same_problem,
            imported_score=row.imported_score,
            external_id=row.external_id,
            hidden=row.hidden,
            topics=[TopicOut(id=t.id, label=t.label, weight=t.weight) for t in topics.get(row.id, ())],
            url=f"/questions/{row.id}",
        )
        for row in rows
    ]


def _author(row: QuestionRow | AnswerRow) -> MemberBrief:
    return MemberBrief.model_validate(MemberCard(row.author_id, row.author_name, row.author_kind))


def _answer(row: AnswerRow) -> AnswerOut:
    fields = {name: getattr(row, name) for name in AnswerOut.model_fields if name not in {"question", "author", "url"}}
    url = f"/questions/{row.question_id}#answer-{row.id}"
    return AnswerOut(**fields, question=row.question_id, author=_author(row), url=url)
