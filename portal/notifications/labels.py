"""What kinds, reasons and ways are called, and what a member has muted, in her language."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.community import facade as community
from portal.kernel.speech import gettext as _
from portal.kernel.speech import pgettext
from portal.members.policy import Viewer
from portal.members.queries import member_cards
from portal.notifications.rules.kinds import Kind, Level, Why


def reason_of(why: str) -> str:
    """Return why a member is told this."""
    reasons: Mapping[str, str] = {
        Why.AUTHOR: _("Because you wrote it."),
        Why.ASKER: _("Because you asked."),
        Why.COMMENTER: _("Because you commented."),
        Why.MENTIONED: _("Because your name stands in it."),
        Why.ANSWERER: _("Because you answered."),
        Why.SUPPORTER: _("Because you support it."),
        Why.FOLLOWER: _("Because you follow it."),
        Why.WATCHER: _("Because you want to hear everything of this board."),
        Why.READER_OF: _("Because you follow who wrote it."),
        Why.EXPERT: _("We ask you because you are likely to know."),
        Why.CONCERNED: _("Because it is about you."),
        Why.STAFF: _("Because it is among your duties."),
    }
    return reasons[why]


def kind_words() -> dict[Kind, str]:
    """Return what each kind is called where members choose."""
    return {
        Kind.REPLY: _("Somebody replies to you or comments on your post"),
        Kind.MENTION: _("Somebody mentions you"),
        Kind.ANSWER: _("Somebody answers your question"),
        Kind.ACCEPTED: _("Your answer is chosen or checked"),
        Kind.HELPED: _("Your answer is found useful"),
        Kind.SAME: _("Somebody has your problem, too"),
        Kind.FLAG: _("What you flagged was looked at"),
        Kind.DECISION: _("The company decides about your idea"),
        Kind.STAGE: _("An idea that you support or follow moves on"),
        Kind.MERGE: _("An idea that you support is joined with another"),
        Kind.FOLLOWED: _("Something new on what you follow"),
        Kind.POSTED: _("New posts on boards and by people you follow"),
        Kind.ASKED: _("We ask you for an answer"),
        Kind.INVITATION: _("Somebody invites you"),
        Kind.TRUST: _("What you may do here changes"),
        Kind.MODERATION: _("Moderators decide about your post"),
        Kind.DUTY: _("Duties of the staff"),
    }


def title_of(viewer: Viewer, kind: str, thing_id: int) -> str:
    """Return the title of a thing that a member may see; nothing for any other."""
    card = community.describe(viewer, [(kind, thing_id)]).get((kind, thing_id)) if thing_id else None
    return card.title if card is not None else ""


@dataclass(frozen=True, slots=True)
class Muted:
    """A thing or a person that a member hears nothing of."""

    kind: str
    id: int
    title: str
    url: str


def muted(viewer: Viewer, places: Mapping[tuple[str, int], str]) -> list[Muted]:
    """Return what a member has muted, boards aside."""
    silent = [place for place, level in places.items() if level == Level.MUTE and place[0] != "board"]
    cards = community.describe(viewer, [place for place in silent if place[0] != "member"])
    people = member_cards([thing_id for kind, thing_id in silent if kind == "member"])
    found = [Muted(kind, thing_id, card.title, card.url) for (kind, thing_id), card in cards.items()]
    return found + [Muted("member", who, card.name, card.url) for who, card in people.items()]


def way_words() -> dict[str, str]:
    """Return what the ways are called."""
    return {
        "page": pgettext("way", "Here"),
        "mail": pgettext("way", "Mail"),
        "push": pgettext("way", "Push"),
        "digest": pgettext("way", "Digest"),
    }
