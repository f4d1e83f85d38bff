"""What happens to the ways in which a member signs in. No address, no secret stands in any of these."""

from dataclasses import dataclass
from typing import ClassVar

from portal.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondStepChanged(Event):
    """A member is asked for a second step from now on, or no longer."""

    subject: ClassVar[str] = "member"

    member_id: int
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodesMade(Event):
    """A member has new recovery codes; the old ones open nothing."""

    subject: ClassVar[str] = "member"

    member_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodeUsed(Event):
    """A member came in with a recovery code."""

    subject: ClassVar[str] = "member"

    member_id: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyAdded(Event):
    """A device of a member's opens her account from now on."""

    subject: ClassVar[str] = "member"

    member_id: int
    passkey_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRemoved(Event):
    """A device of a member's no longer opens her account."""

    subject: ClassVar[str] = "member"

    member_id: int
    passkey_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderLinked(Event):
    """A member signs in with an account that she has elsewhere."""

    subject: ClassVar[str] = "member"

    member_id: int
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderUnlinked(Event):
    """A member no longer signs in with an account that she has elsewhere."""

    subject: ClassVar[str] = "member"

    member_id: int
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAddressChanged(Event):
    """A member has another address, and has shown that it is hers."""

    subject: ClassVar[str] = "member"

    member_id: int
