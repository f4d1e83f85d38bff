"""Passkeys (WebAuthn level 3): a member's device signs what we send it; we keep the public half of its key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.outbox import publish
from portal.kernel.text import clean_line
from portal.members.events.signing import PasskeyAdded, PasskeyRemoved
from portal.members.models import Member
from portal.members.rules import NAME_MAX
from portal.members.signing.models import Passkey
from portal.members.signing.services import second_step, tickets

MOST = 20
MINUTES = 5
ADDING, PROVING = "passkey.add", "passkey.prove"
LONGEST = 16_384
"""Characters of an answer that are looked at at all."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks the device: the name it ties its keys to, the origin it must see, and what it shows."""

    id: str
    origin: str
    name: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Whose passkey signed, and whether the device checked that it is she (by finger, face or PIN)."""

    member_id: int
    checked: bool


def options_to_add(member_id: int, party: Party) -> dict[str, Any]:
    """Return what the browser hands to the device to make a passkey, with a ticket to bring back."""
    from webauthn import generate_registration_options
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    who = db.session.execute(select(Member.name, Member.email).filter_by(id=member_id)).one()
    known = _of(member_id)
    if len(known) >= MOST:
        raise Invalid(fields={"name": _l("You have %(most)d passkeys. Remove one first.", most=MOST)})
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=f"member-{member_id}".encode(),
        user_name=who.email or who.name,
        user_display_name=who.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=[_descriptor(row) for row in known],
    )
    return _with_ticket(options, ADDING, member_id)


def add(member_id: int, answer: str, *, name: str, ticket: str, party: Party) -> int:
    """Keep the passkey that a member's device made; return its id.

    :raise Invalid: for an answer that is not to our question, a key known already, a missing name.
    """
    from webauthn import verify_registration_response
    from webauthn.helpers import bytes_to_base64url
    from webauthn.helpers.exceptions import WebAuthnException

    line = clean_line(name, field="name", most=NAME_MAX)
    issued = tickets.redeem(ADDING, ticket)
    if issued is None or issued.member_id != member_id:
        raise _failed()
    said = _read(answer)
    try:
        made = verify_registration_response(
            credential=said,
            expected_challenge=_bytes(issued.data["challenge"]),
            expected_rp_id=party.id,
            expected_origin=party.origin,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise _failed() from error
    credential = bytes_to_base64url(made.credential_id)
    if db.session.scalar(select(Passkey.id).filter_by(credential=credential)) is not None:
        raise Invalid(fields={"name": _l("This device has a passkey here already.")})
    row = Passkey(
        member_id=member_id,
        credential=credential,
        public_key=bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
        transports=_transports(said),
        name=line,
    )
    db.session.add(row)
    db.session.flush()
    publish(PasskeyAdded(actor_id=member_id, member_id=member_id, passkey_id=row.id))
    return row.id


def options_to_prove(party: Party, member_id: int | None = None) -> dict[str, Any]:
    """Return what the browser hands to the device to sign, with a ticket; without a member, any passkey will do."""
    from webauthn import generate_authentication_options
    from webauthn.helpers.structs import UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=party.id,
        allow_credentials=[_descriptor(row) for row in _of(member_id)] if member_id is not None else None,
        user_verification=UserVerificationRequirement.PREFERRED
        if member_id is not None
        else UserVerificationRequirement.REQUIRED,
    )
    return _with_ticket(options, PROVING, member_id)


def prove(answer: str, *, ticket: str, party: Party, member_id: int | None = None) -> Proof:
    """Check what a device signed and return whose it is.

    Without ``member_id`` somebody signs in by the passkey alone: then the device must have checked who holds it. A
    counter that does not rise tells of a copied key, which is refused.

    :raise Invalid: when the signature, the question, the origin, the counter or the member is not right.
    """
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    issued = tickets.redeem(PROVING, ticket)
    if issued is None or issued.member_id != member_id:
        raise _failed()
    said = _read(answer)
    row = db.session.scalar(select(Passkey).filter_by(credential=str(said.get("id", ""))).with_for_update())
    if row is None or member_id not in {None, row.member_id}:
        raise _failed()
    try:
        seen = verify_authentication_response(
            credential=said,
            expected_challenge=_bytes(issued.data["challenge"]),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=_bytes(row.public_key),
            credential_current_sign_count=row.sign_count,
            require_user_verification=member_id is None,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise _failed() from error
    row.sign_count, row.used_at = seen.new_sign_count, now()
    return Proof(row.member_id, bool(seen.user_verified))


def remove(member_id: int, passkey_id: int) -> None:
    """Forget one of a member's passkeys.

    :raise NotFound: when she has no such passkey.
    """
    gone = delete(Passkey).filter_by(id=passkey_id, member_id=member_id).returning(Passkey.id)
    if db.session.scalar(gone) is None:
        raise NotFound(_l("You have no such passkey."))
    publish(PasskeyRemoved(actor_id=member_id, member_id=member_id, passkey_id=passkey_id))
    second_step.drop_if_nothing_is_left(member_id)


def rename(member_id: int, passkey_id: int, name: str) -> None:
    """Call a passkey by another name.

    :raise NotFound: when she has no such passkey.
    :raise Invalid: for a name that is none.
    """
    row = db.session.scalar(select(Passkey).filter_by(id=passkey_id, member_id=member_id).with_for_update())
    if row is None:
        raise NotFound(_l("You have no such passkey."))
    row.name = clean_line(name, field="name", most=NAME_MAX)


def _of(member_id: int | None) -> list[Passkey]:
    return list(db.session.scalars(select(Passkey).filter_by(member_id=member_id).order_by(Passkey.id)))


def _with_ticket(options: Any, purpose: str, member_id: int | None) -> dict[str, Any]:
    from webauthn import options_to_json
    from webauthn.helpers import bytes_to_base64url

    challenge = {"challenge": bytes_to_base64url(options.challenge)}
    ticket = tickets.issue(purpose, member_id=member_id, data=challenge, minutes=MINUTES)
    return {"ticket": ticket, "options": json.loads(options_to_json(options))}


def _descriptor(row: Passkey) -> Any:
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    known = {transport.value for transport in AuthenticatorTransport}
    ways = [AuthenticatorTransport(word) for word in row.transports if word in known]
    return PublicKeyCredentialDescriptor(id=_bytes(row.credential), transports=ways or None)


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > LONGEST:
        raise _failed()
    try:
        said = json.loads(answer)
    except ValueError as error:
        raise _failed() from error
    if not isinstance(said, dict):
        raise _failed()
    return said


def _transports(said: Mapping[str, Any]) -> list[str]:
    response = said.get("response")
    words = response.get("transports") if isinstance(response, dict) else None
    return [word for word in words if isinstance(word, str)][:8] if isinstance(words, list) else []


def _bytes(text: str) -> bytes:
    from webauthn import base64url_to_bytes

    return bytes(base64url_to_bytes(text))


def _failed() -> Invalid:
    return Invalid(fields={"passkey": _l("That passkey did not work. Try again, or use another way.")})
