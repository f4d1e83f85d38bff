"""The tables of signing in."""

revision = "0008_signin"
down_revision = "0007_crm"


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
