"""The tables of crm."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007_crm"
down_revision = "0006_analytics"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "crm_gateway",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paused_at", TIME),
        sa.Column("why", sa.Text()),
        sa.Column("hold_until", TIME),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("suspects", sa.BigInteger(), nullable=False),
        sa.Column("narrowed", sa.BigInteger()),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("nulled", sa.BigInteger(), nullable=False),
        sa.Column("drift", sa.BigInteger()),
        sa.Column("compared_at", TIME),
        sa.Column("checked_at", TIME),
        sa.Column("calls_on", sa.Date()),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("tokens_at", TIME, nullable=False),
        sa.Column("cursors", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_crm_gateway"),
    )
    op.create_table(
        "crm_wanted",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("wanted_at", TIME, nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_crm_wanted"),
    )
    op.create_index("ix_crm_wanted_subject", "crm_wanted", ["gateway", "kind", "subject_id"])
    op.create_table(
        "crm_link",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("crm_id", sa.Text()),
        sa.Column("sent", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("sent_hash", sa.Text()),
        sa.Column("sent_at", TIME),
        sa.Column("nulled_at", TIME),
        sa.Column("there", JSONB()),
        sa.Column("there_at", TIME),
        sa.PrimaryKeyConstraint("gateway", "kind", "subject_id", name="pk_crm_link"),
    )
    op.create_table(
        "crm_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("happened_at", TIME, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("data", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("tries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sent_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_crm_event"),
        sa.UniqueConstraint("gateway", "event_id", name="uq_crm_event_gateway_event_id"),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("ix_crm_event_waiting", "crm_event", ["gateway", "id"], postgresql_where=waiting)
    op.create_index("ix_crm_event_subject", "crm_event", ["kind", "subject_id"])
    op.create_table(
        "crm_dead_letter",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text()),
        sa.Column("row", JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("field", sa.Text()),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_crm_dead_letter"),
        sa.UniqueConstraint(
            "gateway",
            "lane",
            "kind",
            "subject_id",
            "event_id",
            name="uq_crm_dead_letter_gateway_lane_kind_subject_id_event_id",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "crm_news",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("crm_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("news", JSONB(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("gateway", "kind", "crm_id", name="pk_crm_news"),
    )
    op.create_table(
        "crm_hour",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("hour", TIME, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "hour", name="pk_crm_hour"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("hour", "news", "dead_letter", "event", "link", "wanted", "gateway"):
        op.drop_table(f"crm_{table}")
