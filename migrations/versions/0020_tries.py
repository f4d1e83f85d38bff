"""How often something was tried is counted in the database, for all processes alike."""

from alembic import op

revision = "0020_tries"
down_revision = "0019_notices_with_care"


def upgrade() -> None:
    """Create the table; unlogged, because counts of minutes need not outlive a crash."""
    op.execute("""
        CREATE UNLOGGED TABLE try_count (
            key text NOT NULL CONSTRAINT pk_try_count PRIMARY KEY,
            count bigint NOT NULL,
            most bigint NOT NULL,
            until timestamptz NOT NULL
        )""")
    op.execute("CREATE INDEX ix_try_count_until ON try_count (until)")


def downgrade() -> None:
    """Forget the counts."""
    op.execute("DROP TABLE try_count")
