"""The tables of community."""

from alembic import op

revision = "0003_community"
down_revision = "0002_members"


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
