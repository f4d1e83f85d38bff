"""Digests: on a member's own morning, what is new on what she follows and close to it; nothing when nothing is new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage

from portal.community import facade as community
from portal.ideas import facade as ideas
from portal.kernel.clock import now
from portal.kernel.speech import gettext as _
from portal.kernel.speech import ngettext
from portal.members.policy import Viewer
from portal.notifications import mails, queries, words
from portal.notifications.checking import known_of, why_silent
from portal.notifications.rules.kinds import Kind, Level, Way, ways_of
from portal.notifications.rules.times import Clock, digest_is_due, digest_slot, since_of
from portal.notifications.services import digesting
from portal.notifications.services.delivering import Claimed
from portal.notifications.tokens import Unsubscribe
from portal.support import facade as support

CANDIDATES, POSTS, NOTICES = 60, 6, 12
STOP = "digest"


@dataclass(frozen=True, slots=True)
class Post:
    """A new idea or question that may interest a member."""

    kind: str
    id: int
    title: str
    url: str
    lang: str | None
    board_id: int
    author_id: int
    created_at: datetime
    votes: int


def plan() -> int:
    """Put down the digests whose hour has come; return how many. Repeated and missed runs change nothing."""
    moment, planned = now(), 0
    for who, settings, asked in digesting.readers():
        slot = digest_slot(
            moment, rhythm=settings.rhythm, weekday=settings.weekday, hour=settings.hour, name=settings.time_zone
        )
        seen_to = max(asked, settings.digest_slot or asked)
        if slot is None or not digest_is_due(slot, seen_to=seen_to, moment=moment, rhythm=settings.rhythm):
            continue
        clock = queries.clock_of(settings.time_zone, settings.quiet_from, settings.quiet_to)
        digesting.put_down(who, slot=slot, day=clock.local(slot).date(), due=clock.when(moment))
        planned += 1
    return planned


def written(one: Claimed, viewer: Viewer, address: str) -> EmailMessage | None:
    """Write a member's digest; None when there is nothing new, or she does not want it any more."""
    if not digesting.agrees(viewer.id):
        return None
    settings = queries.settings_of(viewer.id)
    since = digesting.last_sent(viewer.id) or since_of(one.made_at, settings.rhythm)
    plain, marked = words.show_in(viewer, _rows(viewer, since), (words.PLAIN, words.mailed(mails.site())))
    posts = _posts(viewer, since)
    if not plain and not posts:
        return None
    clock = Clock(settings.time_zone)
    return mails.written(
        "notifications/mail/digest",
        key=one.key,
        to=address,
        subject=_subject(plain, posts),
        stop=Unsubscribe(viewer.id, STOP),
        plain=plain,
        marked=marked,
        posts=posts,
        near=bool(community.followed_by(viewer.id, limit=1)),
        when={notice.id: clock.local(notice.row.fresh_at) for notice in plain},
        rhythm=settings.rhythm,
    )


def _subject(notices: Sequence[words.Notice], posts: Sequence[Post]) -> str:
    if notices:
        n = len(notices)
        return ngettext(
            "%(num)d thing is new on what you follow", "%(num)d things are new on what you follow", n, num=n
        )
    return _("New here: %(title)s", title=posts[0].title)


def _rows(viewer: Viewer, since: datetime) -> list[queries.NoticeRow]:
    """Return what she has not read and was not mailed, of the kinds that she wants in the digest."""
    chosen = queries.choices_of([viewer.id]).get(viewer.id, {})
    wanted = [kind.value for kind in Kind if Way.DIGEST in ways_of(kind, chosen)]
    rows = digesting.unread_since(viewer.id, since, wanted, NOTICES)
    known = known_of([viewer.id], [row.id for row in rows])
    return [row for row in rows if why_silent(row, Way.DIGEST, known) is None]


def _posts(viewer: Viewer, since: datetime) -> list[Post]:
    """Return the new posts nearest to what she follows; without anything followed, the most wanted of them."""
    followed = community.followed_by(viewer.id)
    mine = set(followed)
    candidates = [
        post
        for post in (*_ideas(viewer), *_questions(viewer))
        if post.created_at > since and post.author_id != viewer.id and (post.kind, post.id) not in mine
    ]
    if not candidates:
        return []
    near = _nearness(candidates, followed, queries.places_of(viewer.id))
    if followed:
        candidates = [post for post in candidates if near[post.kind, post.id] > 0]
    candidates.sort(key=lambda post: (-near[post.kind, post.id], -post.votes, post.id))
    return candidates[:POSTS]


def _nearness(
    posts: Sequence[Post], followed: Sequence[tuple[str, int]], places: Mapping[tuple[str, int], str]
) -> dict[tuple[str, int], float]:
    """Return how near each post is: the topics it shares with what she follows, and a whole for its board or author."""
    interest: dict[int, float] = {}
    for kind in ("idea", "question"):
        ids = [thing_id for what, thing_id in followed if what == kind]
        for labels in community.topics_of(kind, ids).values():
            for label in labels:
                interest[label.id] = interest.get(label.id, 0.0) + label.weight
    most = max(interest.values(), default=1.0)
    near: dict[tuple[str, int], float] = {}
    for kind in ("idea", "question"):
        topics = community.topics_of(kind, [post.id for post in posts if post.kind == kind])
        for post in (one for one in posts if one.kind == kind):
            if Level.MUTE in {places.get(("board", post.board_id)), places.get(("member", post.author_id))}:
                near[kind, post.id] = -1.0
                continue
            shared = sum(label.weight * interest.get(label.id, 0.0) / most for label in topics.get(post.id, ()))
            watched = ("board", post.board_id) in followed or places.get(("board", post.board_id)) == Level.ALL
            near[kind, post.id] = shared + watched + (("member", post.author_id) in followed)
    return near


def _ideas(viewer: Viewer) -> list[Post]:
    rows = ideas.ideas_for_home(viewer, ideas.Sort.NEWEST, CANDIDATES)
    return [
        Post("idea", row.id, row.title, row.url, row.lang, row.board_id, row.author_id, row.created_at, row.votes)
        for row in rows
    ]


def _questions(viewer: Viewer) -> list[Post]:
    rows = support.latest_questions(viewer, CANDIDATES)
    return [
        Post("question", row.id, row.title, f"/questions/{row.id}", row.lang, row.board_id, row.author_id,
             row.created_at, row.same_problem)
        for row in rows
    ]  # fmt: skip
