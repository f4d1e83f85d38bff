"""What happens around guests, invitations, identities, and accounts that are one person's."""

from dataclasses import dataclass
from typing import ClassVar

from portal.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestActed(Event):
    """Somebody who came as a guest confirmed her address, and what she did counts from now on."""

    subject: ClassVar[str] = "member"

    member_id: int
    kind: str
    """``vote``, ``idea`` or ``question``."""
    new: bool
    """Whether she had no account before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberInvited(Event):
    """Somebody was asked to join; the address stands with the invitation."""

    subject: ClassVar[str] = "invitation"

    invitation_id: int
    kind: str
    organisation_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationAccepted(Event):
    """A member joined by an invitation, with a new account or the one she had."""

    subject: ClassVar[str] = "member"

    member_id: int
    invitation_id: int
    kind: str
    organisation_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPlaced(Event):
    """A member is of another kind, of another organisation, or looks after it, or no longer does."""

    subject: ClassVar[str] = "member"

    member_id: int
    kind: str
    organisation_id: int | None
    organisation_admin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProven(Event):
    """A member has shown that a further address or handle is hers."""

    subject: ClassVar[str] = "member"

    member_id: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberUnlinkedFromCrm(Event):
    """A member is not this contact of the CRM after all."""

    subject: ClassVar[str] = "member"

    member_id: int
    contact_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersMerged(Event):
    """Two accounts are one person's: the kept one stands for both from now on."""

    subject: ClassVar[str] = "member"

    member_id: int
    """The one that is kept."""
    gone_id: int
    merge_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersUnmerged(Event):
    """Two accounts were not one person's after all: each has again what it had."""

    subject: ClassVar[str] = "member"

    member_id: int
    """The one that was kept."""
    gone_id: int
    merge_id: int
