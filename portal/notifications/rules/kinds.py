"""What members are told, why, and by which ways unless they choose otherwise. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """How news reaches a member."""

    PAGE = "page"
    MAIL = "mail"
    PUSH = "push"
    DIGEST = "digest"


class Tab(StrEnum):
    """What the list of notices can be narrowed to."""

    YOU = "you"
    IDEAS = "ideas"
    ASKED = "asked"


class Kind(StrEnum):
    """What a notice is about. The first are the most direct: of two reasons to tell the same, the earlier stands."""

    MODERATION = "moderation"
    MENTION = "mention"
    ANSWER = "answer"
    REPLY = "reply"
    DECISION = "decision"
    ACCEPTED = "accepted"
    ASKED = "asked"
    INVITATION = "invitation"
    MERGE = "merge"
    STAGE = "stage"
    HELPED = "helped"
    SAME = "same"
    FLAG = "flag"
    TRUST = "trust"
    FOLLOWED = "followed"
    POSTED = "posted"
    DUTY = "duty"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a kind behaves: its tab, its icon, the ways it takes by default, and whether a board's mute holds for it."""

    tab: Tab
    icon: str
    ways: frozenset[Way]
    mutable: bool = True


# A mail is asked for by an act of one's own (a question, a post, a duty taken on). A mention is the act of another.
_DIRECT = frozenset({Way.PAGE, Way.MAIL, Way.PUSH})
_CALM = frozenset({Way.PAGE, Way.DIGEST})
MANNERS: Mapping[Kind, Manner] = {
    Kind.MODERATION: Manner(Tab.YOU, "shield", _DIRECT, mutable=False),
    Kind.MENTION: Manner(Tab.YOU, "user", _CALM | {Way.PUSH}),
    Kind.ANSWER: Manner(Tab.YOU, "answer", _DIRECT),
    Kind.REPLY: Manner(Tab.YOU, "comment", _DIRECT),
    Kind.DECISION: Manner(Tab.IDEAS, "calendar", _DIRECT),
    Kind.ACCEPTED: Manner(Tab.YOU, "check", _CALM | {Way.PUSH}),
    Kind.ASKED: Manner(Tab.ASKED, "question", _CALM | {Way.PUSH}),
    Kind.INVITATION: Manner(Tab.YOU, "users", _CALM, mutable=False),
    Kind.MERGE: Manner(Tab.IDEAS, "merge", _CALM),
    Kind.STAGE: Manner(Tab.IDEAS, "calendar", _CALM),
    Kind.HELPED: Manner(Tab.YOU, "answer", _CALM),
    Kind.SAME: Manner(Tab.YOU, "users", _CALM),
    Kind.FLAG: Manner(Tab.YOU, "alert", _CALM, mutable=False),
    Kind.TRUST: Manner(Tab.YOU, "shield", _CALM, mutable=False),
    Kind.FOLLOWED: Manner(Tab.YOU, "comment", _CALM),
    Kind.POSTED: Manner(Tab.YOU, "bell", _CALM),
    Kind.DUTY: Manner(Tab.YOU, "alert", frozenset({Way.PAGE, Way.MAIL, Way.PUSH}), mutable=False),
}
RANK = {kind: place for place, kind in enumerate(Kind)}


class Why(StrEnum):
    """The reason that stands under each notice and in each mail."""

    AUTHOR = "author"
    ASKER = "asker"
    COMMENTER = "commenter"
    MENTIONED = "mentioned"
    ANSWERER = "answerer"
    SUPPORTER = "supporter"
    FOLLOWER = "follower"
    WATCHER = "watcher"
    """She wants to hear everything of the board."""
    READER_OF = "reader_of"
    """She follows who wrote it."""
    EXPERT = "expert"
    CONCERNED = "concerned"
    """It is about herself."""
    STAFF = "staff"


class Level(StrEnum):
    """How much a member wants to hear of a place."""

    ALL = "all"
    MUTE = "mute"


class State(StrEnum):
    """How far something that leaves the portal has come."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DROPPED = "dropped"
    """Not sent, and rightly so: read meanwhile, not to be seen any more, not wanted any more."""
    REFUSED = "refused"
    """The other side said no for good."""
    DOUBTFUL = "doubtful"
    """We were stopped between the last byte and the answer: it may have arrived, so it is not sent again."""


def ways_by_default(kind: Kind) -> frozenset[Way]:
    """Return the ways a kind takes for who has chosen nothing."""
    return MANNERS[kind].ways


def ways_of(kind: Kind, chosen: Mapping[tuple[str, str], bool]) -> frozenset[Way]:
    """Return the ways a kind takes for a member who chose as given, by kind and way."""
    ways = ways_by_default(kind)
    return frozenset(way for way in Way if chosen.get((kind.value, way.value), way in ways))


def kinds_of(tab: Tab) -> list[str]:
    """Return the kinds that a tab shows."""
    return [kind.value for kind, manner in MANNERS.items() if manner.tab is tab]


def kinds_for(*, is_staff: bool) -> list[Kind]:
    """Return the kinds that can reach a member: duties are the staff's."""
    return [kind for kind in Kind if kind is not Kind.DUTY or is_staff]
