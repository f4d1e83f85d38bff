"""Letters: what of a batch is still wanted, put together for each member and written in her language."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage

import structlog
from flask_babel import force_locale

from portal.kernel.speech import gettext as _
from portal.kernel.speech import ngettext
from portal.members.policy import Viewer
from portal.notifications import digests, labels, mails, words
from portal.notifications.checking import Known, Unwanted, why_silent
from portal.notifications.queries import NoticeRow
from portal.notifications.rules.kinds import Kind, Way
from portal.notifications.rules.times import HOURLY
from portal.notifications.services.delivering import Claimed
from portal.notifications.tokens import EVERYTHING, Unsubscribe

log = structlog.get_logger(__name__)
SINGLY = 3
"""More that is due to one member at the same time is told in one mail."""
LISTED = 20


@dataclass(frozen=True, slots=True)
class Later:
    """A member has had so many mails that the rest waits, and then goes as one."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What becomes of some deliveries of one member: one message for all of them, or why there is none."""

    parts: tuple[Claimed, ...]
    content: EmailMessage | Unwanted | Later | Exception
    refused_before: bool = False
    """Whether its address was refused lately: then an arrival is worth a note."""


def written(batch: Sequence[Claimed], known: Known, sent: Mapping[int, int]) -> list[Letter]:
    """Write the mails of a batch; what cannot be written does not hold up the others.

    :param sent: how many mails of notices each member has had within the hour.
    """
    by_member: dict[int, list[Claimed]] = {}
    for one in batch:
        by_member.setdefault(one.member_id, []).append(one)
    return [letter for who, mine in by_member.items() for letter in _to_member(who, mine, known, sent.get(who, 0))]


def _to_member(who: int, mine: Sequence[Claimed], known: Known, sent: int) -> list[Letter]:
    viewer, address = known.viewers.get(who), known.addresses.get(who)
    if viewer is None or address is None or (why := _why_none(who, address, known)):
        return [Letter(tuple(mine), Unwanted("no confirmed address" if viewer is None or address is None else why))]
    try:
        with force_locale(viewer.lang or "en"):
            found = [Letter((one,), _digest(one, viewer, address)) for one in mine if one.way == Way.DIGEST]
            found += _notices([one for one in mine if one.way == Way.MAIL], viewer, address, known, sent)
        return [replace(letter, refused_before=known.settings[who].refusals > 0) for letter in found]
    except Exception as error:
        log.exception("mails not written", deliveries=[one.id for one in mine])
        return [Letter((one,), error) for one in mine]


def _why_none(who: int, address: str, known: Known) -> str:
    settings = known.settings[who]
    if not settings.mails:
        return "wants no mails"
    return "this address does not work" if settings.refused_address == address else ""


def _digest(one: Claimed, viewer: Viewer, address: str) -> EmailMessage | Unwanted:
    return digests.written(one, viewer, address) or Unwanted("nothing new")


@dataclass(frozen=True, slots=True)
class _News:
    """A notice that is to be told, without and with links."""

    one: Claimed
    row: NoticeRow
    plain: words.Notice
    marked: words.Notice


def _notices(mine: Sequence[Claimed], viewer: Viewer, address: str, known: Known, sent: int) -> list[Letter]:
    """Return a letter for each notice; for more than a few, or too many within the hour, one for all of them."""
    gone = {one.id: why for one in mine if (why := why_silent(_row(one, known), Way.MAIL, known))}
    rows = [row for one in mine if one.id not in gone and (row := _row(one, known)) is not None]
    plain, marked = words.show_in(viewer, rows, (words.PLAIN, words.mailed(mails.site())), known.people)
    shown = {notice.id: (notice, other) for notice, other in zip(plain, marked, strict=True)}
    news = [_News(one, row, *shown[row.id]) for one in mine if (row := _row(one, known)) and row.id in shown]
    news = [each for each in news if each.one.id not in gone]
    told = {each.one.id for each in news}
    letters = [Letter((one,), Unwanted(gone.get(one.id, "not to be seen any more")))
               for one in mine if one.id not in told]  # fmt: skip
    urgent = [each for each in news if each.row.details.get("urgent")]
    calm = [each for each in news if not each.row.details.get("urgent")]
    letters += [Letter((each.one,), _single(each, viewer, address, known)) for each in urgent]
    if calm and sent >= HOURLY:
        return [*letters, Letter(tuple(each.one for each in calm), Later())]
    if len(calm) > SINGLY:
        return [*letters, Letter(tuple(each.one for each in calm), _several(calm, viewer, address))]
    return letters + [Letter((each.one,), _single(each, viewer, address, known)) for each in calm]


def _row(one: Claimed, known: Known) -> NoticeRow | None:
    return known.rows.get(one.notification_id or 0)


def _single(news: _News, viewer: Viewer, address: str, known: Known) -> EmailMessage:
    row, plain = news.row, news.plain
    subject = (row.subject_kind, row.subject_id or 0)
    page = known.threads.get(subject, subject)
    return mails.written(
        "notifications/mail/notice",
        key=news.one.key,
        to=address,
        subject=plain.sentence.rstrip("."),
        stop=Unsubscribe(viewer.id, row.kind, *(plain.mute or ("", 0))),
        thread=f"{page[0]}:{page[1]}" if row.subject_id is not None else "",
        plain=plain,
        marked=news.marked,
        quote=words.quote_of(row),
        kind_words=labels.kind_words()[Kind(row.kind)],
        url=f"{mails.site()}/notifications/{row.id}",
    )


def _several(news: Collection[_News], viewer: Viewer, address: str) -> EmailMessage:
    """Write one mail of many notices. What one click stops is their kind, or all mails where they are of several."""
    kinds = {each.row.kind for each in news}
    first = min(news, key=lambda each: each.one.id)
    listed = sorted(news, key=lambda each: each.row.fresh_at, reverse=True)[:LISTED]
    only, count = next(iter(kinds)) if len(kinds) == 1 else "", len(news)
    return mails.written(
        "notifications/mail/several",
        key=first.one.key,
        to=address,
        subject=ngettext("%(num)d thing is new for you", "%(num)d things are new for you", count, num=count),
        stop=Unsubscribe(viewer.id, only or EVERYTHING),
        listed=listed,
        more=count - len(listed),
        kind_words=labels.kind_words()[Kind(only)] if only else "",
        url=f"{mails.site()}/notifications",
        heading=_("New for you"),
    )
