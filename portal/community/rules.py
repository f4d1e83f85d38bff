"""What holds for boards, comments, tags and impressions. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

STAGES = ("submitted", "review", "planned", "making", "shipped", "declined")
COMMENT_MAX = 10_000
TAG_MAX = 40
TAGS_MAX = 8
IMPRESSION_DAYS = 90


class BoardType(StrEnum):
    """What a board gathers."""

    IDEAS = "ideas"
    SUPPORT = "support"


class Voting(StrEnum):
    """How a board's members vote."""

    SUPPORT = "support"
    SUPPORT_NOT_FOR_ME_SKIP = "support_not_for_me_skip"


class Target(StrEnum):
    """What can be commented on or followed."""

    IDEA = "idea"
    QUESTION = "question"
    ANSWER = "answer"
    MEMBER = "member"
    TAG = "tag"
    BOARD = "board"


class Origin(StrEnum):
    """Where somebody met a thing: the list, the search, a link. Kept with impressions and votes."""

    NEWEST = "newest"
    RISING = "rising"
    WANTED = "wanted"
    EXPLORE = "explore"
    ANSWER_DUE = "answer_due"
    HOME = "home"
    SEARCH = "search"
    SIMILAR = "similar"
    LINK = "link"
    API = "api"
    STAFF = "staff"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Branch:
    """A comment's place in the drawn thread: itself, and its replies in order of time.

    Of a long row of replies the earlier ones are left out; ``left_out`` is how many.
    """

    id: int
    replies: tuple[int, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a thread that is drawn: the latest branches, or those before a certain one."""

    branches: tuple[Branch, ...]
    earlier: int = 0
    """How many branches come before."""
    before: int | None = None
    """The branch before which the earlier ones stand, to be asked for."""
    later: bool = False


def origin_of(word: str | None) -> str:
    """Return a known origin, `Origin.LINK` for anything else."""
    return word if word in set(Origin) else Origin.LINK.value


def viewer_key(salt: str, viewer: str) -> str:
    """Return the key under which a viewer is known for one day: 16 hex digits."""
    return blake2b(viewer.encode(), key=salt.encode()[:64], digest_size=8).hexdigest()


def thread(parents: dict[int, int | None]) -> list[Branch]:
    """Return comments, given in order of time as id → parent, as a thread drawn two levels deep.

    A reply to a reply stays on the second level; a reply whose parent is not there stands on its own.
    """
    top: dict[int, list[int]] = {}
    root: dict[int, int] = {}
    for comment_id, parent_id in parents.items():
        if parent_id is None or parent_id not in root:
            root[comment_id] = comment_id
            top[comment_id] = []
        else:
            root[comment_id] = root[parent_id]
            top[root[parent_id]].append(comment_id)
    return [Branch(comment_id, tuple(replies)) for comment_id, replies in top.items()]


class Reaction(StrEnum):
    """How a member may react to a text."""

    THANKS = "thanks"
    AGREE = "agree"
    INSIGHTFUL = "insightful"
    CELEBRATE = "celebrate"


BRANCHES_SHOWN, REPLIES_SHOWN = 30, 8


def folded(branches: Sequence[Branch], *, opened: int | None = None) -> list[Branch]:
    """Return branches with the latest of their replies; all of the one that is opened."""
    return [one if one.id == opened else _folded(one) for one in branches]


def window(branches: Sequence[Branch], *, before: int | None = None, opened: int | None = None) -> Window:
    """Return the part of a thread that is drawn at once.

    :param before: a comment: only branches before it are drawn, the latest of them.
    :param opened: a branch of which every reply is drawn.
    """
    end = next((at for at, one in enumerate(branches) if one.id == before), len(branches))
    begin = max(end - BRANCHES_SHOWN, 0)
    drawn = folded(branches[begin:end], opened=opened)
    return Window(tuple(drawn), begin, branches[begin].id if begin else None, later=end < len(branches))


def _folded(one: Branch) -> Branch:
    left_out = max(len(one.replies) - REPLIES_SHOWN, 0)
    return Branch(one.id, one.replies[left_out:], left_out) if left_out > 1 else one


def thread_page_of(comment_id: int, parents: dict[int, int | None]) -> str:
    """Return what an address says so that a comment is among those that are drawn; nothing when it is so anyway."""
    branches = thread(parents)
    at = next((n for n, one in enumerate(branches) if comment_id == one.id or comment_id in one.replies), None)
    if at is None:
        return ""
    parts = []
    if at < len(branches) - BRANCHES_SHOWN:
        parts.append(f"before={branches[min(at + BRANCHES_SHOWN // 2, len(branches) - 1)].id}")
    if comment_id != branches[at].id and comment_id not in _folded(branches[at]).replies:
        parts.append(f"open={branches[at].id}")
    return "&".join(parts)


MENTIONS_MOST, MENTIONS_OF_NEWCOMERS = 10, 3
"""People whom one text may mention."""
MENTIONS_A_DAY, MENTIONS_A_DAY_OF_NEWCOMERS = 60, 10
DRAFT_DAYS = 90
DRAFTS_MOST = 100
DRAFT_MOST = 120_000
"""Characters of all fields of a draft together."""
UPLOADS_A_POST = 12
UPLOADS_A_DAY, UPLOADS_A_DAY_OF_NEWCOMERS = 100, 12
QUOTA, QUOTA_OF_NEWCOMERS = 500_000_000, 40_000_000
"""Bytes that a member's uploads may take."""
NEWCOMER_DAYS = 2


def is_newcomer(*, verified: bool, joined_days: int, level: int = 0) -> bool:
    """Return whether a member is so new that her limits are narrow."""
    return level == 0 and (not verified or joined_days < NEWCOMER_DAYS)


_UPLOADS = re.compile(r"\(/uploads/([0-9a-f]{32})\)")


def uploads_in(body: str) -> tuple[str, ...]:
    """Return the keys of the uploads that a text shows, each once."""
    return tuple(dict.fromkeys(_UPLOADS.findall(body)))


def reactions_of(marks: str | None) -> dict[str, tuple[int, bool]]:
    """Read ``agree:2 thanks:5*``: how many reacted in which way, and whether the viewer did."""
    found = {}
    for mark in (marks or "").split():
        name, _colon, count = mark.partition(":")
        found[name] = (int(count.rstrip("*")), count.endswith("*"))
    return found
