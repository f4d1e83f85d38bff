"""The tables of privacy: which terms were accepted, who wants to be erased, and who was."""

import sqlalchemy as sa
from alembic import op

revision = "0010_privacy"
down_revision = "0009_people"


def upgrade() -> None:
    """Create the tables."""
    op.add_column("member", sa.Column("terms", sa.BigInteger(), nullable=False, server_default=sa.text("1")))
    op.add_column("member", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "erasure_request",
        sa.Column("member_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("texts", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name="fk_erasure_request_member_id_member", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_erasure_request_due_at", "erasure_request", ["due_at"])
    op.create_table(
        "erasure",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("texts", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("erasure")
    op.drop_table("erasure_request")
    op.drop_column("member", "erased_at")
    op.drop_column("member", "terms")
