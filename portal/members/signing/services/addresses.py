"""A member's address: changed by a link that is sent to the new one, while the old one is told."""

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid, Refused
from portal.kernel.outbox import publish
from portal.members import queries
from portal.members.events import MemberProfileChanged
from portal.members.events.signing import MemberAddressChanged
from portal.members.models import Identity, Member
from portal.members.services import clean_email, new_uniquifier
from portal.members.signing.services import tickets

PURPOSE = "address"
HOURS = 24


def ask_for_address(member_id: int, wanted: str) -> tuple[str, str | None]:
    """Return the address in its usual form, and the secret of the link that is to be sent there.

    The secret is None when somebody else has that address: its owner is told, and nobody here learns of it.

    :raise Invalid: for an address that cannot be one, or is the present one.
    """
    address = clean_email(wanted)
    who = queries.member_for_update(member_id)
    if who.email is not None and who.email.casefold() == address.casefold():
        raise Invalid(fields={"email": _l("This is your address already.")})
    tickets.drop_of(member_id, PURPOSE)
    owner = queries.member_id_by_email(address)
    if owner is not None:
        return address, None
    return address, tickets.issue(PURPOSE, member_id=member_id, data={"email": address}, minutes=HOURS * 60)


def change_address(secret: str) -> tuple[int, str | None, str]:
    """Give a member the address to which the link was sent; return who she is, her old address and the new one.

    Links that were mailed to the old address open nothing from now on.

    :raise Refused: for a link that is used or too old, or when somebody else took the address meanwhile.
    """
    ticket = tickets.redeem(PURPOSE, secret)
    if ticket is None or ticket.member_id is None:
        raise Refused(_l("This link is not complete, or it has been used."))
    address = str(ticket.data["email"])
    old = db.session.scalar(select(Member.email).filter_by(id=ticket.member_id))
    try:
        with db.session.begin_nested():
            _put(ticket.member_id, old, address)
    except IntegrityError as error:
        raise Refused(_l("Somebody already has an account with this address.")) from error
    new_uniquifier(ticket.member_id)
    publish(MemberAddressChanged(actor_id=ticket.member_id, member_id=ticket.member_id))
    publish(MemberProfileChanged(actor_id=ticket.member_id, member_id=ticket.member_id, fields=["email"]))
    return ticket.member_id, old, address


def _put(member_id: int, old: str | None, new: str) -> None:
    """Write the new address in the old one's place; further addresses of hers stay."""
    db.session.execute(update(Member).filter_by(id=member_id).values(email=new, email_verified_at=now()))
    replaced = func.lower(Identity.value).in_([address.lower() for address in (old, new) if address])
    db.session.execute(delete(Identity).filter_by(member_id=member_id, kind="email").where(replaced))
    db.session.add(Identity(member_id=member_id, kind="email", value=new, verified=True, evidence="link opened"))
    db.session.flush()
