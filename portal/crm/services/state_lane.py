"""The lane of state: figures of contacts and accounts, latest wins, and only what has changed."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, text, update

from portal.crm import queries
from portal.crm.gateways.base import Kind, Row, Verdict
from portal.crm.models import CrmEvent, DeadLetter, Link
from portal.crm.rules import fingerprint, turning_points
from portal.crm.services import letters
from portal.crm.services.marking import Occurrence, record_occurrences, want
from portal.crm.services.outlet import Outlet
from portal.crm.services.portraits import Portrait, portraits
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members import facade as members

_REMEMBER = text("""
INSERT INTO crm_link (gateway, kind, subject_id, crm_id, sent, sent_hash, sent_at)
SELECT :gateway, :kind, r.subject_id, r.crm_id, r.sent, r.sent_hash, :at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (subject_id bigint, crm_id text, sent jsonb, sent_hash text)
ON CONFLICT (gateway, kind, subject_id) DO UPDATE SET
    crm_id = excluded.crm_id, sent = excluded.sent, sent_hash = excluded.sent_hash, sent_at = excluded.sent_at,
    nulled_at = NULL""")
"""One parameter for a whole batch: composing a statement of thousands costs more than running it."""
_DROP = text("DELETE FROM crm_wanted WHERE id = ANY(:marks)")


@dataclass(slots=True)
class Batch:
    """What a claim comes to: rows that differ from what was sent, and subjects of whom nothing may stay there.

    ``to_lift`` stand in the wrong place: they are taken away there like the others, and come again in the right one
    (``strayed``), or once it is known which that is.
    """

    kind: Kind
    marks: dict[int, list[int]]
    rows: list[Row] = field(default_factory=list)
    to_forget: list[int] = field(default_factory=list)
    to_lift: list[int] = field(default_factory=list)
    strayed: list[int] = field(default_factory=list)
    before: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    unchanged: int = 0


def compose(outlet: Outlet, claim: queries.Claim) -> Batch:
    """Read the figures of this moment and compare them with what was sent; drop the marks of those unchanged."""
    kind: Kind = "account" if claim.kind == "account" else "contact"
    batch = Batch(kind, claim.marks_by_subject)
    drawn = portraits(kind, claim.subjects, site=outlet.site)
    links = queries.links(outlet.name, kind, claim.subjects)
    settled: list[int] = []
    for subject in claim.subjects:
        portrait = drawn.get(subject)
        link: Any = links.get(subject)
        if portrait is None or not portrait.shares:
            (batch.to_forget if _is_there(link) else settled).append(subject)
            continue
        last = link.crm_id if link is not None else None
        strays = _is_there(link) and (link.lift or _is_elsewhere(outlet, kind, portrait, last))
        if portrait.waits or strays:
            (batch.to_lift if _is_there(link) else settled).append(subject)
            batch.strayed += [subject] if strays and not portrait.waits else []
            continue
        row = _row(kind, portrait, _place(outlet, kind, portrait, last))
        if link is not None and link.sent_hash == _digest(row, row.crm_id):
            settled.append(subject)
            batch.unchanged += 1
        else:
            batch.rows.append(row)
            batch.before[subject] = link.sent if link is not None else {}
    _drop_marks(batch, settled)
    return batch


def _is_there(link: Any) -> bool:
    return link is not None and link.sent_at is not None and link.nulled_at is None


def _is_elsewhere(outlet: Outlet, kind: Kind, portrait: Portrait, crm_id: str | None) -> bool:
    """Return whether what was sent stands on a contact that is not proven to be hers, or not any more."""
    keeps_account = kind == "contact" and outlet.gateway.limits.lists
    return keeps_account and crm_id is not None and crm_id not in portrait.crm_ids


def _place(outlet: Outlet, kind: Kind, portrait: Portrait, last: str | None) -> str | None:
    """Return where a row goes: the place it went last, if that is still its own, else one that is proven to be."""
    if last in portrait.crm_ids:
        return last
    return next(iter(portrait.crm_ids), None if _is_elsewhere(outlet, kind, portrait, last) else last)


def _row(kind: Kind, portrait: Portrait, crm_id: str | None) -> Row:
    return Row(
        kind=kind,
        key=portrait.subject_id,
        values=portrait.values,
        crm_id=crm_id,
        name=portrait.name,
        email=portrait.email,
        email_confirmed=portrait.email_confirmed,
        account=portrait.account,
    )


def _digest(row: Row, crm_id: str | None) -> str:
    """Return what makes a row another one: its values, whose they are, and whether her address is proven."""
    return fingerprint([crm_id, row.email_confirmed, dict(row.values)])


def _drop_marks(batch: Batch, subjects: Sequence[int]) -> None:
    marks = [mark for subject in subjects for mark in batch.marks.get(subject, ())]
    if marks:
        db.session.execute(_DROP, {"marks": marks})


def note_delivery(outlet: Outlet, batch: Batch, verdicts: Sequence[tuple[Row, Verdict]]) -> tuple[int, int]:
    """Write down what arrived and what was refused; return how many of each."""
    arrived = [(row, verdict) for row, verdict in verdicts if verdict.status != "refused"]
    refused = [(row, verdict) for row, verdict in verdicts if verdict.status == "refused"]
    if arrived:
        _note_arrived(outlet, batch, arrived)
    for row, verdict in refused:
        letters.put_aside(outlet.name, "state", row.kind, row.key, verdict, row=row.as_json())
    _drop_marks(batch, [row.key for row, _ in verdicts])
    return len(arrived), len(refused)


def _note_arrived(outlet: Outlet, batch: Batch, arrived: Sequence[tuple[Row, Verdict]]) -> None:
    rows = [
        {
            "subject_id": row.key,
            "crm_id": verdict.crm_id or row.crm_id,
            "sent": dict(row.values),
            "sent_hash": _digest(row, verdict.crm_id or row.crm_id),
        }
        for row, verdict in arrived
    ]
    about = {"gateway": outlet.name, "kind": batch.kind, "at": now(), "rows": json.dumps(rows)}
    db.session.execute(_REMEMBER, about)
    keys = [row.key for row, _ in arrived]
    mended = delete(DeadLetter).filter_by(gateway=outlet.name, lane="state", kind=batch.kind)
    db.session.execute(mended.where(DeadLetter.subject_id.in_(keys)))
    _learn_contacts(outlet, batch.kind, arrived)
    if batch.kind == "contact":
        _tell_turning_points(outlet.name, batch, [row for row, _ in arrived])


def _tell_turning_points(gateway: str, batch: Batch, rows: Sequence[Row]) -> None:
    """Put what the company may want to act upon on the lane of events; at most once a day of a kind."""
    moment = now()
    told = [
        Occurrence(
            id=f"turn-{row.key}-{name.rpartition('.')[2]}-{moment:%Y-%m-%d}",
            kind=batch.kind,
            subject_id=row.key,
            type=name,
            at=moment,
            sequence=queries.latest_sequence(batch.kind, row.key),
            path=f"/members/{row.key}",
        )
        for row in rows
        for name in turning_points(batch.before.get(row.key, {}), row.values)
    ]
    if told:
        record_occurrences(told, gateways=[gateway])


def _learn_contacts(outlet: Outlet, kind: Kind, arrived: Sequence[tuple[Row, Verdict]]) -> None:
    """Note the contacts that the CRM made for members, or merged: nothing proves better whose they are."""
    if kind != "contact" or not outlet.gateway.limits.lists:
        return
    for row, verdict in arrived:
        if verdict.crm_id is None or verdict.crm_id == row.crm_id:
            continue
        if row.crm_id is not None:
            members.contacts_merged(row.crm_id, verdict.crm_id)
        else:
            members.link_contact(row.key, verdict.crm_id, evidence=f"{verdict.status} in {outlet.name} by the portal")


def note_lifted(gateway: str, batch: Batch) -> None:
    """Write down that these stand nowhere now; their figures and events come again."""
    lifted = batch.to_lift
    _note_gone(gateway, batch, lifted)
    events = update(CrmEvent).filter_by(gateway=gateway, kind=batch.kind).where(CrmEvent.subject_id.in_(lifted))
    db.session.execute(events.where(CrmEvent.state != "left").values(state="waiting", sent_at=None))
    _drop_marks(batch, lifted)
    want(batch.kind, batch.strayed, gateways=[gateway])


def _note_gone(gateway: str, batch: Batch, subjects: Collection[int]) -> None:
    """Write down that nothing of these is there any more, and that nothing of theirs is stuck on the way."""
    link = update(Link).filter_by(gateway=gateway, kind=batch.kind).where(Link.subject_id.in_(subjects))
    db.session.execute(link.values(sent={}, sent_hash=None, nulled_at=now(), there=None, there_at=None, lift=False))
    letters_of = delete(DeadLetter).filter_by(gateway=gateway, kind=batch.kind)
    db.session.execute(letters_of.where(DeadLetter.subject_id.in_(subjects)))


def note_forgotten(gateway: str, batch: Batch) -> None:
    """Write down that nothing of these is there any more, for good: what was sent, and what waited."""
    gone = batch.to_forget
    _note_gone(gateway, batch, gone)
    if batch.kind == "contact":
        erased = delete(Link).filter_by(gateway=gateway, kind="contact")
        db.session.execute(erased.where(Link.subject_id.in_(members.erased_among(gone))))
    events = update(CrmEvent).filter_by(gateway=gateway, kind=batch.kind).where(CrmEvent.subject_id.in_(gone))
    db.session.execute(events.values(state="left", summary="", data={}))
    _drop_marks(batch, gone)
