"""The tables of notifications."""

revision = "0013_notifications"
down_revision = "0012_moderation"


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
