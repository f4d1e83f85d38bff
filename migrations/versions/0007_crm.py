"""The tables of crm."""

from alembic import op

revision = "0007_crm"
down_revision = "0006_analytics"


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
