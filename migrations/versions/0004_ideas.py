"""The tables of ideas."""

from alembic import op

revision = "0004_ideas"
down_revision = "0003_community"


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
