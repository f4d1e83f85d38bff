"""Signed words in the links of mails: whoever holds one may stop that kind of mail for its reader, and nothing else."""

from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer

from portal.kernel.keys import signing_keys

SALT = "portal.notifications.unsubscribe"
EVERYTHING = "everything"
"""Stands for all kinds, in a mail that tells of several."""


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """What a link stops: for whom, which kind of mail, about which thing."""

    member_id: int
    kind: str
    thing_kind: str = ""
    thing_id: int = 0


def sign(what: Unsubscribe) -> str:
    """Return the words of a link. They never expire: a mail can be old."""
    return str(_serializer().dumps([what.member_id, what.kind, what.thing_kind, what.thing_id]))


def read(token: str) -> Unsubscribe | None:
    """Return what a link stops, or None for one that we did not make."""
    try:
        member_id, kind, thing_kind, thing_id = _serializer().loads(token)
    except (BadData, ValueError, TypeError):
        return None
    return Unsubscribe(int(member_id), str(kind), str(thing_kind), int(thing_id))


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(signing_keys(), salt=SALT)
