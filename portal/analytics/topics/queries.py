"""Reading topics and what is about them. Whoever asks for others says which boards may be counted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Integer, and_, case, distinct, func, literal, or_, select, tuple_

from portal.analytics.topics.models import ContributionTopic, Topic, TopicModelFile, TopicRun
from portal.analytics.topics.rules import WEEK
from portal.ideas import facade as ideas
from portal.kernel.database import db
from portal.kernel.errors import NotFound
from portal.kernel.formats import language
from portal.support import facade as support

Key = tuple[str, int]
OPENING = ("idea", "question")


@dataclass(frozen=True, slots=True)
class TopicCard:
    """A topic as plain values."""

    id: int
    board_id: int | None
    label: dict[str, str]
    name: str | None
    words: tuple[dict[str, Any], ...]
    representatives: tuple[Key, ...]
    created_at: datetime
    retired: bool

    @property
    def title(self) -> str:
        """Return what the topic is called: by a person, else by its words in the reader's language."""
        return self.name or self.label.get(language()) or self.label.get("", "")

    @property
    def url(self) -> str:
        """Return the address of its page."""
        return f"/staff/topics/{self.id}"


@dataclass(frozen=True, slots=True)
class Volume:
    """What was written about one topic in some weeks, and in as many before."""

    posts: int
    people: int
    before: int
    weekly: tuple[int, ...]
    last_week_people: int


@dataclass(frozen=True, slots=True)
class Opening:
    """A question or an idea, and what it is about."""

    topic_id: int
    id: int
    author_id: int
    written_at: datetime


@dataclass(frozen=True, slots=True)
class PostRow:
    """One contribution about a topic."""

    kind: str
    id: int
    thread_kind: str
    thread_id: int
    author_id: int
    written_at: datetime
    share: float


def latest_run(board_id: int | None) -> TopicRun | None:
    """Return the last training of a board with a model of its own, or (None) of those that share one."""
    newest = select(TopicRun).where(TopicRun.board_id.is_not_distinct_from(board_id)).order_by(TopicRun.id.desc())
    return db.session.scalar(newest.limit(1))


def latest_run_ids() -> dict[int | None, int]:
    """Return the last training of each board that has a model of its own, and of the shared model under None."""
    rows = db.session.execute(select(TopicRun.board_id, func.max(TopicRun.id)).group_by(TopicRun.board_id))
    return {row[0]: row[1] for row in rows}


def model_data(run_id: int) -> bytes | None:
    """Return what a training learnt; None when it was thrown away."""
    return db.session.scalar(select(TopicModelFile.data).filter_by(run_id=run_id))


def topic_card(topic_id: int, boards: Collection[int]) -> TopicCard:
    """Return a topic of these boards, or one that several boards share.

    :raise NotFound: when there is none, or it belongs to a board that is not among them.
    """
    found = topics_by_id([topic_id]).get(topic_id)
    if found is None or (found.board_id is not None and found.board_id not in boards):
        raise NotFound(_l("There is no such topic."))
    return found


def topics_by_id(ids: Collection[int]) -> dict[int, TopicCard]:
    """Return topics by id."""
    if not ids:
        return {}
    return {topic.id: _card(topic) for topic in db.session.scalars(select(Topic).where(Topic.id.in_(ids)))}


def living_topics(boards: Collection[int]) -> list[TopicCard]:
    """Return the topics that are not retired, shared ones and those of these boards."""
    wanted = select(Topic).where(Topic.retired_at.is_(None), or_(Topic.board_id.is_(None), Topic.board_id.in_(boards)))
    return [_card(topic) for topic in db.session.scalars(wanted.order_by(Topic.id))]


def _card(topic: Topic) -> TopicCard:
    return TopicCard(
        topic.id,
        topic.board_id,
        topic.label,
        topic.name,
        tuple(topic.words),
        tuple((kind, contribution) for kind, contribution in topic.representatives),
        topic.created_at,
        topic.retired_at is not None,
    )


def mixtures_of(kind: str, ids: Collection[int]) -> dict[int, list[tuple[int, float]]]:
    """Return the topics of contributions of one kind with their shares, the strongest first."""
    if not ids:
        return {}
    rows = db.session.execute(
        select(ContributionTopic.contribution_id, ContributionTopic.mixture).where(
            ContributionTopic.kind == kind, ContributionTopic.contribution_id.in_(ids)
        )
    )
    return {row.contribution_id: [(topic, share) for topic, share in row.mixture] for row in rows}


def topics_before(run_scope: Collection[int]) -> dict[Key, int]:
    """Return the topic that each contribution on these boards has now."""
    rows = db.session.execute(
        select(ContributionTopic.kind, ContributionTopic.contribution_id, ContributionTopic.topic_id).where(
            ContributionTopic.board_id.in_(run_scope), ContributionTopic.topic_id.is_not(None)
        )
    )
    return {(kind, contribution): topic for kind, contribution, topic in rows if topic is not None}


def exported(boards: Collection[int]) -> Any:
    """Return a cursor over every contribution on these boards with its topic, in order of board and time."""
    columns = (ContributionTopic.kind, ContributionTopic.contribution_id, ContributionTopic.external_id,
               ContributionTopic.topic_id, ContributionTopic.mixture)  # fmt: skip
    wanted = select(*columns).where(ContributionTopic.board_id.in_(boards))
    ordered = wanted.order_by(ContributionTopic.board_id, ContributionTopic.written_at, ContributionTopic.kind,
                              ContributionTopic.contribution_id)  # fmt: skip
    return db.session.execute(ordered.execution_options(yield_per=2000))


def counted(boards: Collection[int]) -> int:
    """Return how many contributions on these boards have been read."""
    wanted = select(func.count()).select_from(ContributionTopic).where(ContributionTopic.board_id.in_(boards))
    return db.session.scalar(wanted) or 0


def written_between(boards: Collection[int]) -> tuple[datetime, datetime] | None:
    """Return when the first and the last contribution on these boards were written; None without any."""
    at = ContributionTopic.written_at
    row = db.session.execute(select(func.min(at), func.max(at)).where(ContributionTopic.board_id.in_(boards))).one()
    return (row[0], row[1]) if row[0] is not None and row[1] is not None else None


def volumes(boards: Collection[int], *, until: datetime, weeks: int) -> dict[int, Volume]:
    """Return, per topic, what was written in the last weeks and in as many before; one query."""
    here, start = ContributionTopic, until - WEEK * weeks
    week = func.floor(func.extract("epoch", here.written_at - start) / WEEK.total_seconds()).cast(Integer)
    in_window = and_(here.written_at > start, here.written_at <= until)
    rows = db.session.execute(
        select(
            here.topic_id,
            func.count().filter(in_window),
            func.count(distinct(here.author_id)).filter(in_window),
            func.count().filter(here.written_at <= start),
            func.array_agg(case((in_window, func.least(week, weeks - 1)), else_=None)),
            func.count(distinct(here.author_id)).filter(here.written_at > until - WEEK),
        )
        .where(
            here.board_id.in_(boards),
            here.topic_id.is_not(None),
            here.written_at > start - WEEK * weeks,
            here.written_at <= until,
        )
        .group_by(here.topic_id)
    )
    return {
        topic: Volume(posts, people, before, _tally(places, weeks), fresh)
        for topic, posts, people, before, places, fresh in rows
        if topic is not None
    }


def _tally(places: Sequence[int | None], weeks: int) -> tuple[int, ...]:
    counts = [0] * weeks
    for place in places:
        if place is not None:
            counts[place] += 1
    return tuple(counts)


def openings(
    boards: Collection[int], kind: str, *, since: datetime, until: datetime, topic_id: int | None = None
) -> list[Opening]:
    """Return the questions (or ideas) of a period with their topics."""
    here = ContributionTopic
    wanted = select(here.topic_id, here.contribution_id, here.author_id, here.written_at).where(
        here.kind == kind,
        here.board_id.in_(boards),
        here.topic_id.is_not(None) if topic_id is None else here.topic_id == topic_id,
        here.written_at > since,
        here.written_at <= until,
    )
    return [Opening(row[0] or 0, row[1], row[2], row[3]) for row in db.session.execute(wanted)]


def posts_about(
    topic_id: int,
    boards: Collection[int],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    only: Collection[Key] | None = None,
    after: tuple[datetime, int] | None = None,
    size: int = 20,
) -> list[PostRow]:
    """Return up to ``size + 1`` contributions about a topic, the latest first.

    :param only: none but these.
    :param after: those that come after this key of the list.
    """
    here = ContributionTopic
    share = here.mixture[0][1].as_float().label("share")
    wanted = select(
        here.kind,
        here.contribution_id.label("id"),
        here.thread_kind,
        here.thread_id,
        here.author_id,
        here.written_at,
        share,
    ).where(here.topic_id == topic_id, here.board_id.in_(boards))
    if since is not None:
        wanted = wanted.where(here.written_at > since)
    if until is not None:
        wanted = wanted.where(here.written_at <= until)
    if only is not None:
        wanted = wanted.where(tuple_(here.kind, here.contribution_id).in_(list(only) or [("", 0)]))
    if after is not None:
        wanted = wanted.where(func.row(here.written_at, here.contribution_id) < func.row(literal(after[0]), after[1]))
    ordered = wanted.order_by(here.written_at.desc(), here.contribution_id.desc()).limit(size + 1)
    return [PostRow(**row._asdict()) for row in db.session.execute(ordered)]


def ids_about(kind: str, topic_id: int, boards: Collection[int], limit: int) -> list[int]:
    """Return the ids of the latest contributions of one kind about a topic."""
    here = ContributionTopic
    wanted = select(here.contribution_id).where(here.topic_id == topic_id, here.kind == kind, here.board_id.in_(boards))
    return list(db.session.scalars(wanted.order_by(here.written_at.desc(), here.contribution_id.desc()).limit(limit)))


def rows_of_threads(threads: Collection[Key]) -> dict[Key, list[tuple[int, float]]]:
    """Return the mixtures of what opened these threads."""
    if not threads:
        return {}
    here = ContributionTopic
    rows = db.session.execute(
        select(here.kind, here.contribution_id, here.mixture).where(
            tuple_(here.kind, here.contribution_id).in_(list(threads))
        )
    )
    return {(kind, one): [(topic, share) for topic, share in mixture] for kind, one, mixture in rows}


def read_by_the_last(keys: Collection[Key]) -> set[Key]:
    """Return which of these contributions have been read with the latest model of their board."""
    if not keys:
        return set()
    here = ContributionTopic
    latest = select(func.max(TopicRun.id)).group_by(TopicRun.board_id)
    rows = db.session.execute(
        select(here.kind, here.contribution_id).where(
            tuple_(here.kind, here.contribution_id).in_(list(keys)), here.run_id.in_(latest)
        )
    )
    return {(kind, one) for kind, one in rows}


def threads_on(boards: Collection[int]) -> int:
    """Return how many ideas and questions can be seen on some boards."""
    asked = sum(figures.questions for figures in support.board_figures(list(boards)).values())
    return asked + ideas.board_figures(list(boards)).ideas


def posts_by_topic(boards: Collection[int]) -> dict[int, int]:
    """Return how many contributions on some boards are about each topic."""
    here = ContributionTopic
    rows = db.session.execute(
        select(here.topic_id, func.count())
        .where(here.board_id.in_(boards), here.topic_id.is_not(None))
        .group_by(here.topic_id)
    )
    return {row[0]: row[1] for row in rows if row[0] is not None}
