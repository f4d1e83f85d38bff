"""Sending mails: what is due is looked at once more, written and handed over, one after the other."""

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from email.message import EmailMessage

import structlog
from flask_babel import force_locale
from prometheus_client import Counter

from portal.kernel.database import transaction
from portal.members import mail
from portal.members.policy import Viewer
from portal.members.queries.several import viewers_of
from portal.notifications import digests, mails, queries, words
from portal.notifications.models import Settings
from portal.notifications.rules.kinds import Kind, State, Way, ways_of
from portal.notifications.services import delivering
from portal.notifications.services.delivering import Claimed
from portal.notifications.smtp import Away, BadAddress, BadMessage, Conversation, NotNow
from portal.notifications.tokens import Unsubscribe

log = structlog.get_logger(__name__)
AT_ONCE = 25
"""So many are written before the first of them goes: what is asked anew is seconds old when the last one does."""
LONGEST = 20.0
"""Seconds of one run; others want the worker, too."""
gone_out = Counter("portal_notices_sent_total", "What left the portal", ("way", "how"))


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Why something is not sent after all."""

    why: str


def send_mails(longest: float = LONGEST) -> bool:
    """Send what is due, for a while; return whether to go on at once. Each message is its own transaction."""
    until = time.monotonic() + longest
    while time.monotonic() < until:
        with transaction():
            batch = delivering.claim((Way.MAIL, Way.DIGEST), AT_ONCE)
        if not batch:
            return False
        if not _send(batch):
            return False
    return True


@dataclass(frozen=True, slots=True)
class Context:
    """What the messages of a batch need to know, read together; seconds old when the last of them goes."""

    viewers: Mapping[int, Viewer]
    addresses: Mapping[int, str]
    settings: Mapping[int, Settings]
    choices: Mapping[int, Mapping[tuple[str, str], bool]]
    rows: Mapping[int, queries.NoticeRow]


def context_of(batch: Sequence[Claimed]) -> Context:
    """Read what a batch needs."""
    members = {one.member_id for one in batch}
    return Context(
        viewers_of(members),
        queries.addresses_of(members),
        queries.settings_among(members),
        queries.choices_of(members),
        queries.notices_by_id([one.notification_id for one in batch if one.notification_id is not None]),
    )


def _send(batch: list[Claimed]) -> bool:
    """Send a batch over one connection; False when the server went away: what is left waits."""
    left = list(batch)
    try:
        with Conversation() if mail.has_server() else nullcontext() as conversation:
            for one, message in _written(batch):
                _send_one(one, message, conversation)
                left.remove(one)
    except Away as away:
        log.warning("mail server away", said=str(away), waiting=len(left))
        with transaction():
            for one in left:
                delivering.postpone(one, str(away), patient=True)
        return False
    return True


def _written(batch: Sequence[Claimed]) -> list[tuple[Claimed, EmailMessage | Unwanted | Exception]]:
    """Write a batch of mails; one that cannot be written does not hold up the others."""
    found: list[tuple[Claimed, EmailMessage | Unwanted | Exception]] = []
    with transaction():
        context = context_of(batch)
        for one in batch:
            try:
                found.append((one, prepare(one, context)))
            except Exception as error:
                log.exception("mail not written", delivery=one.id)
                found.append((one, error))
    return found


def _send_one(one: Claimed, message: EmailMessage | Unwanted | Exception, conversation: Conversation | None) -> None:
    if isinstance(message, Unwanted | Exception) or conversation is None:
        with transaction():
            if isinstance(message, Unwanted):
                _end(one, State.DROPPED, message.why)
            elif isinstance(message, Exception):
                delivering.postpone(one, repr(message))
            else:
                _keep(one, message)
        return
    try:
        said = conversation.hand_over(message, lambda: _begin(one))
    except NotNow as later:
        with transaction():
            delivering.postpone(one, str(later))
        return
    except (BadAddress, BadMessage) as never:
        with transaction():
            if isinstance(never, BadAddress):
                delivering.refuse_address(one.member_id, str(message["To"]), str(never))
            _end(one, State.REFUSED, str(never))
        return
    with transaction():
        _end(one, State.SENT, said)


def _begin(one: Claimed) -> None:
    """Note, for good, that the text goes out now.

    :raise Away: when another worker has it: the half-told message is given up with the conversation.
    """
    with transaction():
        mine = delivering.begin(one.id)
    if not mine:
        raise Away("another worker has this message")


def _keep(one: Claimed, message: EmailMessage) -> None:
    """Keep a mail as a file where there is no server."""
    if not mail.is_kept():
        _end(one, State.DROPPED, "no mail server")
    elif delivering.begin(one.id):
        mail.keep(message)
        _end(one, State.SENT, "kept as a file")


def _end(one: Claimed, state: State, said: str) -> None:
    delivering.end(one.id, state, said)
    gone_out.labels(one.way, state.value).inc()


def prepare(one: Claimed, context: Context) -> EmailMessage | Unwanted:
    """Write a mail, or say why it is not wanted any more: everything is asked again, for time has passed."""
    viewer, address = context.viewers.get(one.member_id), context.addresses.get(one.member_id)
    if viewer is None or address is None:
        return Unwanted("no confirmed address")
    settings = context.settings[one.member_id]
    if not settings.mails:
        return Unwanted("wants no mails")
    if settings.refused_address == address:
        return Unwanted("this address does not exist")
    with force_locale(viewer.lang or "en"):
        if one.way == Way.DIGEST:
            return digests.written(one, viewer, address) or Unwanted("nothing new")
        return _notice(one, viewer, address, context)


def _notice(one: Claimed, viewer: Viewer, address: str, context: Context) -> EmailMessage | Unwanted:
    row = context.rows.get(one.notification_id or 0)
    if row is None or row.read_at is not None:
        return Unwanted("read already" if row is not None else "taken back")
    if Way.MAIL not in ways_of(Kind(row.kind), context.choices.get(viewer.id, {})):
        return Unwanted("not wanted by mail any more")
    dressed = words.show_in(viewer, [row], (words.PLAIN, words.mailed(mails.site())))
    if not dressed[0]:
        return Unwanted("not to be seen any more")
    (plain,), (marked,) = dressed
    return mails.written(
        "notifications/mail/notice",
        key=one.key,
        to=address,
        subject=plain.sentence.rstrip("."),
        stop=Unsubscribe(viewer.id, row.kind, *(plain.mute or ("", 0))),
        thread=f"{row.subject_kind}:{row.subject_id}" if row.subject_id is not None else "",
        plain=plain,
        marked=marked,
        kind_words=words.kind_words()[Kind(row.kind)],
        url=f"{mails.site()}/notifications/{row.id}",
    )
