"""The second step of signing in: codes of an app (RFC 6238), recovery codes, and whether one is asked at all."""

import hashlib
import secrets
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Invalid, Refused
from portal.kernel.outbox import publish
from portal.members.events.signing import RecoveryCodesMade, RecoveryCodeUsed, SecondStepChanged
from portal.members.models import MemberSession
from portal.members.signing.models import Passkey, RecoveryCode, SecondStep
from portal.members.signing.sealing import seal, unseal

CODES = 10
CODE_LENGTH = 16
"""Letters of a recovery code, of five bits each."""
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
PERIOD = 30
WINDOW = 30
"""Seconds by which a phone's clock may be wrong."""


def begin_app(member_id: int) -> str:
    """Return the secret for a member's app; it counts only once she has shown a code of it.

    Asked again before that, the answer is the same, so that a reload does not spoil what was scanned.
    """
    row = _row(member_id)
    if row.confirmed_at is not None:
        raise Refused(_l("You have an app already. Remove it first."))
    known = unseal(row.secret) if row.secret else None
    if known is None:
        known = _totp().new().base32_key
        row.secret = seal(known)
    return str(known)


def confirm_app(member_id: int, code: str) -> None:
    """Take the app into use with the first code it shows. From now on a code is asked after the password.

    :raise Invalid: for a code that is not right now.
    """
    row = _row(member_id)
    if row.secret is None or row.confirmed_at is not None:
        raise Refused(_l("You have an app already. Remove it first."))
    _take(row, code)
    row.confirmed_at = now()
    _require(row)


def remove_app(member_id: int) -> None:
    """Forget a member's app. Without a passkey there is no second step any more."""
    row = _row(member_id)
    row.secret = row.confirmed_at = row.last_counter = None
    if not has_means(member_id):
        return stop_requiring(member_id)
    publish(SecondStepChanged(actor_id=member_id, member_id=member_id, required=row.required_since is not None))
    return None


def require(member_id: int) -> None:
    """Ask for a passkey after the password, too.

    :raise Refused: without an app or a passkey.
    """
    if not has_means(member_id):
        raise Refused(_l("Add an app or a passkey first."))
    _require(_row(member_id))


def stop_requiring(member_id: int) -> None:
    """Ask for the password alone again. A member's app and codes are forgotten; her passkeys stay."""
    was_asked = db.session.scalar(
        delete(SecondStep).filter_by(member_id=member_id).returning(SecondStep.required_since.is_not(None))
    )
    db.session.execute(delete(RecoveryCode).filter_by(member_id=member_id))
    if was_asked:
        publish(SecondStepChanged(actor_id=member_id, member_id=member_id, required=False))


def drop_if_nothing_is_left(member_id: int) -> None:
    """End the second step of a member who has neither app nor passkey: recovery codes alone are none."""
    if not has_means(member_id):
        stop_requiring(member_id)


def is_required(member_id: int) -> bool:
    """Return whether this member is asked for a second step."""
    return bool(
        db.session.scalar(
            select(exists().where(SecondStep.member_id == member_id, SecondStep.required_since.is_not(None)))
        )
    )


def has_app(member_id: int) -> bool:
    """Return whether this member has an app that shows codes."""
    return bool(
        db.session.scalar(
            select(exists().where(SecondStep.member_id == member_id, SecondStep.confirmed_at.is_not(None)))
        )
    )


def has_means(member_id: int) -> bool:
    """Return whether this member has an app or a passkey."""
    return has_app(member_id) or bool(db.session.scalar(select(exists().where(Passkey.member_id == member_id))))


def check_code(member_id: int, code: str) -> None:
    """Take a code of a member's app, or one of her recovery codes. Neither is taken a second time.

    :raise Invalid: for a code that is wrong, old or used.
    """
    plain = "".join(code.casefold().split()).replace("-", "")
    if len(plain) == CODE_LENGTH and not plain.isdigit():
        return _use_recovery_code(member_id, plain)
    row = db.session.scalar(select(SecondStep).filter_by(member_id=member_id).with_for_update())
    if row is None or row.secret is None or row.confirmed_at is None:
        raise _wrong()
    return _take(row, plain)


def make_recovery_codes(member_id: int) -> list[str]:
    """Return new recovery codes, to be shown this once; older ones end."""
    db.session.execute(delete(RecoveryCode).filter_by(member_id=member_id))
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(CODES)]
    db.session.add_all(RecoveryCode(member_id=member_id, digest=_digest(code)) for code in codes)
    publish(RecoveryCodesMade(actor_id=member_id, member_id=member_id))
    return ["-".join(code[n : n + 4] for n in range(0, CODE_LENGTH, 4)) for code in codes]


def recovery_codes_left(member_id: int) -> int:
    """Return how many recovery codes a member still has."""
    return (
        db.session.scalar(select(func.count()).select_from(RecoveryCode).filter_by(member_id=member_id, used_at=None))
        or 0
    )


def _use_recovery_code(member_id: int, plain: str) -> None:
    taken = db.session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.member_id == member_id, RecoveryCode.digest == _digest(plain), RecoveryCode.used_at.is_(None)
        )
        .values(used_at=now())
        .returning(RecoveryCode.id)
    ).one_or_none()
    if taken is None:
        raise _wrong()
    publish(RecoveryCodeUsed(actor_id=member_id, member_id=member_id, left=recovery_codes_left(member_id)))


def _row(member_id: int) -> SecondStep:
    db.session.execute(
        insert(SecondStep.__table__).values(member_id=member_id).on_conflict_do_nothing()  # type: ignore[arg-type]
    )
    return db.session.scalars(
        select(SecondStep).filter_by(member_id=member_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def _require(row: SecondStep) -> None:
    """Ask for a second step from now on: sessions that were opened without one end, the one that proved it aside."""
    if row.required_since is None:
        row.required_since = now()
        publish(SecondStepChanged(actor_id=row.member_id, member_id=row.member_id, required=True))


def close_weaker_sessions(member_id: int, but_for: str | None) -> None:
    """End a member's sessions that were opened without a second proof, but for the one in use."""
    db.session.execute(
        update(MemberSession)
        .where(
            MemberSession.member_id == member_id,
            MemberSession.closed_at.is_(None),
            MemberSession.second_factor.is_(False),
            MemberSession.key != (but_for or ""),
        )
        .values(closed_at=now())
    )


def _take(row: SecondStep, code: str) -> None:
    """Check a code against the clock and remember its half minute, so that it is not taken again."""
    from passlib.exc import TokenError

    key = unseal(row.secret or "")
    if key is None:
        raise _wrong()
    try:
        match = _totp().from_key(key).match("".join(code.split()), window=WINDOW, last_counter=row.last_counter)
    except (TokenError, ValueError, TypeError) as error:
        raise _wrong() from error
    row.last_counter = match.counter
    row.secret = seal(key)


def seal_all_anew() -> int:
    """Seal the secrets of all apps with the present key; return how many cannot be opened any more."""
    lost = 0
    for row in db.session.scalars(select(SecondStep).where(SecondStep.secret.is_not(None)).with_for_update()):
        known = unseal(row.secret or "")
        row.secret = row.secret if known is None else seal(known)
        lost += known is None
    return lost


def app_address(member_id: int, *, account: str, site: str) -> str:
    """Return what an app reads from the picture: ``otpauth://totp/…`` with a new secret or the one not yet in use."""
    plain_site, plain_account = site.replace(":", " "), account.replace(":", " ")
    key = begin_app(member_id)
    return str(_totp().from_key(key).to_uri(label=plain_account, issuer=plain_site))


def spaced(key: str) -> str:
    """Return a secret in groups of four, for those who type it."""
    return " ".join(key[n : n + 4] for n in range(0, len(key), 4))


class _Codes:
    """Codes of six digits a half minute, by passlib."""

    def __init__(self) -> None:
        from passlib.totp import TOTP

        self._type = TOTP.using(period=PERIOD)

    def new(self) -> Any:
        return self._type.new()

    def from_key(self, key: str) -> Any:
        return self._type(key=key, format="base32")


def _totp() -> _Codes:
    return _Codes()


def _wrong() -> Invalid:
    return Invalid(
        fields={"code": _l("This code is not right, or it has been used. Wait for the next one and try again.")}
    )


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
