"""Two posts with one ``Idempotency-Key`` are one post.

The key is written in the transaction of the act itself. A second request with the same key waits for the first to
commit, then gets its answer; when the first failed, nothing of it is left and the second does the act.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from flask import Response, request
from flask_babel import gettext as _
from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from portal.api.models import RememberedAnswer
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid, Refused
from portal.kernel.periodic import periodic

HEADER = "Idempotency-Key"
KEY_MOST = 255
KEPT_DAYS = 7
PATIENCE = "8s"
REPLAYED = "Idempotent-Replayed"


def once(member_id: int | None, body: bytes, act: Callable[[], Response]) -> Response:
    """Do the act, or return the answer that the same request got before.

    :raise Invalid: when the key is not a fitting one, or was used for another request.
    :raise Refused: when the first request with this key is still under way.
    """
    key = request.headers.get(HEADER)
    if key is None or member_id is None or request.method != "POST":
        return act()
    if not (0 < len(key) <= KEY_MOST) or not key.isprintable():
        raise Invalid(fields={HEADER: _("Use 1 to %(most)d printable characters.", most=KEY_MOST)})
    fingerprint = _fingerprint(body)
    if not _is_first(member_id, key, fingerprint):
        return _again(member_id, key, fingerprint)
    response = act()
    answer = {"status": response.status_code, "location": response.headers.get("Location"), "body": response.get_data()}
    db.session.execute(update(RememberedAnswer).filter_by(member_id=member_id, key=key).values(**answer))
    return response


def _fingerprint(body: bytes) -> str:
    return hashlib.sha256(f"{request.method} {request.full_path}\n".encode() + body).hexdigest()


def _is_first(member_id: int, key: str, fingerprint: str) -> bool:
    """Write the key down; wait for another transaction that has just done so."""
    row = insert(RememberedAnswer).values(
        member_id=member_id, key=key, fingerprint=fingerprint, status=0, body=b"", at=now()
    )
    try:
        db.session.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
        mine = db.session.scalar(row.on_conflict_do_nothing().returning(RememberedAnswer.member_id))
        db.session.execute(text("SET LOCAL lock_timeout = DEFAULT"))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != "55P03":
            raise
        raise Refused(_("The first request with this key is still under way."), retry_after=5) from error
    return mine is not None


def _again(member_id: int, key: str, fingerprint: str) -> Response:
    known = db.session.scalars(select(RememberedAnswer).filter_by(member_id=member_id, key=key)).one()
    if known.fingerprint != fingerprint:
        raise Invalid(fields={HEADER: _("This key was used for another request. Take a new one.")})
    response = Response(known.body, known.status, content_type="application/json")
    response.headers[REPLAYED] = "true"
    if known.location:
        response.headers["Location"] = known.location
    return response


@periodic(cron="41 3 * * *")
def forget_old_answers() -> None:
    """Forget answers that nobody will ask for again."""
    old = now() - timedelta(days=KEPT_DAYS)
    db.session.execute(delete(RememberedAnswer).where(RememberedAnswer.at < old))
