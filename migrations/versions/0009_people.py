"""The tables of guests, invitations and identities."""

revision = "0009_people"
down_revision = "0008_signin"


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
