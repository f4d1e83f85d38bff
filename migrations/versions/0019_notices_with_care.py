"""Addresses that refuse are counted before they are given up; a browser is reached while its session is open."""

from alembic import op

revision = "0019_notices_with_care"
down_revision = "0018_audit_head"


def upgrade() -> None:
    """Add the columns."""
    op.execute("ALTER TABLE notification_settings ADD COLUMN refusals bigint NOT NULL DEFAULT 0")
    op.execute("""
        ALTER TABLE push_subscription ADD COLUMN session_id bigint
            CONSTRAINT fk_push_subscription_session_id_member_session REFERENCES member_session ON DELETE CASCADE""")
    op.execute("CREATE INDEX ix_push_subscription_session_id ON push_subscription (session_id)")


def downgrade() -> None:
    """Drop them."""
    op.execute("ALTER TABLE push_subscription DROP COLUMN session_id")
    op.execute("ALTER TABLE notification_settings DROP COLUMN refusals")
