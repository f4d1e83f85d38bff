"""What a person, an admin or an import can do to members."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import Forbidden, Invalid, NotFound
from portal.kernel.outbox import publish
from portal.kernel.text import clean_line, clean_text
from portal.members import queries
from portal.members.events import (
    ConsentGiven,
    ConsentWithdrawn,
    MemberAddressConfirmed,
    MemberJoined,
    MemberPasswordChanged,
    MemberProfileChanged,
    MemberRolesChanged,
    TermsAccepted,
    TokenCreated,
    TokenRevoked,
)
from portal.members.models import ApiToken, Consent, Identity, Member, MemberSession, SignInEntry, Ticket
from portal.members.rules import (
    BIO_MAX,
    NAME_MAX,
    TERMS,
    TERMS_ACCEPTED,
    TEXTS,
    TOKENS_MOST,
    Kind,
    Purpose,
    Role,
    Scope,
    unknown,
)

TOKEN_PREFIX = "pt_"  # noqa: S105
KEY_BYTES = 32
SESSION_DAYS = 90
ACCEPTING = frozenset({"sign_up", "guest", "invitation", "oidc", "provider"})
"""Ways to join on which a person accepts the terms herself."""
VOUCHED = frozenset({"command", "demo", "import"})
"""Accounts that are made for people whose word is elsewhere; those that staff makes are asked at their first visit."""
ENTRY_DAYS = 90
LANGUAGES = ("it", "en")
BATCH = 5000


def clean_email(value: str) -> str:
    """Return an address in its usual form.

    :raise Invalid: when it cannot be one.
    """
    line = clean_line(value, field="email", most=254)
    try:
        return validate_email(line, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise Invalid(fields={"email": _l("Write an address such as name@example.org.")}) from error


def create_member(
    *,
    email: str,
    name: str,
    kind: str = Kind.CUSTOMER.value,
    roles: Collection[str] = (),
    password_hash: str | None = None,
    lang: str = "en",
    organisation_id: int | None = None,
    verified: bool = False,
    origin: str = "staff",
    actor_id: int | None = None,
    joined_at: datetime | None = None,
    details: Mapping[str, Any] | None = None,
) -> Member:
    """Give somebody an account and return it, with its id.

    :param details: further columns: job, city, country, bio, segments, crm.
    :raise Invalid: for an address that is taken or none, an unknown kind, role or language.
    """
    address = clean_email(email)
    _must_be_known(kind, roles, lang)
    who = Member(
        name=clean_line(name, field="name", most=NAME_MAX),
        email=address,
        email_verified_at=(joined_at or now()) if verified else None,
        password=password_hash,
        kind=kind,
        roles=sorted(set(roles)),
        lang=lang,
        organisation_id=organisation_id,
        joined_at=joined_at or now(),
        terms=TERMS if origin in ACCEPTING or origin in VOUCHED else TERMS - 1,
        **(details or {}),
    )
    _add(who)
    db.session.add(Identity(member_id=who.id, kind="email", value=address, verified=verified, since=who.joined_at))
    publish(MemberJoined(actor_id=actor_id or who.id, member_id=who.id, kind=kind, origin=origin), at=joined_at)
    if origin in ACCEPTING:
        note_terms(who.id)
    return who


def _must_be_known(kind: str, roles: Collection[str], lang: str) -> None:
    if unknown([kind], Kind):
        raise Invalid(fields={"kind": _l("Choose one of: %(known)s.", known=", ".join(Kind))})
    if unknown(roles, Role):
        raise Invalid(fields={"role": _l("Choose among: %(known)s.", known=", ".join(Role))})
    if lang not in LANGUAGES:
        raise Invalid(fields={"lang": _l("Choose one of: %(known)s.", known=", ".join(LANGUAGES))})


def _add(who: Member) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(who)
            db.session.flush()
    except IntegrityError as error:
        taken = _l("Somebody already has an account with this address.")
        raise Invalid(fields={"email": taken}) from error


def placeholders_for(
    origin: str,
    external_ids: Collection[str],
    *,
    names: Mapping[str, str] | None = None,
    joined: Mapping[str, datetime] | None = None,
) -> dict[str, int]:
    """Return a member for each author of an imported source, by the source's ids; makes those that are missing.

    A placeholder has no address and no password; whoever proves to be that author can claim it later.
    """
    wanted = list(dict.fromkeys(external_ids))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        found |= queries.member_ids_by_external(origin, batch)
        missing = [external_id for external_id in batch if external_id not in found]
        if missing:
            found |= _make_placeholders(origin, missing, names or {}, joined or {})
    return found


def _make_placeholders(
    origin: str, external_ids: list[str], names: Mapping[str, str], joined: Mapping[str, datetime]
) -> dict[str, int]:
    moment = now()
    rows = [
        {
            "name": names.get(external_id) or external_id,
            "active": True,
            "kind": Kind.CUSTOMER.value,
            "lang": "en",
            "job": "",
            "city": "",
            "country": "",
            "bio": "",
            "joined_at": joined.get(external_id, moment),
            "placeholder": True,
            "external_origin": origin,
            "external_id": external_id,
        }
        for external_id in external_ids
    ]
    db.session.execute(insert(Member.__table__).on_conflict_do_nothing(), rows)  # type: ignore[arg-type]
    return queries.member_ids_by_external(origin, external_ids)


def confirm_address(member_id: int, *, at: datetime | None = None) -> None:
    """Note that a member has shown her address to be hers. A second time changes nothing."""
    who = queries.member_for_update(member_id)
    if who.email_verified_at is not None:
        return
    who.email_verified_at = at or now()
    db.session.execute(
        update(Identity)
        .where(Identity.member_id == member_id, Identity.kind == "email", Identity.value == who.email)
        .values(verified=True)
    )
    publish(MemberAddressConfirmed(actor_id=member_id, member_id=member_id))


def change_profile(member_id: int, *, name: str, bio: str, lang: str, job: str = "", city: str = "") -> list[str]:
    """Let a member say who she is; return the names of the fields that are different now.

    :raise Invalid: for a name that is missing or too long, a text that is too long, an unknown language.
    """
    _must_be_known(Kind.CUSTOMER, (), lang)
    wanted = {
        "name": clean_line(name, field="name", most=NAME_MAX),
        "bio": clean_text(bio, field="bio", most=BIO_MAX, least=0),
        "job": clean_line(job, field="job", most=NAME_MAX, least=0),
        "city": clean_line(city, field="city", most=NAME_MAX, least=0),
        "lang": lang,
    }
    who = queries.member_for_update(member_id)
    changed = [field for field, value in wanted.items() if getattr(who, field) != value]
    for field in changed:
        setattr(who, field, wanted[field])
    if changed:
        publish(MemberProfileChanged(actor_id=member_id, member_id=member_id, fields=changed))
    return changed


def set_language(member_id: int, lang: str) -> None:
    """Remember the language a member reads in.

    :raise Invalid: for a language the portal does not speak.
    """
    _must_be_known(Kind.CUSTOMER, (), lang)
    db.session.execute(update(Member).filter_by(id=member_id).values(lang=lang))


def set_roles(member_id: int, roles: Collection[str], *, actor_id: int | None) -> None:
    """Give a member exactly these roles.

    :raise Invalid: for a role that does not exist.
    """
    _must_be_known(Kind.CUSTOMER, roles, LANGUAGES[0])
    who = queries.member_for_update(member_id)
    before, after = list(who.roles), sorted(set(roles))
    if before != after:
        who.roles = after
        publish(MemberRolesChanged(actor_id=actor_id, member_id=member_id, before=before, after=after))


def set_password_hash(member_id: int, password_hash: str | None) -> None:
    """Keep a new password, close every session that was opened with the old one, and make mailed links useless."""
    who = queries.member_for_update(member_id)
    who.password = password_hash
    who.guest = who.guest and password_hash is None
    close_sessions(member_id)
    db.session.execute(delete(Ticket).where(Ticket.member_id == member_id))
    publish(MemberPasswordChanged(actor_id=member_id, member_id=member_id))


# Sessions


def open_session(
    member_id: int, *, agent: str = "", address: str = "", way: str = "password", second_factor: bool = False
) -> str:
    """Begin a session on a device and return the key that its cookie carries.

    :param way: by what she showed that it is she: ``password``, ``passkey``, ``link``, ``oidc:<provider>``, …
    :param second_factor: whether she gave two proofs.
    """
    key = secrets.token_urlsafe(KEY_BYTES)
    device: dict[str, Any] = {"agent": agent[:300], "address": address[:64]}
    db.session.add(MemberSession(key=key, member_id=member_id, way=way, second_factor=second_factor, **device))
    db.session.add(SignInEntry(member_id=member_id, way=way, outcome="in", **device))
    db.session.execute(update(Member).filter_by(id=member_id).values(last_seen_at=now()))
    return key


def note_proof(key: str, *, second_factor: bool = False) -> None:
    """Note that whoever holds this session has shown again that it is she."""
    values = {"proved_at": now(), **({"second_factor": True} if second_factor else {})}
    db.session.execute(update(MemberSession).where(MemberSession.key == key).values(**values))


def note_failed_sign_in(member_id: int, *, way: str, outcome: str, agent: str = "", address: str = "") -> None:
    """Keep for a member's eyes that somebody tried to sign in as her."""
    row: dict[str, Any] = {"way": way, "outcome": outcome, "agent": agent[:300], "address": address[:64]}
    db.session.add(SignInEntry(member_id=member_id, **row))


def drop_old_entries() -> None:
    """Forget who signed in, or tried to, more than 90 days ago."""
    db.session.execute(delete(SignInEntry).where(SignInEntry.at < now() - timedelta(days=ENTRY_DAYS)))


def note_presence(member_id: int, session_id: int) -> None:
    """Note that a member is here; asked at most once an hour."""
    moment = now()
    db.session.execute(update(MemberSession).filter_by(id=session_id).values(seen_at=moment))
    db.session.execute(update(Member).filter_by(id=member_id).values(last_seen_at=moment))


def close_session(key: str) -> None:
    """End the session with this key."""
    _close(MemberSession.key == key)


def close_session_of(member_id: int, session_id: int) -> None:
    """End one of a member's sessions, from another of hers."""
    _close(MemberSession.member_id == member_id, MemberSession.id == session_id)


def close_sessions(member_id: int) -> None:
    """End all of a member's sessions."""
    _close(MemberSession.member_id == member_id)


def _close(*which: Any) -> None:
    db.session.execute(update(MemberSession).where(*which, MemberSession.closed_at.is_(None)).values(closed_at=now()))


# Tokens


def digest_of(token: str) -> str:
    """Return what is kept of a token. It is random and long, so that a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def random_key() -> str:
    """Return a secret that nobody guesses."""
    return secrets.token_urlsafe(KEY_BYTES)


def create_token(member_id: int, *, name: str, scopes: Collection[str]) -> str:
    """Make a token for programs and return it: the only moment at which it can be read.

    :raise Invalid: without a name, for unknown scopes or none, or when there are too many tokens already.
    :raise Forbidden: for the scope of an admin without that role.
    """
    line = clean_line(name, field="name", most=NAME_MAX)
    chosen = sorted(set(scopes))
    if not chosen or unknown(chosen, Scope):
        raise Invalid(fields={"scopes": _l("Choose among: %(known)s.", known=", ".join(Scope))})
    who = queries.member_for_update(member_id)
    if Scope.ADMIN in chosen and Role.ADMIN not in who.roles:
        raise Forbidden(_l("Only admins can have a token with the scope “admin”."))
    if len(queries.tokens_of(member_id)) >= TOKENS_MOST:
        raise Invalid(fields={"name": _l("You have %(most)d tokens. Revoke one first.", most=TOKENS_MOST)})
    token = TOKEN_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    row = ApiToken(member_id=member_id, name=line, digest=digest_of(token), scopes=chosen)
    db.session.add(row)
    db.session.flush()
    publish(TokenCreated(actor_id=member_id, member_id=member_id, token_id=row.id, scopes=chosen))
    return token


def revoke_token(member_id: int, token_id: int) -> None:
    """Make one of a member's tokens useless. A second time changes nothing.

    :raise NotFound: when she has no such token.
    """
    row = db.session.scalar(select(ApiToken).filter_by(id=token_id, member_id=member_id).with_for_update())
    if row is None:
        raise NotFound(_l("You have no such token."))
    if row.revoked_at is None:
        row.revoked_at = now()
        publish(TokenRevoked(actor_id=member_id, member_id=member_id, token_id=token_id))


def note_token_use(token_id: int) -> None:
    """Note that a token is in use; asked at most once an hour."""
    db.session.execute(update(ApiToken).filter_by(id=token_id).values(used_at=now()))


# Consent


def say_consent(member_id: int, purpose: Purpose, *, given: bool) -> None:
    """Keep a member's word on a purpose; the same word again changes nothing."""
    if queries.agrees(member_id, purpose) == given:
        return
    row = {"member_id": member_id, "purpose": purpose.value, "given": given, "terms": TEXTS[purpose], "at": now()}
    db.session.execute(plain_insert(Consent).values(**row))
    told = ConsentGiven if given else ConsentWithdrawn
    publish(told(actor_id=member_id, member_id=member_id, purpose=purpose.value, terms=TEXTS[purpose]))


def accept_terms(member_id: int) -> None:
    """Note that a member accepts the terms as they are now; again changes nothing."""
    taken = update(Member).where(Member.id == member_id, Member.terms < TERMS).values(terms=TERMS)
    if db.session.execute(taken.returning(Member.id)).first() is not None:
        note_terms(member_id)


def note_terms(member_id: int) -> None:
    """Keep the version of the terms that a member has accepted, with its date."""
    row = {"member_id": member_id, "purpose": TERMS_ACCEPTED, "given": True, "terms": TERMS, "at": now()}
    db.session.execute(plain_insert(Consent).values(**row))
    publish(TermsAccepted(actor_id=member_id, member_id=member_id, terms=TERMS))


def drop_old_sessions() -> None:
    """End sessions that nobody has used for a long time."""
    _close(MemberSession.seen_at < now() - timedelta(days=SESSION_DAYS))


def new_uniquifier(member_id: int) -> str:
    """Make every link that was mailed to a member useless; return what new ones are made from."""
    fresh = uuid4().hex
    db.session.execute(update(Member).filter_by(id=member_id).values(fs_uniquifier=fresh))
    return fresh
