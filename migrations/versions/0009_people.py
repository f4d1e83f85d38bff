"""The tables of guests, invitations and identities."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, CITEXT, JSONB

revision = "0009_people"
down_revision = "0008_signin"

TIME = sa.DateTime(timezone=True)
MEMBER = "member.id"


def upgrade() -> None:
    """Create the tables."""
    op.add_column("member", sa.Column("guest", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("member", sa.Column("organisation_admin", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("member", sa.Column("merged_into_id", sa.BigInteger()))
    op.create_foreign_key("fk_member_merged_into_id_member", "member", "member", ["merged_into_id"], ["id"])
    op.create_index(
        "ix_member_merged_into_id", "member", ["merged_into_id"], postgresql_where=sa.text("merged_into_id IS NOT NULL")
    )
    _guests()
    _invitations()
    _merges()
    _identities()


def _guests() -> None:
    op.create_table(
        "guest_act",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email", CITEXT(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("payload", JSONB(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME),
        sa.Column("member_id", sa.BigInteger(), sa.ForeignKey(MEMBER, name="fk_guest_act_member_id_member")),
        sa.Column("url", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_guest_act"),
        sa.UniqueConstraint("digest", name="uq_guest_act_digest"),
    )
    op.create_index("ix_guest_act_email", "guest_act", ["email"])
    op.create_index("ix_guest_act_member_id", "guest_act", ["member_id"])
    op.create_index(
        "ix_guest_act_waiting", "guest_act", ["expires_at"], postgresql_where=sa.text("confirmed_at IS NULL")
    )


def _invitations() -> None:
    table = "member_invitation"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("email", CITEXT(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column(
            "organisation_id",
            sa.BigInteger(),
            sa.ForeignKey("organisation.id", name="fk_member_invitation_organisation_id_organisation"),
        ),
        sa.Column("organisation_admin", sa.Boolean(), nullable=False),
        sa.Column("roles", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.Column("by_id", sa.BigInteger(), sa.ForeignKey(MEMBER, name=f"fk_{table}_by_id_member")),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", TIME),
        sa.Column("accepted_by", sa.BigInteger(), sa.ForeignKey(MEMBER, name=f"fk_{table}_accepted_by_member")),
        sa.Column("revoked_at", TIME),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("digest", name=f"uq_{table}_digest"),
    )
    op.create_index(f"ix_{table}_email", table, ["email"])
    op.create_index(f"ix_{table}_organisation_id", table, ["organisation_id", "id"])
    op.create_index(f"ix_{table}_accepted_by", table, ["accepted_by"])


def _merges() -> None:
    op.create_table(
        "member_merge",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column(
            "kept_id", sa.BigInteger(), sa.ForeignKey(MEMBER, name="fk_member_merge_kept_id_member"), nullable=False
        ),
        sa.Column(
            "gone_id", sa.BigInteger(), sa.ForeignKey(MEMBER, name="fk_member_merge_gone_id_member"), nullable=False
        ),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("by_id", sa.BigInteger(), sa.ForeignKey(MEMBER, name="fk_member_merge_by_id_member")),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("undone_at", TIME),
        sa.Column("undone_by", sa.BigInteger(), sa.ForeignKey(MEMBER, name="fk_member_merge_undone_by_member")),
        sa.PrimaryKeyConstraint("id", name="pk_member_merge"),
        sa.CheckConstraint("kept_id <> gone_id", name="two"),
    )
    op.create_index("ix_member_merge_kept_id", "member_merge", ["kept_id"])
    op.create_index("ix_member_merge_gone_id", "member_merge", ["gone_id"])
    op.create_index(
        "uq_member_merge_gone", "member_merge", ["gone_id"], unique=True, postgresql_where=sa.text("undone_at IS NULL")
    )
    op.create_table(
        "member_merge_row",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column(
            "merge_id",
            sa.BigInteger(),
            sa.ForeignKey("member_merge.id", name="fk_member_merge_row_merge_id_member_merge", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("of", sa.Text(), nullable=False),
        sa.Column("key", JSONB(), nullable=False),
        sa.Column("before", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_member_merge_row"),
        sa.CheckConstraint("what IN ('moved', 'dropped', 'told')", name="what"),
    )
    op.create_index("ix_member_merge_row_merge_id", "member_merge_row", ["merge_id", "id"])


def _identities() -> None:
    op.create_table(
        "address_proof",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column(
            "member_id",
            sa.BigInteger(),
            sa.ForeignKey(MEMBER, name="fk_address_proof_member_id_member", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("email", CITEXT(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("used_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_address_proof"),
        sa.UniqueConstraint("digest", name="uq_address_proof_digest"),
    )
    op.create_index("ix_address_proof_member_id", "address_proof", ["member_id"])
    table = "identity_doubt"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column(
            "member_id", sa.BigInteger(), sa.ForeignKey(MEMBER, name=f"fk_{table}_member_id_member"), nullable=False
        ),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), sa.ForeignKey(MEMBER, name=f"fk_{table}_other_id_member")),
        sa.Column("contact_id", sa.Text()),
        sa.Column("evidence", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("decided_at", TIME),
        sa.Column("decided_by", sa.BigInteger(), sa.ForeignKey(MEMBER, name=f"fk_{table}_decided_by_member")),
        sa.Column(
            "merge_id", sa.BigInteger(), sa.ForeignKey("member_merge.id", name=f"fk_{table}_merge_id_member_merge")
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(
            "member_id",
            "other_id",
            "contact_id",
            name=f"uq_{table}_member_id_other_id_contact_id",
            postgresql_nulls_not_distinct=True,
        ),
        sa.CheckConstraint("state IN ('open', 'later', 'matched', 'different')", name="state"),
    )
    op.create_index(f"ix_{table}_member_id", table, ["member_id"])
    op.create_index(f"ix_{table}_other_id", table, ["other_id"])
    op.create_index(
        f"ix_{table}_queue", table, ["asked_at", "id"], postgresql_where=sa.text("state IN ('open', 'later')")
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "identity_doubt", "address_proof", "member_merge_row", "member_merge", "member_invitation", "guest_act",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_index("ix_member_merged_into_id", "member")
    op.drop_column("member", "merged_into_id")
    op.drop_column("member", "organisation_admin")
    op.drop_column("member", "guest")
