"""Votes of new accounts with a confirmed address count less together; moderators may set voices aside."""

from alembic import op

revision = "0015_young_votes"
down_revision = "0014_reputation"


def upgrade() -> None:
    """Note which votes are young, and which voices are set aside."""
    op.execute("ALTER TABLE vote ADD COLUMN young boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE vote ALTER COLUMN young DROP DEFAULT")
    op.execute("CREATE INDEX ix_vote_young ON vote (idea_id, member_id) WHERE young AND kind = 'support'")
    op.execute("""
        CREATE TABLE vote_aside (
            idea_id bigint NOT NULL CONSTRAINT fk_vote_aside_idea_id_idea REFERENCES idea,
            member_id bigint NOT NULL CONSTRAINT fk_vote_aside_member_id_member REFERENCES member,
            CONSTRAINT pk_vote_aside PRIMARY KEY (idea_id, member_id)
        )""")
    op.execute("CREATE INDEX ix_vote_aside_member_id ON vote_aside (member_id)")


def downgrade() -> None:
    """Let all votes count as they did."""
    op.execute("DROP TABLE vote_aside")
    op.execute("DROP INDEX ix_vote_young")
    op.execute("ALTER TABLE vote DROP COLUMN young")
