"""What stands around members: organisations, segments, the ways somebody is known outside."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import publish
from portal.kernel.text import clean_line
from portal.members.events import OrganisationChanged
from portal.members.models import Identity, Organisation, Segment
from portal.members.rules import NAME_MAX, Kind


def found_organisation(
    *,
    name: str,
    kind: str = Kind.CUSTOMER.value,
    key: str | None = None,
    country: str = "",
    region: str = "",
    note: str = "",
    crm: Mapping[str, Any] | None = None,
    actor_id: int | None = None,
) -> int:
    """Add an organisation and return its id.

    :raise Invalid: for a name that is missing or too long.
    """
    row = Organisation(
        name=clean_line(name, field="name", most=NAME_MAX),
        kind=Kind(kind).value,
        key=key,
        country=country,
        region=region,
        note=note,
        crm=dict(crm or {}),
    )
    db.session.add(row)
    db.session.flush()
    publish(OrganisationChanged(actor_id=actor_id, organisation_id=row.id))
    return row.id


def define_segment(key: str, *, name: Mapping[str, str], rule: Mapping[str, Any]) -> None:
    """Add a segment, or change its name and rule; `portal.members.segments.belongs` says who is in it."""
    row = insert(Segment).values(key=key, name=dict(name), rule=dict(rule))
    changed = {"name": row.excluded.name, "rule": row.excluded.rule}
    db.session.execute(row.on_conflict_do_update(index_elements=["key"], set_=changed))


def add_identity(
    member_id: int, kind: str, value: str, *, verified: bool, evidence: str, at: datetime | None = None
) -> None:
    """Note a way in which a member is known outside: proven, or merely claimed."""
    row = Identity(member_id=member_id, kind=kind, value=value, verified=verified, evidence=evidence, since=at or now())
    db.session.add(row)
    db.session.flush()
