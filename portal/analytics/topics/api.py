"""Topics for programs: what people write about on the boards that the token may see."""

from datetime import datetime
from typing import Annotated

from flask import request
from pydantic import Field

from portal.analytics.topics import queries
from portal.analytics.topics.queries import TopicCard
from portal.api import Listing, Output, Paged, endpoint
from portal.community import facade as community
from portal.kernel.errors import NotFound
from portal.kernel.paging import Page, decode_cursor, page_of
from portal.members.rules import Role
from portal.members.session import current_viewer

SHOWN_WORDS = 10


class TopicsWanted(Paged):
    """Which topics."""

    board: Annotated[str | None, Field(max_length=100, description="Key of a board")] = None


class TopicOut(Output):
    """A topic. Its id lasts from one training to the next."""

    id: int
    label: str
    labels: Annotated[dict[str, str], Field(description="What its words call it, by language")]
    name: Annotated[str | None, Field(description="What a person called it")]
    words: list[str]
    posts: Annotated[int, Field(description="Contributions about it on the boards that you may see")]
    created_at: datetime
    url: str


def init_app(app: object) -> None:
    """Endpoints are declared on import."""
    del app


@endpoint("GET", "/topics", query=TopicsWanted, response=Listing[TopicOut], summary="What people write about")
def list_topics(query: TopicsWanted) -> Page[TopicOut]:
    """Return the living topics, by id, with how much was written about each on the boards that you may see."""
    viewer = current_viewer()
    boards = [community.board_by_key(viewer, query.board).id] if query.board else community.visible_board_ids(viewer)
    after = decode_cursor(query.cursor, lambda part: int(str(part)))
    counts = queries.posts_by_topic(boards)
    found = [
        topic
        for topic in queries.living_topics(boards)
        if counts.get(topic.id) and (after is None or topic.id > after[0])
    ]
    page = page_of(found[: query.limit + 1], size=query.limit, key=lambda topic: (topic.id,))
    return Page([_out(topic, counts.get(topic.id, 0)) for topic in page.items], page.next)


@endpoint("GET", "/topics/<int:topic_id>", response=TopicOut, summary="One topic", errors=(404,))
def one_topic(topic_id: int) -> TopicOut:
    """Return a topic about which something was written that you may see."""
    boards = community.visible_board_ids(current_viewer())
    topic = queries.topic_card(topic_id, boards)
    posts = queries.posts_by_topic(boards).get(topic_id, 0)
    if not posts:
        raise NotFound
    return _out(topic, posts)


def _address(topic_id: int) -> str:
    """Return the page of a topic: its figures for brand managers, for all others the ideas about it."""
    page = f"staff/topics/{topic_id}" if current_viewer().has_role(Role.BRAND_MANAGER) else f"ideas?topic={topic_id}"
    return f"{request.url_root}{page}"


def _out(topic: TopicCard, posts: int) -> TopicOut:
    return TopicOut(
        id=topic.id,
        label=topic.title,
        labels={lang: label for lang, label in topic.label.items() if lang},
        name=topic.name,
        words=[word["text"] for word in topic.words[:SHOWN_WORDS]],
        posts=posts,
        created_at=topic.created_at,
        url=_address(topic.id),
    )
