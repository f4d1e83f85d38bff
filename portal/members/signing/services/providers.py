"""Accounts elsewhere with which members sign in: whose they are, linked and unlinked.

A link is an `identity` of kind ``oidc`` whose value is the issuer and the subject, as the provider's signed token said.
"""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid, NotFound, Refused
from portal.kernel.outbox import publish
from portal.kernel.text import clean_line
from portal.members import queries
from portal.members.events.signing import ProviderLinked, ProviderUnlinked
from portal.members.models import ApiToken, Identity, Member
from portal.members.rules import NAME_MAX
from portal.members.services import (
    LANGUAGES,
    clean_email,
    confirm_address,
    create_member,
    new_uniquifier,
    set_password_hash,
)
from portal.members.signing.models import Passkey
from portal.members.signing.services import second_step

KIND = "oidc"


@dataclass(frozen=True, slots=True)
class Word:
    """What a provider says of somebody, after all checks."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str
    lang: str | None

    @property
    def value(self) -> str:
        """Return what stands in the identity."""
        return f"{self.issuer} {self.subject}"


@dataclass(frozen=True, slots=True)
class Link:
    """An account elsewhere that opens a member's account here."""

    id: int
    issuer: str
    email: str
    since: datetime


def member_by(word: Word) -> int | None:
    """Return whose account here this account elsewhere opens."""
    return db.session.scalar(
        select(Identity.member_id)
        .join(Member, Member.id == Identity.member_id)
        .where(Identity.kind == KIND, Identity.value == word.value, Identity.verified, Member.active)
    )


def member_for(word: Word, *, lang: str) -> int:
    """Return who signs in: whoever linked this account, whoever has the address that it vouches for, or somebody new.

    Only an address that the provider has verified links. An account here whose address nobody confirmed may have been
    made by somebody else in her name: whatever opened it until now opens it no longer.

    :raise Refused: when the provider does not vouch for an address, or the account here is closed.
    """
    known = member_by(word)
    if known is not None:
        return known
    if word.email is None or not word.email_verified:
        raise Refused(
            _l("This provider does not vouch for your address. Sign in here first, then link it in your account.")
        )
    address = clean_email(word.email)
    owner = queries.member_by_email(address)
    if owner is None:
        member_id = _newcomer(word, address, lang)
    elif not owner.active:
        raise Refused(_l("This account is closed. Write to us if that is a mistake."))
    else:
        member_id = owner.id
        if owner.email_verified_at is None:
            _take_keys_away(member_id)
            confirm_address(member_id)
    link(member_id, word)
    return member_id


def link(member_id: int, word: Word) -> None:
    """Let an account elsewhere open this member's account; again changes nothing.

    :raise Refused: when it opens somebody else's.
    """
    known = db.session.scalar(
        select(Identity.member_id).where(Identity.kind == KIND, Identity.value == word.value, Identity.verified)
    )
    if known == member_id:
        return
    if known is not None:
        raise Refused(_l("That account is linked to somebody else here."))
    evidence = f"signed token of {word.issuer}"
    db.session.add(Identity(member_id=member_id, kind=KIND, value=word.value, verified=True, evidence=evidence))
    publish(ProviderLinked(actor_id=member_id, member_id=member_id, issuer=word.issuer))


def unlink(member_id: int, identity_id: int) -> None:
    """Let an account elsewhere no longer open this member's account.

    :raise NotFound: when there is no such link.
    :raise Refused: when it is the only way in that she has.
    """
    mine = [one for one in links_of(member_id) if one.id == identity_id]
    if not mine:
        raise NotFound(_l("You have no such link."))
    if not _has_other_way(member_id, len(links_of(member_id))):
        raise Refused(_l("It is the only way in that you have. Set a password or add a passkey first."))
    db.session.execute(delete(Identity).filter_by(id=identity_id))
    publish(ProviderUnlinked(actor_id=member_id, member_id=member_id, issuer=mine[0].issuer))


def links_of(member_id: int) -> list[Link]:
    """Return the accounts elsewhere that open this member's account."""
    rows = db.session.scalars(
        select(Identity).where(Identity.member_id == member_id, Identity.kind == KIND).order_by(Identity.id)
    )
    return [Link(row.id, row.value.partition(" ")[0], row.evidence, row.since) for row in rows]


def _has_other_way(member_id: int, links: int) -> bool:
    has_password = db.session.scalar(select(Member.password.is_not(None)).filter_by(id=member_id))
    has_passkey = db.session.scalar(select(Passkey.id).filter_by(member_id=member_id).limit(1)) is not None
    return bool(has_password) or has_passkey or links > 1


def _newcomer(word: Word, address: str, lang: str) -> int:
    try:
        name = clean_line(word.name, field="name", most=NAME_MAX)
    except Invalid:
        name = address.partition("@")[0][:NAME_MAX]
    spoken = word.lang if word.lang in LANGUAGES else lang
    made = create_member(email=address, name=name, lang=spoken, verified=True, origin="sign_up")
    return made.id


def _take_keys_away(member_id: int) -> None:
    """Make whatever opened an account until now useless."""
    set_password_hash(member_id, None)
    new_uniquifier(member_id)
    second_step.stop_requiring(member_id)
    db.session.execute(delete(Passkey).filter_by(member_id=member_id))
    db.session.execute(delete(Identity).filter_by(member_id=member_id, kind=KIND))
    db.session.execute(
        update(ApiToken).filter_by(member_id=member_id).where(ApiToken.revoked_at.is_(None)).values(revoked_at=now())
    )
