"""The tables of reputation."""

revision = "0014_reputation"
down_revision = "0013_notifications"


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
