"""The tables of privacy."""

revision = "0010_privacy"
down_revision = "0009_people"


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
