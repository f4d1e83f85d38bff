"""The tables of conversation."""

revision = "0011_conversation"
down_revision = "0010_privacy"


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
