"""The figures of topics as pages and programs show them: volume, growth, what stands out, what nobody has met."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.analytics.topics import queries, rules, texts
from portal.analytics.topics.queries import Key, Opening, PostRow, TopicCard, Volume
from portal.analytics.topics.rules import WEEK, Growth
from portal.community import facade as community
from portal.ideas import facade as ideas
from portal.kernel.clock import now
from portal.kernel.paging import Page, decode_cursor, page_of
from portal.kernel.text import excerpt
from portal.members import facade as members
from portal.members.policy import Viewer
from portal.support import facade as support

WATCHED_WEEKS = 12
SMALLS = 8
WAITING = frozenset({"submitted", "review"})
NOTHING = Volume(0, 0, 0, (), 0)
KINDS = ("idea", "question", "answer", "comment")


@dataclass(frozen=True, slots=True)
class Unmet:
    """Questions of a period that nobody but the asker has answered."""

    asked: int
    people: int
    open: tuple[int, ...]
    """Their ids."""
    weekly: tuple[int, ...]

    @property
    def share(self) -> float | None:
        """Return the share of questions without an answer; None over fewer people than may be shown."""
        return len(self.open) / self.asked if self.people >= rules.FEWEST_PEOPLE else None


@dataclass(frozen=True, slots=True)
class Line:
    """One topic in the list."""

    topic: TopicCard
    volume: Volume
    growth: Growth | None
    unmet: Unmet


@dataclass(frozen=True, slots=True)
class Emerging:
    """A topic of which far more was written in the last week than is usual, by enough people."""

    topic: TopicCard
    posts: int
    people: int
    expected: float
    chance: float

    @property
    def once_in(self) -> int:
        """Return in how many weeks such a one comes by chance, as a round number."""
        odds = 1 / self.chance
        size = 10 ** max(len(str(int(odds))) - 1, 0)
        return min(int(odds // size * size), 1_000_000)


@dataclass(frozen=True, slots=True)
class Overview:
    """The list of topics over some boards and weeks."""

    lines: Sequence[Line]
    emerging: Sequence[Emerging]
    posts: int
    since: datetime
    until: datetime
    comparable: bool
    """Whether as many weeks before were written in too, so that growth can be told."""

    @property
    def most_unmet(self) -> Sequence[Line]:
        """Return the topics with most open questions, for the small pictures."""
        open_ones = [line for line in self.lines if line.unmet.open]
        return sorted(open_ones, key=lambda line: -len(line.unmet.open))[:SMALLS]


@dataclass(frozen=True, slots=True)
class Post:
    """One contribution behind a figure."""

    kind: str
    title: str
    url: str
    text: str
    lang: str | None
    author: str
    author_url: str
    written_at: datetime
    share: float


def overview(boards: Collection[int], *, weeks: int) -> Overview:
    """Return the living topics with their figures on these boards, those most written about first."""
    begun, until = _span(boards)
    since = until - WEEK * weeks
    volumes = queries.volumes(boards, until=until, weeks=weeks)
    unmet = _unmet(queries.openings(boards, "question", since=since, until=until), since, weeks)
    comparable = begun <= since - WEEK * weeks
    lines = [
        Line(topic, volume, _growth(volume, comparable), unmet.get(topic.id, _nothing_unmet(weeks)))
        for topic in queries.living_topics(boards)
        if (volume := volumes.get(topic.id, NOTHING)).posts
    ]
    lines.sort(key=lambda line: (-line.volume.posts, line.topic.id))
    posts = sum(volume.posts for volume in volumes.values())
    watched = begun <= until - WEEK * WATCHED_WEEKS
    emerging = _emerging(boards, until, [line.topic for line in lines]) if watched else []
    return Overview(lines, emerging, posts, since, until, comparable)


def _span(boards: Collection[int]) -> tuple[datetime, datetime]:
    """Return since when there is anything on these boards, and the moment up to which is counted.

    That is now; on boards that have gone quiet, it is their last contribution.
    """
    span = queries.written_between(boards)
    if span is None:
        return now(), now()
    return span[0], span[1] if span[1] < now() - WEEK else now()


def _growth(volume: Volume, comparable: bool) -> Growth | None:  # noqa: FBT001 - beside the volume it is clear
    """Compare with as many weeks before, unless nothing was there yet for a part of these."""
    return rules.growth(volume.posts, volume.before) if comparable else None


def line_of(topic: TopicCard, boards: Collection[int], *, weeks: int) -> tuple[Line, datetime]:
    """Return the figures of one topic, and the moment up to which was counted."""
    begun, until = _span(boards)
    since = until - WEEK * weeks
    volume = queries.volumes(boards, until=until, weeks=weeks).get(topic.id, NOTHING)
    asked = queries.openings(boards, "question", since=since, until=until, topic_id=topic.id)
    unmet = _unmet(asked, since, weeks).get(topic.id, _nothing_unmet(weeks))
    return Line(topic, volume, _growth(volume, begun <= since - WEEK * weeks), unmet), until


def waiting_ideas(topic: TopicCard, boards: Collection[int], *, until: datetime, weeks: int) -> tuple[list[int], int]:
    """Return the ideas about a topic that nobody of the company has decided on, and how many there are in all."""
    found = queries.openings(boards, "idea", since=until - WEEK * weeks, until=until, topic_id=topic.id)
    stages = ideas.stages_of([one.id for one in found])
    return [one.id for one in found if stages.get(one.id) in WAITING], len(found)


def _nothing_unmet(weeks: int) -> Unmet:
    return Unmet(0, 0, (), (0,) * weeks)


def _unmet(asked: Sequence[Opening], since: datetime, weeks: int) -> dict[int, Unmet]:
    states = support.states_of([one.id for one in asked])
    by_topic: dict[int, list[Opening]] = {}
    for one in asked:
        if one.id in states and states[one.id][1]:
            by_topic.setdefault(one.topic_id, []).append(one)
    return {topic: _of_one_topic(found, states, since, weeks) for topic, found in by_topic.items()}


def _of_one_topic(
    found: Sequence[Opening], states: Mapping[int, tuple[str, bool]], since: datetime, weeks: int
) -> Unmet:
    weekly = [0] * weeks
    unanswered = [one for one in found if states[one.id][0] == "open"]
    for one in unanswered:
        weekly[min(int((one.written_at - since) / WEEK), weeks - 1)] += 1
    people = len({one.author_id for one in found})
    return Unmet(len(found), people, tuple(one.id for one in unanswered), tuple(weekly))


def _emerging(boards: Collection[int], until: datetime, topics: Sequence[TopicCard]) -> list[Emerging]:
    """Return the topics whose last week stands out against the weeks before, with chance taken into account."""
    volumes = queries.volumes(boards, until=until, weeks=WATCHED_WEEKS)
    watched = [(topic, volumes[topic.id]) for topic in topics if topic.id in volumes]
    chances = [rules.chance_of(volume.weekly[-1], volume.weekly[:-1]) for _, volume in watched]
    found = [
        Emerging(topic, volume.weekly[-1], volume.last_week_people, _usual(volume), chance)
        for (topic, volume), chance, stands_out in zip(watched, chances, rules.discoveries(chances), strict=True)
        if stands_out and volume.last_week_people >= rules.EMERGING_AUTHORS
    ]
    return sorted(found, key=lambda one: one.chance)


def _usual(volume: Volume) -> float:
    return sum(volume.weekly[:-1]) / max(len(volume.weekly) - 1, 1)


def posts(
    topic: TopicCard,
    viewer: Viewer,
    boards: Collection[int],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    only: Collection[Key] | None = None,
    cursor: str | None = None,
    size: int = 20,
) -> Page[Post]:
    """Return the contributions behind a figure, the latest first, page by page."""
    after = decode_cursor(cursor, lambda part: datetime.fromisoformat(str(part)), lambda part: int(str(part)))
    rows = queries.posts_about(
        topic.id,
        boards,
        since=since,
        until=until,
        only=only,
        after=None if after is None else (after[0], after[1]),
        size=size,
    )
    page = page_of(rows, size=size, key=lambda row: (row.written_at, row.id))
    return Page(shown(page.items, viewer), page.next)


def representatives(topic: TopicCard, viewer: Viewer, boards: Collection[int]) -> list[Post]:
    """Return the posts that show a topic best, as far as the viewer may see them."""
    rows = queries.posts_about(topic.id, boards, only=topic.representatives)
    order = {key: place for place, key in enumerate(topic.representatives)}
    return shown(sorted(rows, key=lambda row: order[row.kind, row.id]), viewer)


def shown(rows: Sequence[PostRow], viewer: Viewer) -> list[Post]:
    """Return contributions with their words, as the viewer may see them; the others are left out."""
    things = {(row.kind, row.id) for row in rows} | {(row.thread_kind, row.thread_id) for row in rows}
    cards = community.describe(viewer, things)
    said = {kind: [row.id for row in rows if row.kind == kind] for kind in KINDS}
    words = {one.key: one for kind, ids in said.items() if ids for one in texts.some(kind, ids)}
    people = members.member_cards(row.author_id for row in rows)
    found = []
    for row in rows:
        thread = cards.get((row.thread_kind, row.thread_id))
        own = words.get((row.kind, row.id))
        if thread is None or own is None:
            continue
        card = cards.get((row.kind, row.id), thread)
        body = own.text.partition("\n")[2] if own.opens else own.text
        author = people.get(row.author_id)
        found.append(
            Post(
                row.kind,
                thread.title,
                card.url,
                excerpt(body or own.text, 240),
                own.lang,
                author.name if author else "",
                author.url if author else "",
                row.written_at,
                row.share,
            )
        )
    return found
