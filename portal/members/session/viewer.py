"""Who is asking: from the session's cookie or a bearer token to a `Viewer`, by one query of plain columns."""

from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import flask_login
from flask import current_app, g, has_request_context, request
from sqlalchemy import Table, bindparam, select

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members import services
from portal.members.models import ApiToken, Member, MemberBell, MemberSession
from portal.members.policy import NOBODY, Viewer
from portal.members.rules import SEEN_EVERY, TERMS, Role, Scope

API = "/api/"
BEARER = "bearer"
# Plain tables, because the ORM's way to rows costs more than the query.
_member, _session, _token = (cast("Table", model.__table__).c for model in (Member, MemberSession, ApiToken))
_WHO = (
    _member.id,
    _member.name,
    _member.kind,
    _member.roles,
    _member.segments,
    _member.organisation_id,
    _member.lang,
    _member.email_verified_at,
    _member.joined_at,
    _member.suspended_until,
    _member.trust_level,
    _member.terms,
)
_bell = cast("Table", MemberBell.__table__).c
_UNREAD = select(_bell.unread).where(_bell.member_id == _member.id).scalar_subquery().label("unread")
_OF_SESSION = (_session.id.label("way"), _session.seen_at.label("seen"), _session.second_factor, _session.proved_at)
_BY_SESSION = select(*_WHO, *_OF_SESSION, _UNREAD).where(
    _session.key == bindparam("key"),
    _session.closed_at.is_(None),
    _member.id == _session.member_id,
    _member.active,
)
_BY_TOKEN = select(*_WHO, _token.id.label("way"), _token.used_at.label("seen"), _token.scopes).where(
    _token.digest == bindparam("digest"),
    _token.revoked_at.is_(None),
    _member.id == _token.member_id,
    _member.active,
)


class SignedIn:
    """What Flask-Login holds of a member while a page is made."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, key: str, viewer: Viewer, proved_at: datetime) -> None:
        self.key = key
        self.viewer = viewer
        self.proved_at = proved_at

    def get_id(self) -> str:
        """Return what the cookie carries."""
        return self.key


def current_viewer() -> Viewer:
    """Return who is asking; `NOBODY` outside requests and when no one has signed in."""
    if not has_request_context():
        return NOBODY
    known: Viewer | None = g.get("viewer")
    if known is None:
        known = g.viewer = _by_bearer() if bearer_token() is not None else _by_cookie()
    return known


def forget_viewer() -> None:
    """Ask anew from now on: somebody has just signed in or out, or changed what is shown of her."""
    g.pop("viewer", None)


def current_session_key() -> str | None:
    """Return the key of the browser's session, if there is one."""
    return getattr(flask_login.current_user, "key", None)


def bearer_token() -> str | None:
    """Return the token that the request carries. Only the API takes tokens: pages know no scopes."""
    if not request.path.startswith(API):
        return None
    scheme, _blank, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == BEARER else None


def _by_cookie() -> Viewer:
    user = flask_login.current_user
    viewer: Viewer = getattr(user, "viewer", NOBODY)
    return viewer


def _by_bearer() -> Viewer:
    token = bearer_token() or ""
    row = db.session.execute(_BY_TOKEN, {"digest": services.digest_of(token)}).one_or_none()
    if row is None:
        return NOBODY
    if _is_stale(row.seen):
        services.note_token_use(row.way)
    return replace(_viewer(row, _allowed(row.scopes, row.roles)), second_factor=True)


def _allowed(scopes: list[str], roles: list[str]) -> frozenset[str]:
    """Return the scopes that still hold: a member who is no longer an admin has no admin's token."""
    return frozenset(scopes) - (frozenset() if Role.ADMIN in roles else {Scope.ADMIN.value})


def load_by_key(key: str) -> SignedIn | None:
    """Return whose session has this key, or None when it is closed or unknown."""
    row = db.session.execute(_BY_SESSION, {"key": key}).one_or_none()
    if row is None:
        return None
    if _is_stale(row.seen):
        services.note_presence(row.id, row.way)
    viewer = replace(_viewer(row, None), unread=row.unread or 0, second_factor=row.second_factor)
    if viewer.roles and not row.second_factor and current_app.config.get("STAFF_SECOND_FACTOR"):
        viewer = replace(viewer, roles=frozenset(), sleeping=viewer.roles)
    return SignedIn(key, viewer, row.proved_at)


def _is_stale(seen: datetime | None) -> bool:
    return seen is None or (now() - seen).total_seconds() > SEEN_EVERY


def _viewer(row: Any, scopes: frozenset[str] | None) -> Viewer:
    return Viewer(
        member_id=row.id,
        name=row.name,
        kind=row.kind,
        roles=frozenset(row.roles),
        segments=frozenset(row.segments),
        organisation_id=row.organisation_id,
        lang=row.lang,
        verified=row.email_verified_at is not None,
        joined_days=(now() - row.joined_at).days,
        scopes=scopes,
        suspended_until=row.suspended_until,
        trust_level=row.trust_level,
        owes_terms=row.terms < TERMS,
    )
