"""Who was shown what: one row a viewer, thing and day, under a key that nobody can turn back into a person.

The key is a hash under the salt of the day, and the salt is thrown away when the day is over. What this process
has written already today is remembered, so that looking at a list again costs nothing.
"""

import secrets
from collections.abc import Sequence
from datetime import date, timedelta

from flask import has_request_context, request
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from portal.community import rules
from portal.community.models import DaySalt, Impression, ImpressionCount
from portal.kernel.clock import today
from portal.kernel.database import after_commit, db
from portal.members.policy import Viewer

REMEMBERED = 200_000
SALT_BYTES = 32
SHOWN = "portal.shown"
"""Where a request notes what it showed to a guest, for whoever keeps the page ready for others."""
Shown = tuple[str, Sequence[int], str]
# The day's salt and what was written are of this process; the table knows better, and is asked when in doubt.
_seen: dict[tuple[str, str, int], date] = {}
_salts: dict[date, str] = {}

_WRITE = text("""
INSERT INTO impression (day, viewer, target_kind, target_id, origin, position, at)
SELECT :day, :viewer, :kind, shown.id, :origin, shown.position, now()
FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS shown (id, position),
     (SELECT set_config('synchronous_commit', 'off', true)) AS no_need_to_wait
ON CONFLICT DO NOTHING""")


def record(viewer: Viewer, kind: str, ids: Sequence[int], origin: str) -> None:
    """Remember that these things were shown, in this order, to whoever asks; at most one statement.

    For pages that only read: the commit does not wait for the disk.
    """
    who = _who(viewer)
    if who is None or not ids:
        return
    if viewer.is_anonymous and has_request_context():
        request.environ.setdefault(SHOWN, []).append((kind, tuple(ids), origin))
    _write(who, kind, ids, origin)


def record_again(who: str, shown: Sequence[Shown]) -> None:
    """Remember that a guest was shown a page that had been kept ready, with what `SHOWN` says of it."""
    for kind, ids, origin in shown:
        _write(who, kind, ids, origin)


def guest(address: str, agent: str) -> str:
    """Return what tells one guest from others today."""
    return f"guest:{address}:{agent}"


def _write(who: str, kind: str, ids: Sequence[int], origin: str) -> None:
    day = today()
    key = rules.viewer_key(_salt(day), who)
    shown = [(key, kind, thing_id) for thing_id in ids]
    if all(_seen.get(one) == day for one in shown):
        return
    values = {"day": day, "viewer": key, "kind": kind, "origin": origin, "ids": list(ids)}
    db.session.execute(_WRITE, values)
    after_commit(lambda: _remember(shown, day))


def _remember(shown: Sequence[tuple[str, str, int]], day: date) -> None:
    if len(_seen) > REMEMBERED:
        _seen.clear()
    _seen.update(dict.fromkeys(shown, day))


def _who(viewer: Viewer) -> str | None:
    """Return what tells this viewer from others today; None for programs that do not say who they are."""
    if viewer.member_id is not None:
        return f"member:{viewer.member_id}"
    if not has_request_context() or not request.user_agent.string:
        return None
    return guest(request.remote_addr or "", request.user_agent.string)


def _salt(day: date) -> str:
    if (salt := _salts.get(day)) is None:
        salt = _kept_salt(day)
        after_commit(lambda: _salts.update({day: salt}))
    return salt


def _kept_salt(day: date) -> str:
    known = select(DaySalt.salt).filter_by(day=day)
    if (salt := db.session.scalar(known)) is not None:
        return salt
    fresh = insert(DaySalt).values(day=day, salt=secrets.token_hex(SALT_BYTES))
    db.session.execute(fresh.on_conflict_do_nothing())
    return db.session.scalars(known).one()


def count(kind: str, *, days: int = 2) -> dict[int, int]:
    """Count the viewers of things of one kind over the last days; return the whole count of each thing seen since.

    Safe to repeat: a day is counted as a whole, not added to.
    """
    since = today() - timedelta(days=days - 1)
    counted = (
        select(Impression.target_kind, Impression.target_id, Impression.day, func.count().label("viewers"))
        .where(Impression.target_kind == kind, Impression.day >= since)
        .group_by(Impression.target_kind, Impression.target_id, Impression.day)
    )
    row = insert(ImpressionCount).from_select(["target_kind", "target_id", "day", "viewers"], counted)
    touched = db.session.scalars(
        row.on_conflict_do_update(
            index_elements=["target_kind", "target_id", "day"],
            set_={"viewers": row.excluded.viewers},
            where=ImpressionCount.viewers != row.excluded.viewers,
        ).returning(ImpressionCount.target_id)
    ).all()
    total = select(ImpressionCount.target_id, func.sum(ImpressionCount.viewers)).where(
        ImpressionCount.target_kind == kind, ImpressionCount.target_id.in_(touched)
    )
    rows = db.session.execute(total.group_by(ImpressionCount.target_id))
    return {target_id: int(viewers) for target_id, viewers in rows}


def forget_old() -> None:
    """Throw away the salts of past days and impressions older than 90 days."""
    db.session.execute(delete(DaySalt).where(DaySalt.day < today()))
    oldest = today() - timedelta(days=rules.IMPRESSION_DAYS)
    db.session.execute(delete(Impression).where(Impression.day < oldest))
