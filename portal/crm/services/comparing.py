"""Reconciliation: is there, field by field, what was sent? Differences are mended by a policy per field."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import update

from portal.crm import queries, rules
from portal.crm.gateways.base import KINDS, Kind, Stored
from portal.crm.models import Link
from portal.crm.rules import Difference, Policy
from portal.crm.services.marking import want
from portal.crm.services.outlet import Outlet, state_of
from portal.kernel.clock import now
from portal.kernel.database import db

MOST_SHOWN = 100


@dataclass(slots=True)
class Comparison:
    """What was compared and what was found."""

    compared: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)
    drift: int = 0
    mended: int = 0
    taken: int = 0
    missing: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the document that programs read."""
        return asdict(self)


def compare(outlet: Outlet, *, repair: bool = True, tell: Callable[[int], object] = lambda _: None) -> Comparison:
    """Read back every contact and account that was sent, and mend what differs.

    A field where the portal wins is sent again; where the CRM wins its value is taken as agreed.

    :param tell: is told how many have been compared.
    :raise NotOffered: when this CRM cannot be read. :raise RetryLater: :raise Paused:
    """
    found = Comparison()
    for kind in KINDS:
        for chunk in _chunks(outlet, kind):
            there = outlet.gateway.read_back(kind, [link.subject_id for link in chunk])
            for link in chunk:
                _compare_one(link, there.get(link.subject_id), found, repair=repair)
            found.compared += len(chunk)
            tell(found.compared)
    state = state_of(outlet.name)
    state.drift, state.compared_at = found.drift, now()
    return found


def look_back(outlet: Outlet, kind: Kind, subject_id: int) -> Comparison:
    """Compare one contact or account, and mend nothing."""
    found = Comparison()
    link = queries.link(outlet.name, kind, subject_id)
    if link is not None and link.sent_at is not None:
        there = outlet.gateway.read_back(kind, [subject_id])
        _compare_one(link, there.get(subject_id), found, repair=False)
        found.compared = 1
    return found


def _chunks(outlet: Outlet, kind: Kind) -> Iterator[Sequence[Link]]:
    after = 0
    while chunk := queries.links_to_compare(outlet.name, kind, after, outlet.gateway.limits.rows):
        yield chunk
        after = chunk[-1].subject_id
        db.session.flush()


def _compare_one(link: Link, there: Stored | None, found: Comparison, *, repair: bool) -> None:
    if there is None:
        found.missing += 1
        found.drift += 1
        link.there, link.there_at = None, now()
        _note(found, link, "", "missing")
        if repair:
            found.mended += 1
            _send_again(link)
        return
    kind: Kind = "account" if link.kind == "account" else "contact"
    link.there, link.there_at, link.crm_id = dict(there.values), now(), there.crm_id
    different = rules.differences(kind, link.sent, there.values, changed_there_later=_is_later(there, link))
    for difference in different:
        found.drift += difference.winner is Policy.PORTAL
        _note(found, link, difference.field, difference.winner, difference)
    if repair and different:
        _mend(link, different, found)


def _is_later(there: Stored, link: Link) -> bool:
    if there.changed_at is None or link.sent_at is None:
        return False
    return datetime.fromisoformat(there.changed_at) > link.sent_at


def _mend(link: Link, different: Sequence[Difference], found: Comparison) -> None:
    theirs = {d.field: d.theirs for d in different if d.winner is not Policy.PORTAL}
    if theirs:
        found.taken += len(theirs)
        link.sent = {**link.sent, **theirs}
    if any(d.winner is Policy.PORTAL for d in different):
        found.mended += 1
        _send_again(link)


def _send_again(link: Link) -> None:
    again = update(Link).filter_by(gateway=link.gateway, kind=link.kind, subject_id=link.subject_id)
    db.session.execute(again.values(sent_hash=None))
    want(link.kind, [link.subject_id], gateways=[link.gateway])


def _note(found: Comparison, link: Link, name: str, winner: str, difference: Difference | None = None) -> None:
    if len(found.differences) < MOST_SHOWN:
        found.differences.append({
            "kind": link.kind,
            "id": link.subject_id,
            "crm_id": link.crm_id,
            "field": name,
            "ours": difference.ours if difference else None,
            "theirs": difference.theirs if difference else None,
            "winner": str(winner),
        })  # fmt: skip
