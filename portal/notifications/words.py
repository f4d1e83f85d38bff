"""What a notice says, in the reader's language: in the page with links, in mail and push without."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from portal.analytics.facade import BADGES, LEVELS, TrustLevel
from portal.community import facade as community
from portal.community.facade import Card
from portal.kernel.formats import day
from portal.kernel.speech import gettext as _
from portal.kernel.speech import ngettext, pgettext
from portal.members.policy import Viewer
from portal.members.queries import MemberCard, member_cards
from portal.notifications.queries import NoticeRow
from portal.notifications.rules.kinds import MANNERS, Kind, Level, Why

STAGE_ICONS = {"shipped", "declined", "planned", "making", "review", "submitted"}
LONGEST_TITLE = 120


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


def show_in(viewer: Viewer, rows: Sequence[NoticeRow], dresses: Sequence[Dress]) -> list[list[Notice]]:
    """Return the same notices in several dresses."""
    cards = community.describe(viewer, {_thing(row) for row in rows if _is_thing(row)})
    people = member_cards([who for row in rows for who in row.actor_ids])
    return [[notice for row in rows if (notice := _notice(row, cards, people, dress)) is not None] for dress in dresses]


def _thing(row: NoticeRow) -> tuple[str, int]:
    return (row.subject_kind, row.subject_id or 0)


def _is_thing(row: NoticeRow) -> bool:
    return row.subject_id is not None and row.subject_kind in {"idea", "question", "answer"}


def _notice(
    row: NoticeRow, cards: Mapping[tuple[str, int], Card], people: Mapping[int, MemberCard], dress: Dress
) -> Notice | None:
    card = cards.get(_thing(row))
    kind = Kind(row.kind)
    if card is None and _is_thing(row) and kind is not Kind.MODERATION:
        return None
    told = Told(row, card, [people[who].name for who in row.actor_ids if who in people], dress)
    sentence = SENTENCES[kind](told)
    return Notice(
        id=row.id,
        kind=row.kind,
        icon=_icon(kind, row),
        sentence=sentence if dress is PLAIN else Markup(sentence),  # noqa: S704 - made of escaped parts
        reason=reason_of(row),
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
    return _("%(who)s invites you to join %(name)s.", who=told.who, name=told.dress.strong(told.detail("name")))


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


def reason_of(row: NoticeRow) -> str:
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
    return reasons[row.why]


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
