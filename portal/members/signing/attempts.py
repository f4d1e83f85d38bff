"""Attempts to sign in: how many are allowed, and the note of those that failed, for the eyes of whose account it is."""

from flask import Response, after_this_request, request

from portal.kernel.database import transaction
from portal.members import services
from portal.members.signing.services import tickets
from portal.members.signing.throttle import (
    CODE,
    EVERYWHERE,
    LINK,
    LINKS_EVERYWHERE,
    SIGN_IN,
    SIGN_UP,
    Try,
    give_back,
    is_open,
    take,
    take_at_once,
)

NOBODYS = "nobody"
TOGETHER = "all"


def may_try(account: str, *, code: bool = False) -> bool:
    """Count an attempt, and return whether it may be made: for this account, from this address, by all together.

    :param account: what stands for the account: what was typed, or the member's id.
    """
    return take_at_once(*_attempt(account, code=code))


def was_right(account: str, *, code: bool = False) -> None:
    """Take back what `may_try` counted: only attempts that fail count."""
    give_back(*_attempt(account, code=code))


def failed(member_id: int | None, *, way: str, outcome: str) -> None:
    """Note an attempt that failed for the member whose account it is.

    The note is written after the refused request has been rolled back. When nobody has that account, as much is written
    for nobody: the answer takes as long.
    """
    agent, address = request.headers.get("User-Agent", ""), request.remote_addr or ""

    def write(response: Response) -> Response:
        with transaction():
            if member_id is None:
                tickets.issue(NOBODYS, minutes=0)
            else:
                services.note_failed_sign_in(member_id, way=way, outcome=outcome, agent=agent, address=address)
        return response

    after_this_request(write)


def may_come_from_here() -> bool:
    """Return whether somebody at this address may begin a way of signing in that names no account."""
    return is_open((SIGN_IN, _here()), (EVERYWHERE, TOGETHER))


def refused_here() -> None:
    """Count that such a way led nowhere."""
    take_at_once((SIGN_IN, _here()), (EVERYWHERE, TOGETHER))


def may_mail(account: str) -> bool:
    """Count a link that is mailed, and return whether it may be.

    :param account: the address that was typed, or what stands for the member.
    """
    return take((LINK, _named(account)), (LINK, _here()), (LINKS_EVERYWHERE, TOGETHER))


def may_sign_up(account: str) -> bool:
    """Count an account that somebody at this address wants to open, and return whether it may be; a mail goes with it.

    :param account: the e-mail address that was typed.
    """
    return take((SIGN_UP, _here()), (LINK, _named(account)), (LINKS_EVERYWHERE, TOGETHER))


def _attempt(account: str, *, code: bool) -> list[Try]:
    limit = CODE if code else SIGN_IN
    return [(limit, _named(account)), (limit, _here()), (EVERYWHERE, TOGETHER)]


def _named(account: str) -> str:
    return f"account:{account.strip().casefold()[:254]}"


def _here() -> str:
    return f"address:{request.remote_addr}"
