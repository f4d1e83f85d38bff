"""Dead letters: put aside with the reason, mended, sent again, or left out."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from portal.crm import queries
from portal.crm.events import DeadLetterLeftOut
from portal.crm.gateways.base import Verdict
from portal.crm.models import CrmEvent, DeadLetter
from portal.crm.services.marking import want
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import publish

NO_REASON = "no reason given"


def put_aside(
    gateway: str,
    lane: str,
    kind: str,
    subject_id: int,
    verdict: Verdict,
    *,
    row: Mapping[str, Any],
    event_id: str | None = None,
) -> None:
    """Keep what was refused, with what the other side said; again counts one more try."""
    moment = now()
    new = insert(DeadLetter).values(
        gateway=gateway,
        lane=lane,
        kind=kind,
        subject_id=subject_id,
        event_id=event_id,
        row=dict(row),
        reason=verdict.reason or NO_REASON,
        field=verdict.field,
        tries=1,
        first_at=moment,
        last_at=moment,
    )
    fresh = {name: new.excluded[name] for name in ("row", "reason", "field", "last_at")}
    db.session.execute(
        new.on_conflict_do_update(
            index_elements=["gateway", "lane", "kind", "subject_id", "event_id"],
            set_={**fresh, "tries": DeadLetter.tries + 1},
        )
    )


def replay(*, gateway: str | None = None, ids: Collection[int] = ()) -> list[str]:
    """Send dead letters again, some or all; return the gateways concerned, one for each letter.

    Figures are read anew when they are sent. The letter goes when its row arrives, and stays if it is refused again.
    """
    found = queries.dead_letters_to_replay(gateway, ids)
    for letter in found:
        if letter.lane == "state":
            want(letter.kind, [letter.subject_id], gateways=[letter.gateway])
        else:
            _wait_again(letter)
            db.session.delete(letter)
    return [letter.gateway for letter in found]


def mend(letter_id: int, value: str) -> str | None:
    """Give an event another value in the field that was refused and send it again; return its gateway."""
    found = queries.dead_letters_to_replay(None, [letter_id])
    if not found or found[0].lane != "event" or not found[0].field:
        return None
    letter = found[0]
    mended = {letter.field: value}
    theirs = update(CrmEvent).filter_by(gateway=letter.gateway, event_id=letter.event_id)
    if letter.field in {"type", "summary"}:
        db.session.execute(theirs.values(mended))
    else:
        db.session.execute(theirs.values(data=CrmEvent.data.concat(mended)))
    _wait_again(letter)
    db.session.delete(letter)
    return letter.gateway


def leave_out(letter_id: int, *, actor_id: int) -> bool:
    """Decide that a refused row is not sent; figures that change later are."""
    found = queries.dead_letters_to_replay(None, [letter_id])
    for letter in found:
        if letter.lane == "event":
            _event_of(letter, "left")
        publish(
            DeadLetterLeftOut(
                actor_id=actor_id,
                gateway=letter.gateway,
                lane=letter.lane,
                kind=letter.kind,
                about_id=letter.subject_id,
                reason=letter.reason,
            )
        )
        db.session.delete(letter)
    return bool(found)


def _wait_again(letter: DeadLetter) -> None:
    _event_of(letter, "waiting")


def _event_of(letter: DeadLetter, state: str) -> None:
    theirs = update(CrmEvent).filter_by(gateway=letter.gateway, event_id=letter.event_id)
    db.session.execute(theirs.values(state=state, tries=0))
