"""Marking what a CRM must be told: the two lanes, and a gateway that is new."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert as plain_insert
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal.crm import queries
from portal.crm.models import CrmEvent, GatewayState, Wanted
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members import facade as members

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something a CRM may want to remember of a contact or account; ``id`` is taken once by each CRM."""

    id: str
    kind: str
    subject_id: int
    type: str
    at: datetime
    sequence: int
    summary: str = ""
    path: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def known_gateways() -> list[str]:
    """Return the gateways that have been opened."""
    return list(db.session.scalars(select(GatewayState.name).order_by(GatewayState.name)))


def want_sync(member_ids: Collection[int], *, organisations: bool = True) -> int:
    """Mark members, and by default their organisations, for the lane of state; return how many marks."""
    marked = want("contact", member_ids)
    return marked + want("account", queries.organisations_of(member_ids)) if organisations and member_ids else marked


def want(kind: str, subjects: Collection[int], *, gateways: Collection[str] | None = None) -> int:
    """Mark contacts or accounts for every gateway; never waits for a batch that is on its way."""
    moment = now()
    rows = [
        {"gateway": gateway, "kind": kind, "subject_id": subject, "wanted_at": moment, "tries": 0}
        for gateway in (known_gateways() if gateways is None else gateways)
        for subject in sorted(set(subjects))
    ]
    for start in range(0, len(rows), AT_ONCE):
        db.session.execute(plain_insert(Wanted), rows[start : start + AT_ONCE])
    return len(rows)


def want_everybody(gateway: str) -> int:
    """Mark every member and organisation, and those who are gone; who has not changed is never sent."""
    contacts = {contact.member_id for contact in members.crm_contacts()}
    accounts = {account.organisation_id for account in members.crm_accounts()}
    everybody: dict[str, set[int]] = {"account": accounts, "contact": contacts}
    return sum(
        want(kind, subjects | set(queries.linked_subjects(gateway, kind)), gateways=[gateway])
        for kind, subjects in everybody.items()
    )


def open_gateway(name: str) -> bool:
    """Make a gateway known and mark everybody for it; return whether it was new."""
    new = insert(GatewayState).values(
        name=name, failures=0, suspects=0, sent=0, failed=0, nulled=0, calls=0, tokens=1.0, tokens_at=now()
    )
    made = db.session.execute(new.on_conflict_do_nothing().returning(GatewayState.name)).scalar_one_or_none()
    if made is not None:
        want_everybody(name)
    return made is not None


def record_occurrences(occurrences: Iterable[Occurrence], *, gateways: Collection[str] | None = None) -> int:
    """Put occurrences on the lane of events of every gateway, in this order; known ones are left as they are."""
    moment = now()
    gateways = known_gateways() if gateways is None else gateways
    rows = [
        {
            "gateway": gateway,
            "event_id": one.id,
            "kind": one.kind,
            "subject_id": one.subject_id,
            "type": one.type,
            "happened_at": one.at,
            "sequence": one.sequence,
            "summary": one.summary,
            "url": one.path,
            "data": dict(one.data),
            "made_at": moment,
        }
        for one in occurrences
        for gateway in gateways
    ]
    if not rows:
        return 0
    new = insert(CrmEvent).on_conflict_do_nothing(index_elements=["gateway", "event_id"])
    return len(db.session.execute(new.returning(CrmEvent.id), rows).all())
