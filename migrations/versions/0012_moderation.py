"""The tables of moderation."""

revision = "0012_moderation"
down_revision = "0011_conversation"


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
