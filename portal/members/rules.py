"""Kinds, roles and audiences. Pure decisions: values in, verdict out."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Who a member is to the company."""

    CUSTOMER = "customer"
    SUPPLIER = "supplier"
    PARTNER = "partner"
    STAFF = "staff"


class Role(StrEnum):
    """What a member may do beyond taking part."""

    MODERATOR = "moderator"
    SUPPORT_AGENT = "support_agent"
    BRAND_MANAGER = "brand_manager"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may see a board: everybody, or members of some kinds, organisations or segments. Admins always may."""

    public: bool
    kinds: frozenset[str] = frozenset()
    organisations: frozenset[int] = frozenset()
    segments: frozenset[str] = frozenset()


def audience_of(rule: str) -> Audience:
    """Read ``public`` or rules joined by ``;``, such as ``kinds:supplier,staff;organisations:12;segments:shop_owners``.

    :raise ValueError: for a rule that is not one of these.
    """
    if rule.strip() == "public":
        return Audience(public=True)
    parts: dict[str, frozenset[str]] = {}
    for part in rule.split(";"):
        name, _, values = part.strip().partition(":")
        if name not in {"kinds", "organisations", "segments"} or name in parts or not values:
            raise ValueError(rule)
        parts[name] = frozenset(value.strip() for value in values.split(","))
    return Audience(
        public=False,
        kinds=parts.get("kinds", frozenset()),
        organisations=frozenset(map(int, parts.get("organisations", ()))),
        segments=parts.get("segments", frozenset()),
    )


def is_in_audience(
    rule: str, *, kind: str | None, roles: Collection[str], segments: Collection[str], organisation_id: int | None
) -> bool:
    """Return whether somebody of this kind (None: nobody has signed in) belongs to an audience."""
    audience = audience_of(rule)
    if audience.public or Role.ADMIN in roles:
        return True
    if kind is None:
        return False
    named = kind in audience.kinds or organisation_id in audience.organisations
    return named or not audience.segments.isdisjoint(segments)


BY_HERSELF = frozenset({"sign_up", "guest", "oidc", "provider"})
"""Ways to join that nobody vouches for."""
ERASED = "erased"
"""Why something is out of sight for good: its author had it erased."""
GONE = frozenset({ERASED, "author"})
"""Why something is out of sight for its author, too: she took it back, or had it erased."""


class Scope(StrEnum):
    """What a token for programs may do; `ADMIN` only with the role of an admin behind it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class Purpose(StrEnum):
    """What a member may agree to."""

    CRM = "crm"
    DIGESTS = "digests"
    LISTENING = "listening"
    PROFILING = "profiling"


OFFERED = (Purpose.CRM, Purpose.PROFILING, Purpose.DIGESTS)
"""Purposes that something here heeds. Nobody is asked to agree to what nothing does: no channel is listened to yet."""
TERMS = 1
"""Version of the terms that members accept when they join."""
TEXTS: dict[str, int] = {Purpose.CRM: 1, Purpose.DIGESTS: 1, Purpose.LISTENING: 1, Purpose.PROFILING: 1}
"""Version of each purpose's text. Raised with its words, whoever agreed to an older one is asked again."""
TERMS_ACCEPTED = "terms"
"""Under this name the acceptance of the terms stands among the consents."""
AGREED_BY_DEFAULT = frozenset({Purpose.CRM, Purpose.PROFILING})
"""Purposes that the terms themselves name; each can be withdrawn at any moment."""
NAME_MAX = 80
BIO_MAX = 2000
PASSWORD_LEAST = 10
PASSWORD_MOST = 128
TOKENS_MOST = 20
SEEN_EVERY = 3600
"""Seconds between two notes that a member was here."""
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


def own_path(way: str | None, otherwise: str = "/") -> str:
    """Return where to go on: a path of our own site, never another site's address in any disguise."""
    return way if way is not None and _OWN_PATH.fullmatch(way) else otherwise


def unknown(words: Collection[str], known: type[StrEnum]) -> list[str]:
    """Return the words that are not among the known ones."""
    return sorted(set(words) - {member.value for member in known})
