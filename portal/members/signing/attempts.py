"""Attempts to sign in: how many are allowed, and the note of those that failed, for the eyes of whose account it is."""

from flask import Response, after_this_request, request

from portal.kernel.database import transaction
from portal.members import services
from portal.members.signing.services import tickets
from portal.members.signing.throttle import CODE, EVERYWHERE, LINK, SIGN_IN, throttle

NOBODYS = "nobody"


def may_try(account: str | None, *, code: bool = False) -> bool:
    """Return whether another attempt is allowed for this account, from this address, and for all together.

    :param account: what stands for the account: what was typed, or the member's id; None when nobody is named.
    """
    limit = CODE if code else SIGN_IN
    counts = throttle()
    return counts.is_open(limit, _keys(account)) and counts.is_open(EVERYWHERE, ["all"])


def failed(account: str | None, member_id: int | None, *, way: str, outcome: str, code: bool = False) -> None:
    """Count an attempt that failed, and note it for the member whose account it is.

    The note is written after the refused request has been rolled back. When nobody has that account, as much is written
    for nobody: the answer takes as long.
    """
    throttle().count(CODE if code else SIGN_IN, _keys(account))
    throttle().count(EVERYWHERE, ["all"])
    agent, address = request.headers.get("User-Agent", ""), request.remote_addr or ""

    def write(response: Response) -> Response:
        with transaction():
            if member_id is None:
                tickets.issue(NOBODYS, minutes=0)
            else:
                services.note_failed_sign_in(member_id, way=way, outcome=outcome, agent=agent, address=address)
        return response

    after_this_request(write)


def _keys(account: str | None) -> list[str]:
    from_here = f"address:{request.remote_addr}"
    return [from_here] if account is None else [f"account:{account.casefold()[:254]}", from_here]


def may_mail(address: str) -> bool:
    """Count a link that is mailed, and return whether it may be."""
    counts, keys = throttle(), _keys(address)
    if not counts.is_open(LINK, keys):
        return False
    counts.count(LINK, keys)
    return True
