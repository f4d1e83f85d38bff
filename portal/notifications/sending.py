"""Sending mails: what is due is looked at once more, written and handed over, one after the other."""

import time
from collections.abc import Sequence
from email.message import EmailMessage

import structlog
from prometheus_client import Counter

from portal.kernel.database import transaction
from portal.members import mail
from portal.notifications import letters, queries
from portal.notifications.checking import Unwanted, known_of
from portal.notifications.letters import Later, Letter
from portal.notifications.rules.kinds import State, Way
from portal.notifications.services import delivering
from portal.notifications.services.delivering import Claimed
from portal.notifications.smtp import Away, BadAddress, BadMessage, Conversation, NotNow

log = structlog.get_logger(__name__)
AT_ONCE = 25
"""So many are written before the first of them goes: what is asked anew is seconds old when the last one does."""
LONGEST = 20.0
"""Seconds of one run; others want the worker, too."""
gone_out = Counter("portal_notices_sent_total", "What left the portal", ("way", "how"))


def send_mails(longest: float = LONGEST) -> bool:
    """Send what is due, for a while, over one connection; return whether to go on at once.

    Each message is its own transaction.
    """
    until = time.monotonic() + longest
    with Conversation() as conversation:
        while time.monotonic() < until:
            with transaction():
                batch = delivering.claim((Way.MAIL, Way.DIGEST), AT_ONCE)
            if not batch or not _send(batch, conversation):
                return False
    return True


def _send(batch: Sequence[Claimed], conversation: Conversation) -> bool:
    """Send a batch; False when the server went away: what is left waits."""
    left = {one.id: one for one in batch}
    try:
        for letter in _written(batch):
            _settle(letter, conversation)
            for one in letter.parts:
                del left[one.id]
    except Away as away:
        log.warning("mail server away", said=str(away), waiting=len(left))
        with transaction():
            for one in left.values():
                delivering.postpone(one, str(away), patient=True)
        return False
    return True


def _written(batch: Sequence[Claimed]) -> list[Letter]:
    members = {one.member_id for one in batch}
    with transaction():
        known = known_of(members, [one.notification_id for one in batch if one.notification_id is not None])
        return letters.written(batch, known, queries.mails_this_hour(members))


def _settle(letter: Letter, conversation: Conversation) -> None:
    """Hand a letter over, or note why it does not go."""
    match letter.content:
        case EmailMessage() as message if mail.has_server():
            _hand_over(letter, message, conversation)
        case EmailMessage() as message:
            with transaction():
                _keep(letter, message)
        case Unwanted(why):
            with transaction():
                _end(letter, State.DROPPED, why)
        case Later():
            with transaction():
                delivering.rest(letter.parts)
        case Exception() as error:
            _postpone(letter, repr(error))


def _hand_over(letter: Letter, message: EmailMessage, conversation: Conversation) -> None:
    member_id, address = letter.parts[0].member_id, str(message["To"])
    try:
        said = conversation.hand_over(message, lambda: _begin(letter))
    except NotNow as later:
        _postpone(letter, str(later))
    except (BadAddress, BadMessage) as never:
        with transaction():
            if isinstance(never, BadAddress):
                delivering.note_refusal(member_id, address, str(never), for_good=never.is_unknown)
            _end(letter, State.REFUSED, str(never))
    else:
        with transaction():
            if letter.refused_before:
                delivering.note_arrival(member_id)
            _end(letter, State.SENT, said)


def _begin(letter: Letter) -> None:
    """Note, for good, that the text goes out now.

    :raise Away: when another worker has it: the half-told message is given up with the conversation.
    """
    with transaction():
        mine = delivering.begin(letter.parts)
    if not mine:
        raise Away("another worker has this message")


def _keep(letter: Letter, message: EmailMessage) -> None:
    """Keep a mail as a file where there is no server."""
    if not mail.is_kept():
        _end(letter, State.DROPPED, "no mail server")
    elif delivering.begin(letter.parts):
        mail.keep(message)
        _end(letter, State.SENT, "kept as a file")


def _postpone(letter: Letter, said: str) -> None:
    with transaction():
        for one in letter.parts:
            delivering.postpone(one, said)


def _end(letter: Letter, state: State, said: str) -> None:
    delivering.end(letter.parts, state, said)
    for one in letter.parts:
        gone_out.labels(one.way, state.value).inc()
