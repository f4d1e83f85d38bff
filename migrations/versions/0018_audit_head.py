"""The end of the chain of what staff did stands in a row of its own, so that a chain cut at its end is noticed."""

from alembic import op

revision = "0018_audit_head"
down_revision = "0017_lift"


def upgrade() -> None:
    """Keep the head, which only moves on; neither it nor an entry can be emptied away."""
    op.execute("""
        CREATE TABLE audit_head (
            id bigint NOT NULL CONSTRAINT pk_audit_head PRIMARY KEY,
            seq bigint NOT NULL,
            hash bytea NOT NULL
        )""")
    op.execute("""
        INSERT INTO audit_head (id, seq, hash)
        SELECT 1, seq, hash FROM audit_entry WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1""")
    op.execute("""
        CREATE FUNCTION audit_head_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND NEW.seq > OLD.seq THEN RETURN NEW; END IF;
            RAISE EXCEPTION 'the head of the audit record only moves on';
        END $$""")
    op.execute("""
        CREATE TRIGGER audit_head_stays BEFORE UPDATE OR DELETE ON audit_head
        FOR EACH ROW EXECUTE FUNCTION audit_head_moves_on()""")


def downgrade() -> None:
    """Let the last entry be the head."""
    op.execute("DROP TABLE audit_head")
    op.execute("DROP FUNCTION audit_head_moves_on()")
