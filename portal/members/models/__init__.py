"""Tables of people."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model
from portal.members.rules import Kind


class Organisation(Model):
    """The company a member belongs to; the CRM's account."""

    __tablename__ = "organisation"
    __table_args__ = (Index("uq_organisation_account", text("(crm ->> 'account_id')"), unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default=Kind.CUSTOMER.value)
    key: Mapped[str | None] = mapped_column(unique=True, default=None)
    country: Mapped[str] = mapped_column(default="")
    region: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    crm: Mapped[dict[str, Any]] = mapped_column(default_factory=dict, server_default=text("'{}'"))
    """What the CRM says: account_id, revenue_eur, owner_id (a member), segment, since."""


class Member(Model):
    """A person with an account, or a placeholder for the author of an imported text, who may claim it."""

    __tablename__ = "member"
    __table_args__ = (
        Index(
            "uq_member_external",
            "external_origin",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL"),
        ),
        Index("ix_member_joined", "joined_at", "id", postgresql_where=text("NOT placeholder")),
        Index("ix_member_name_likeness", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}),
        Index("ix_member_merged_into_id", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(CITEXT, unique=True, default=None)
    email_verified_at: Mapped[datetime | None] = mapped_column(default=None)
    password: Mapped[str | None] = mapped_column(default=None)
    fs_uniquifier: Mapped[str] = mapped_column(unique=True, server_default=text("gen_random_uuid()::text"), init=False)
    active: Mapped[bool] = mapped_column(default=True)
    kind: Mapped[str] = mapped_column(default=Kind.CUSTOMER.value)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list, server_default=text("'{}'"))
    segments: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list, server_default=text("'{}'"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True, default=None)
    lang: Mapped[str] = mapped_column(default="en")
    job: Mapped[str] = mapped_column(default="")
    city: Mapped[str] = mapped_column(default="")
    country: Mapped[str] = mapped_column(default="")
    bio: Mapped[str] = mapped_column(default="")
    joined_at: Mapped[datetime] = mapped_column(default_factory=now)
    last_seen_at: Mapped[datetime | None] = mapped_column(default=None)
    suspended_until: Mapped[datetime | None] = mapped_column(default=None)
    trust_level: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    """How far she is trusted, 0 (newcomer) to 4; worked out by analytics."""
    placeholder: Mapped[bool] = mapped_column(default=False)
    external_origin: Mapped[str | None] = mapped_column(default=None)
    external_id: Mapped[str | None] = mapped_column(default=None)
    crm: Mapped[dict[str, Any]] = mapped_column(default_factory=dict, server_default=text("'{}'"))
    """What the CRM says: contact_id, products_owned, spent_eur, tier."""
    guest: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """She came as a guest, confirmed her address, and has not chosen a way to sign in yet."""
    organisation_admin: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Looks after her organisation: invites its people, and lets them go."""
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)
    """The account that this one was joined to: one person, shown there."""
    terms: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """Version of the terms that she accepted last; asked again when there is a newer one."""
    erased_at: Mapped[datetime | None] = mapped_column(default=None)
    """When she was erased: the row stands for figures only."""


class Identity(Model):
    """One way a member is known outside: an address, a CRM contact, a handle. Proven, or merely claimed."""

    __tablename__ = "identity"
    __table_args__ = (Index("uq_identity_proven", "kind", "value", unique=True, postgresql_where=text("verified")),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    kind: Mapped[str]
    value: Mapped[str]
    verified: Mapped[bool] = mapped_column(default=False)
    evidence: Mapped[str] = mapped_column(default="")
    since: Mapped[datetime] = mapped_column(default_factory=now)


class Segment(Model):
    """A group of members by a rule over CRM attributes, place and behaviour."""

    __tablename__ = "segment"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[dict[str, Any]]
    rule: Mapped[dict[str, Any]]


class ApiToken(Model):
    """A personal token for programs. Only its SHA-256 is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


class MemberSession(Model):
    """One device on which a member is signed in. Its key stands in the signed cookie; closed, it opens nothing."""

    __tablename__ = "member_session"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    key: Mapped[str] = mapped_column(unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    agent: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    opened_at: Mapped[datetime] = mapped_column(default_factory=now)
    seen_at: Mapped[datetime] = mapped_column(default_factory=now)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    way: Mapped[str] = mapped_column(default="password", server_default=text("'password'"))
    second_factor: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether two proofs were given: a password and a code, or a passkey that checked its owner."""
    proved_at: Mapped[datetime] = mapped_column(default_factory=now, server_default=text("now()"))
    """When she last showed that it is she."""


class Consent(Model):
    """What a member agreed to or withdrew, when, and under which version of the terms. The last row holds."""

    __tablename__ = "consent"
    __table_args__ = (Index("ix_consent_member_id", "member_id", "purpose", text("id DESC")),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    given: Mapped[bool]
    terms: Mapped[int]
    at: Mapped[datetime] = mapped_column(default_factory=now)


from portal.members.models import people as people  # noqa: E402 - rooms of the same package
from portal.members.models.audit import AuditEntry as AuditEntry  # noqa: E402 - rooms of the same package
from portal.members.models.bell import MemberBell as MemberBell  # noqa: E402
from portal.members.models.signing import SignInEntry as SignInEntry  # noqa: E402
from portal.members.models.signing import Ticket as Ticket  # noqa: E402
