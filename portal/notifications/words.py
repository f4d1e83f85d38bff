"""What a notice says, in the reader's language: in the page with links, in mail and push without."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from markupsafe import Markup, escape

from portal.analytics.facade import BADGES, LEVELS, TrustLevel
from portal.community import facade as community
from portal.community.facade import Card
from portal.kernel.formats import day
from portal.kernel.speech import gettext as _
from portal.kernel.speech import ngettext
from portal.members.inviting.queries import InvitationCard, open_invitations
from portal.members.policy import Viewer
from portal.members.queries import MemberCard, member_cards
from portal.notifications import labels
from portal.notifications.queries import NoticeRow
from portal.notifications.rules.kinds import MANNERS, Kind, Why
from portal.support import facade as support

STAGE_ICONS = {"shipped", "declined", "planned", "making", "review", "submitted"}
INVITATION = "invitation"
LONGEST_TITLE, LONGEST_QUOTE = 120, 600


@dataclass(frozen=True, slots=True)
class Act:
    """The one thing a member can do about a notice."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as it is shown: sentence and reason are markup in the page, plain text elsewhere."""

    id: int
    kind: str
    icon: str
    sentence: str
    reason: str
    row: NoticeRow
    url: str
    act: Act | None = None
    mute: tuple[str, int] | None = None
    actor: MemberCard | None = None
    """Who did it, if it was one person."""

    @property
    def is_new(self) -> bool:
        """Return whether it is unread."""
        return self.row.read_at is None


@dataclass(frozen=True, slots=True)
class Dress:
    """How a name and a title are written."""

    strong: Callable[[str], str]
    link: Callable[[str, str, str | None], str]
    plain: Callable[[str], str]


def _link(title: str, url: str, lang: str | None) -> str:
    if lang:
        return Markup('<a href="{}" lang="{}">{}</a>').format(url, lang, title)
    return Markup('<a href="{}">{}</a>').format(url, title)


HTML = Dress(lambda text: Markup("<b>{}</b>").format(text), _link, escape)


def mailed(site: str) -> Dress:
    """Return how names and titles are written in a mail: as in the page, with whole addresses."""
    return Dress(HTML.strong, lambda title, url, lang: _link(title, f"{site}{url}", lang), HTML.plain)


PLAIN = Dress(str, lambda title, _url, _lang: _("“%(title)s”", title=title), str)


def show(viewer: Viewer, rows: Sequence[NoticeRow], dress: Dress = HTML) -> list[Notice]:
    """Return notices as this member may see them; what she may not see (any more) is left out."""
    return show_in(viewer, rows, (dress,))[0]


def show_in(
    viewer: Viewer,
    rows: Sequence[NoticeRow],
    dresses: Sequence[Dress],
    people: Mapping[int, MemberCard] | None = None,
) -> list[list[Notice]]:
    """Return the same notices in several dresses.

    :param people: who did it, where that is known already.
    """
    cards = community.describe(viewer, {_thing(row) for row in rows if _is_thing(row)})
    if people is None:
        people = member_cards([who for row in rows for who in row.actor_ids])
    asked = [row.subject_id or 0 for row in rows if row.subject_kind == INVITATION]
    seen = Seen(cards, people, open_invitations(asked))
    return [[notice for row in rows if (notice := _notice(row, seen, dress)) is not None] for dress in dresses]


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands behind notices, as far as their reader may see it."""

    cards: Mapping[tuple[str, int], Card]
    people: Mapping[int, MemberCard]
    invitations: Mapping[int, InvitationCard]


def _thing(row: NoticeRow) -> tuple[str, int]:
    return (row.subject_kind, row.subject_id or 0)


def _is_thing(row: NoticeRow) -> bool:
    return row.subject_id is not None and row.subject_kind in {"idea", "question", "answer"}


def _notice(row: NoticeRow, seen: Seen, dress: Dress) -> Notice | None:
    card, people = seen.cards.get(_thing(row)), seen.people
    invitation = seen.invitations.get(row.subject_id or 0) if row.subject_kind == INVITATION else None
    kind = Kind(row.kind)
    if card is None and _is_thing(row) and kind is not Kind.MODERATION:
        return None
    if invitation is None and row.subject_kind == INVITATION:
        return None
    told = Told(row, card, [people[who].name for who in row.actor_ids if who in people], dress, invitation)
    sentence = SENTENCES[kind](told)
    return Notice(
        id=row.id,
        kind=row.kind,
        icon=_icon(kind, row),
        sentence=sentence if dress is PLAIN else Markup(sentence),  # noqa: S704 - made of escaped parts
        reason=labels.reason_of(row.why),
        row=row,
        url=told.url,
        act=_act(kind, told),
        actor=people.get(row.actor_ids[0]) if len(row.actor_ids) == 1 and MANNERS[kind].mutable else None,
        mute=(row.subject_kind, row.subject_id or 0) if card is not None and MANNERS[kind].mutable else None,
    )


def _icon(kind: Kind, row: NoticeRow) -> str:
    stage = str(row.details.get("stage", ""))
    return f"stage-{stage}" if stage in STAGE_ICONS else MANNERS[kind].icon


@dataclass(frozen=True, slots=True)
class Told:
    """What a sentence is made of."""

    row: NoticeRow
    card: Card | None
    names: Sequence[str]
    dress: Dress
    invitation: InvitationCard | None = None

    @property
    def url(self) -> str:
        """Return where the thing stands."""
        if self.card is None:
            return str(self.row.details.get("url") or "/notifications")
        anchor = self.row.details.get("anchor")
        return f"{self.card.url.partition('#')[0]}#{anchor}" if anchor else self.card.url

    @property
    def what(self) -> str:
        """Return the thing's title; in the page the link that marks the notice as read and leads there."""
        if self.card is None:
            return self.dress.plain(_("your post"))
        title = self.card.title
        short = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"
        return self.dress.link(short, f"/notifications/{self.row.id}", self.card.lang)

    @property
    def who(self) -> str:
        """Return who did it: one name, two, or one and how many others."""
        if not self.names:
            return self.dress.plain(_("Somebody"))
        first = self.dress.strong(self.names[0])
        others = self.row.people - 1
        if others <= 0:
            return first
        if others == 1 and len(self.names) > 1:
            return _("%(first)s and %(other)s", first=first, other=self.dress.strong(self.names[1]))
        return ngettext("%(first)s and %(num)d other person", "%(first)s and %(num)d other people", others, first=first)

    @property
    def people(self) -> int:
        """Return how many did it."""
        return max(self.row.people, 1)

    def detail(self, name: str) -> str:
        """Return a detail as text that can stand in the sentence."""
        return self.dress.plain(str(self.row.details.get(name) or ""))


def _reply(told: Told) -> str:
    n, values = told.people, {"who": told.who, "what": told.what}
    if told.row.why == Why.COMMENTER:
        return ngettext("%(who)s replied to your comment on %(what)s.",
                        "%(who)s replied to your comment on %(what)s.", n, **values)  # fmt: skip
    if told.row.subject_kind == "idea":
        return ngettext("%(who)s commented on your idea %(what)s.",
                        "%(who)s commented on your idea %(what)s.", n, **values)  # fmt: skip
    if told.row.subject_kind == "answer":
        return ngettext("%(who)s commented on your answer to %(what)s.",
                        "%(who)s commented on your answer to %(what)s.", n, **values)  # fmt: skip
    return ngettext("%(who)s commented on your question %(what)s.",
                    "%(who)s commented on your question %(what)s.", n, **values)  # fmt: skip


def _mention(told: Told) -> str:
    return ngettext("%(who)s mentioned you: %(what)s.", "%(who)s mentioned you: %(what)s.",
                    told.people, who=told.who, what=told.what)  # fmt: skip


def _answer(told: Told) -> str:
    return ngettext("%(who)s answered your question %(what)s.", "%(who)s answered your question %(what)s.",
                    told.people, who=told.who, what=told.what)  # fmt: skip


def _followed(told: Told) -> str:
    n, values = told.people, {"who": told.who, "what": told.what}
    if told.row.details.get("answered"):
        return ngettext("%(who)s answered %(what)s.", "%(who)s answered %(what)s.", n, **values)
    return ngettext("%(who)s commented on %(what)s.", "%(who)s commented on %(what)s.", n, **values)


def _accepted(told: Told) -> str:
    values = {"who": told.who, "what": told.what}
    match told.row.details.get("mark"):
        case "verified":
            return _("%(who)s checked your answer to %(what)s: it is right.", **values)
        case "official":
            return _("Your answer to %(what)s is now the company’s own.", what=told.what)
        case "outdated":
            return _("%(who)s marked your answer to %(what)s as outdated.", **values)
    return _("%(who)s chose your answer to %(what)s.", **values)


def _helped(told: Told) -> str:
    return ngettext("%(num)d person found your answer to %(what)s useful.",
                    "%(num)d people found your answer to %(what)s useful.",
                    max(told.row.acts, 1), what=told.what)  # fmt: skip


def _same(told: Told) -> str:
    return ngettext("%(num)d person has the same problem: %(what)s.",
                    "%(num)d people have the same problem: %(what)s.",
                    max(told.row.acts, 1), what=told.what)  # fmt: skip


def stage_word(key: str) -> str:
    """Return what a stage is called."""
    known = {
        "submitted": _("Submitted"),
        "review": _("Under review"),
        "planned": _("Planned"),
        "making": _("In the making"),
        "shipped": _("Shipped"),
        "declined": _("Declined"),
    }
    return known.get(key, key)


def _stage(told: Told) -> str:
    before, after = (str(told.row.details.get(name) or "") for name in ("before", "stage"))
    if before == after:
        return _("The company has answered %(what)s.", what=told.what)
    values = {"what": told.what, "stage": told.dress.strong(stage_word(after))}
    if told.row.details.get("answered"):
        return _("%(what)s is now “%(stage)s”, with an answer of the company.", **values)
    return _("%(what)s is now “%(stage)s”.", **values)


def _posted(told: Told) -> str:
    if told.row.subject_kind == "question":
        return _("%(who)s asks: %(what)s", who=told.who, what=told.what)
    return _("%(who)s proposes: %(what)s", who=told.who, what=told.what)


def _asked(told: Told) -> str:
    return _("%(who)s asks: %(what)s", who=told.who, what=told.what)


def _merge(told: Told) -> str:
    if told.row.subject_kind == "question":
        return _("A question that you have, too, was joined with %(what)s.", what=told.what)
    if told.row.details.get("until"):
        until = day(datetime.fromisoformat(str(told.row.details["until"])))
        return _(
            "An idea that you support was joined with %(what)s. Your vote counts once; you can leave until %(day)s.",
            what=told.what,
            day=until,
        )
    return _("An idea that you support was joined with %(what)s. Your vote counts once.", what=told.what)


def _moderation(told: Told) -> str:
    values = {"what": told.what}
    known = {
        "released": _("%(what)s has been looked at and can be seen now.", **values),
        "hidden": _("Moderators took %(what)s out of sight.", **values),
        "undone": _("A decision of the moderators about %(what)s was taken back.", **values),
        "suspended": _("You can read and not write for now: moderators decided so."),
        "unsuspended": _("You can write again."),
        "appeal": _("Another moderator has looked again: the decision stands."),
        "appeal granted": _("Another moderator has looked again: you were right."),
    }
    return known.get(str(told.row.details.get("act")), _("Moderators decided about %(what)s.", **values))


def _flag(told: Told) -> str:
    if told.row.details.get("upheld"):
        return _("What you flagged was looked at, and you were right. Thank you.")
    return _("What you flagged was looked at, and it stays. Thank you for your care.")


def _trust(told: Told) -> str:
    match told.row.details.get("act"):
        case "roles":
            return _("What you may do here has changed: see your account.")
        case "badge":
            badge = told.dress.strong(str(BADGES[str(told.row.details["badge"])]))
            return _("You have a new badge, %(badge)s: see what for.", badge=badge)
        case "benefit":
            return _("The company has something for you: see what, and what for.")
    before, after = (int(told.row.details.get(name) or 0) for name in ("before", "after"))
    level = told.dress.strong(str(LEVELS[TrustLevel(after)]))
    if after > before:
        return _("You may do more from today. Your level is %(level)s: see what it opens, and why.", level=level)
    return _("You may do less from today. Your level is %(level)s: see why, and how it returns.", level=level)


def _invitation(told: Told) -> str:
    invitation = told.invitation
    name = (invitation.organisation if invitation else None) or current_app.config["PORTAL_NAME"]
    return _(
        "%(who)s asks you to join %(name)s. Open the link that we have sent you by mail to accept.",
        who=told.who,
        name=told.dress.strong(name),
    )


def _duty(told: Told) -> str:
    match told.row.details.get("duty"):
        case "gateway":
            return _("Nothing reaches the CRM “%(name)s” until you act. It said: %(said)s",
                     name=told.detail("gateway"), said=told.detail("said"))  # fmt: skip
        case "flag":
            return _("A post was flagged and waits for a moderator.")
        case "held":
            return _("A post is held back and waits for a moderator.")
        case "appeal":
            return _("An appeal waits for a moderator.")
    return _("Something waits for the staff.")


SENTENCES: Mapping[Kind, Callable[[Told], str]] = {
    Kind.MODERATION: _moderation,
    Kind.MENTION: _mention,
    Kind.ANSWER: _answer,
    Kind.REPLY: _reply,
    Kind.DECISION: _stage,
    Kind.ACCEPTED: _accepted,
    Kind.ASKED: _asked,
    Kind.INVITATION: _invitation,
    Kind.MERGE: _merge,
    Kind.STAGE: _stage,
    Kind.HELPED: _helped,
    Kind.SAME: _same,
    Kind.TRUST: _trust,
    Kind.FLAG: _flag,
    Kind.FOLLOWED: _followed,
    Kind.POSTED: _posted,
    Kind.DUTY: _duty,
}


def _act(kind: Kind, told: Told) -> Act | None:
    match kind:
        case Kind.ASKED:
            return Act(_("Answer"), f"{told.url}#answer")
        case Kind.DUTY:
            duty = told.row.details.get("duty")
            return Act(_("Look"), "/staff/crm" if duty == "gateway" else "/staff/moderation")
        case Kind.MODERATION if told.row.details.get("appeal"):
            return Act(_("See why"), str(told.row.details["appeal"]))
        case Kind.MERGE if told.row.details.get("until"):
            return Act(_("Choose"), str(told.row.details["url"]))
        case Kind.INVITATION | Kind.TRUST | Kind.MODERATION if told.row.details.get("url"):
            return Act(_("Open"), str(told.row.details["url"]))
    return None


def quote_of(row: NoticeRow) -> str:
    """Return the beginning of the comment or answer that a notice leads to, as it was typed; nothing for others."""
    kind, _dash, number = str(row.details.get("anchor") or "").partition("-")
    said = ""
    if kind == "comment" and (comment := community.comment_row(int(number))) and not comment.hidden:
        said = comment.body
    elif kind == "answer" and (answers := support.answer_texts_of([int(number)])):
        said = answers[0].body
    said = said.strip()
    return said if len(said) <= LONGEST_QUOTE else said[: LONGEST_QUOTE - 1].rstrip() + "…"
