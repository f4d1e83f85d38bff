"""What happens to members."""

from dataclasses import dataclass
from typing import ClassVar

from portal.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberJoined(Event):
    """Somebody has an account: by signing up, by an admin or from the demo texts."""

    subject: ClassVar[str] = "member"

    member_id: int
    kind: str
    origin: str
    """``sign_up``, ``staff``, ``command`` or ``demo``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAddressConfirmed(Event):
    """A member has shown that an address is hers; what was provisional counts from now on."""

    subject: ClassVar[str] = "member"

    member_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberProfileChanged(Event):
    """A member says something else about herself; ``fields`` names what."""

    subject: ClassVar[str] = "member"

    member_id: int
    fields: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPasswordChanged(Event):
    """A member has a new password; all her other sessions are closed."""

    subject: ClassVar[str] = "member"

    member_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRolesChanged(Event):
    """A member may do more, or less, than before."""

    subject: ClassVar[str] = "member"

    member_id: int
    before: list[str]
    after: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLinkedToCrm(Event):
    """A member is known to be a contact of the CRM, and by what evidence."""

    subject: ClassVar[str] = "member"

    member_id: int
    contact_id: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Event):
    """A member agrees to a purpose."""

    subject: ClassVar[str] = "member"

    member_id: int
    purpose: str
    terms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn(Event):
    """A member no longer agrees to a purpose."""

    subject: ClassVar[str] = "member"

    member_id: int
    purpose: str
    terms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsAccepted(Event):
    """A member accepts a version of the terms."""

    subject: ClassVar[str] = "member"

    member_id: int
    terms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureAsked(Event):
    """A member wants to be erased; it happens when some days have passed, unless she changes her mind."""

    subject: ClassVar[str] = "member"

    member_id: int
    texts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureCalledOff(Event):
    """A member has changed her mind and stays."""

    subject: ClassVar[str] = "member"

    member_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberErased(Event):
    """Nothing personal of a member is here any more; ``texts_removed``: what she wrote is gone, too."""

    subject: ClassVar[str] = "member"

    member_id: int
    texts_removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCreated(Event):
    """A member has a new token for programs."""

    subject: ClassVar[str] = "member"

    member_id: int
    token_id: int
    scopes: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(Event):
    """A token for programs no longer works."""

    subject: ClassVar[str] = "member"

    member_id: int
    token_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationChanged(Event):
    """What we know of an organisation is new or has changed, here or in the CRM."""

    subject: ClassVar[str] = "organisation"

    organisation_id: int
