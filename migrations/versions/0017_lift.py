"""A contact of the CRM on which something stands that is another member's after all."""

from alembic import op

revision = "0017_lift"
down_revision = "0016_search_terms"


def upgrade() -> None:
    """Add the mark."""
    op.execute("ALTER TABLE crm_link ADD COLUMN lift boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    """Take it away: everything is sent anew with the next change."""
    op.execute("ALTER TABLE crm_link DROP COLUMN lift")
