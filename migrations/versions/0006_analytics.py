"""The tables of analytics."""

from alembic import op

revision = "0006_analytics"
down_revision = "0005_support"


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
