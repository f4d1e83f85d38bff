"""What is looked at before it is shown: first posts and links of newcomers, and what is very likely spam."""

from typing import Any

from portal.community.screening import Post, Why, keepers
from portal.kernel.database import db
from portal.members import queries as members
from portal.members.policy import Viewer
from portal.members.queries import arrivals
from portal.members.services import audit
from portal.moderation import rules, spam, things
from portal.moderation.models import HoldingRule
from portal.moderation.services import queue
from portal.moderation.services import spam as memory
from portal.moderation.spam import Author


def hold(post: Post) -> str | None:
    """Return why a post waits, or None. Staff and those who are trusted cost no question."""
    viewer = post.viewer
    if viewer.is_staff or viewer.trust_level > 0 or viewer.joined_days >= rules.NEWCOMER_DAYS:
        return None
    return Why.HELD.value if _whys(post.text, viewer, post.board_id) else None


def _whys(words: str, viewer: Viewer, board_id: int) -> list[str]:
    who = newcomer(viewer)
    if not rules.is_newcomer(who):
        return []
    first_posts, links = rule_of(board_id)
    verdict = memory.judge(words, author_of(viewer, who.seen_posts))
    return rules.why_hold(
        who,
        first_posts=first_posts,
        links=links,
        has_link=bool(spam.links(words)),
        spam=verdict.probability,
    )


def newcomer(viewer: Viewer) -> rules.Newcomer:
    """Return what the rule must know of somebody."""
    return rules.Newcomer(
        staff=viewer.is_staff,
        trust_level=viewer.trust_level,
        joined_days=viewer.joined_days,
        by_herself=arrivals.came_by_herself(viewer.id, viewer.joined_days),
        seen_posts=seen_posts(viewer.id),
    )


def seen_posts(member_id: int) -> int:
    """Return how many posts of a member can be seen, counted up to where she is no newcomer any more."""
    seen = 0
    for keeper in keepers().values():
        if seen >= rules.NEWCOMER_POSTS:
            break
        seen += keeper.count_seen(member_id, rules.NEWCOMER_POSTS - seen)
    return seen


def author_of(viewer: Viewer, seen: int | None = None) -> Author:
    """Return what of an author says something about spam."""
    return Author(viewer.joined_days, viewer.verified, seen_posts(viewer.id) if seen is None else seen)


def rule_of(board_id: int) -> tuple[int, bool]:
    """Return how many first posts a board holds, and whether it holds links."""
    rule = db.session.get(HoldingRule, board_id)
    return (rules.FIRST_POSTS, True) if rule is None else (rule.first_posts, rule.links)


def set_rule(board_id: int, *, first_posts: int, links: bool, actor: Viewer) -> None:
    """Say what a board holds of newcomers; nought and no links: nothing."""
    few = min(max(first_posts, 0), rules.NEWCOMER_POSTS)
    rule = db.session.get(HoldingRule, board_id)
    if rule is None:
        db.session.add(HoldingRule(board_id=board_id, first_posts=few, links=links))
    else:
        rule.first_posts, rule.links = few, links
    db.session.flush()
    audit.note(actor.id, "moderation.holding", "board", board_id, first_posts=few, links=links)


def wait(kind: str, thing_id: int, board_id: int, author_id: int, why: str) -> None:
    """Put what begins to wait into the queue, with the reasons and how likely it is spam."""
    if why != Why.HELD:
        return
    viewer = members.viewer_of(author_id)
    thing = things.one(kind, thing_id)
    words = f"{thing.title}\n{thing.body}" if thing.under is None else thing.body
    known: dict[str, Any] = {"held": _whys(words, viewer, board_id) or ["screened"]}
    verdict = memory.judge(words, author_of(viewer))
    memory.remember(kind, thing_id, verdict)
    known |= {"spam": round(verdict.probability, 4), "because": [list(pair) for pair in verdict.reasons]}
    queue.bring(
        rules.Queue.POST,
        kind,
        thing_id,
        lambda why_now: {**why_now, **known},
        board_id=board_id,
        author_id=author_id,
        visible=False,
    )
