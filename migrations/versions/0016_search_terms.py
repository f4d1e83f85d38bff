"""How rare a term is, is counted by board: what stands on limited boards must not move a likeness elsewhere."""

from alembic import op

revision = "0016_search_terms"
down_revision = "0015_young_votes"


def upgrade() -> None:
    """Count the terms of the index anew, by board."""
    op.execute("DROP TABLE search_term")
    op.execute("""
        CREATE TABLE search_term (
            term text NOT NULL,
            board_id bigint NOT NULL,
            entries bigint NOT NULL,
            CONSTRAINT pk_search_term PRIMARY KEY (term, board_id)
        ) WITH (fillfactor = 50)""")
    op.execute("""
        INSERT INTO search_term (term, board_id, entries)
        SELECT term.lexeme, board_id, count(*) FROM search_entry, unnest(terms) AS term GROUP BY 1, 2""")


def downgrade() -> None:
    """Count them over all boards again."""
    op.execute("DROP TABLE search_term")
    op.execute("""
        CREATE TABLE search_term (
            term text CONSTRAINT pk_search_term PRIMARY KEY,
            entries bigint NOT NULL
        ) WITH (fillfactor = 50)""")
    op.execute("""
        INSERT INTO search_term (term, entries)
        SELECT term.lexeme, count(*) FROM search_entry, unnest(terms) AS term GROUP BY 1""")
