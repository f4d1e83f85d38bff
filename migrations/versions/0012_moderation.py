"""The tables of moderation, why something is out of sight, links of what is the same, and the audit record."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012_moderation"
down_revision = "0011_conversation"

CONTRIBUTIONS = ("idea", "question", "answer", "comment")
TIME = sa.DateTime(timezone=True)
JSON = postgresql.JSONB()
KEPT = """
CREATE FUNCTION audit_entry_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Entries of the audit record are kept as they are (entry %)', OLD.id;
END $$"""
KEEP = """
CREATE TRIGGER audit_entry_kept BEFORE UPDATE OR DELETE ON audit_entry
FOR EACH ROW WHEN (OLD.hash IS NOT NULL) EXECUTE FUNCTION audit_entry_is_kept()"""


def upgrade() -> None:
    """Create the tables."""
    for table in CONTRIBUTIONS:
        op.add_column(table, sa.Column("hidden_why", sa.Text()))
        # What was hidden before was hidden by its author or by a moderator; nobody wrote down which.
        op.execute(f"UPDATE {table} SET hidden_why = 'hidden' WHERE hidden_at IS NOT NULL")
    for table in ("idea", "question"):
        op.add_column(
            table,
            sa.Column(
                "merged_into_id",
                sa.BigInteger(),
                sa.ForeignKey(f"{table}.id", name=f"fk_{table}_merged_into_id_{table}"),
            ),
        )
        op.create_index(
            f"ix_{table}_merged_into_id",
            table,
            ["merged_into_id"],
            postgresql_where=sa.text("merged_into_id IS NOT NULL"),
        )
    _audit()
    _queue()
    _spam()


def _audit() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("at", TIME, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("actor_id", sa.BigInteger()),
        sa.Column("act", sa.Text(), nullable=False, index=True),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger()),
        sa.Column("details", JSON, nullable=False),
        sa.Column("seq", sa.BigInteger(), unique=True),
        sa.Column("hash", sa.LargeBinary()),
    )
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject_kind", "subject_id"])
    op.create_index("ix_audit_entry_actor_id", "audit_entry", ["actor_id", "id"])
    op.create_index("ix_audit_entry_unsealed", "audit_entry", ["id"], postgresql_where=sa.text("hash IS NULL"))
    op.execute(KEPT)
    op.execute(KEEP)


def _member(name: str = "member_id", **more: object) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey("member.id"), **more)


def _thing() -> tuple[sa.Column[str], sa.Column[int]]:
    return sa.Column("target_kind", sa.Text(), nullable=False), sa.Column("target_id", sa.BigInteger(), nullable=False)


def _queue() -> None:
    op.create_table(
        "flag",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        _member(nullable=False),
        *_thing(),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("withdrawn_at", TIME),
        sa.Column("outcome", sa.Text()),
        sa.Column("closed_at", TIME),
        sa.UniqueConstraint("member_id", "target_kind", "target_id"),
        sa.CheckConstraint("outcome IN ('upheld', 'rejected')", name="outcome"),
    )
    op.create_index("ix_flag_target", "flag", ["target_kind", "target_id"])
    op.create_index("ix_flag_member_id", "flag", ["member_id", "at"])
    op.create_table(
        "moderation_item",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("queue", sa.Text(), nullable=False),
        *_thing(),
        sa.Column("board_id", sa.BigInteger(), sa.ForeignKey("board.id")),
        _member("author_id", index=True),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("urgency", sa.Float(53), nullable=False),
        sa.Column("why", JSON, nullable=False),
        sa.Column("closed_at", TIME),
        _member("looked_by_id"),
        sa.Column("looked_at", TIME),
        sa.CheckConstraint("queue IN ('post', 'duplicate', 'appeal')", name="queue"),
    )
    waiting = sa.text("closed_at IS NULL")
    op.create_index(
        "uq_moderation_item_open",
        "moderation_item",
        ["queue", "target_kind", "target_id"],
        unique=True,
        postgresql_where=waiting,
    )
    op.create_index(
        "ix_moderation_item_urgency",
        "moderation_item",
        ["queue", sa.text("urgency DESC"), "id"],
        postgresql_where=waiting,
    )
    op.create_table(
        "moderation_decision",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        _member("actor_id"),
        sa.Column("verb", sa.Text(), nullable=False),
        *_thing(),
        sa.Column("board_id", sa.BigInteger(), sa.ForeignKey("board.id")),
        _member("author_id"),
        sa.Column("item_id", sa.BigInteger(), sa.ForeignKey("moderation_item.id")),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("undo", JSON, nullable=False),
        sa.Column("undone_at", TIME),
        _member("undone_by_id"),
    )
    op.create_index("ix_moderation_decision_target", "moderation_decision", ["target_kind", "target_id", "id"])
    op.create_index("ix_moderation_decision_actor_id", "moderation_decision", ["actor_id", "id"])
    op.create_index("ix_moderation_decision_author_id", "moderation_decision", ["author_id", "id"])
    decision = "moderation_decision.id"
    op.create_table(
        "appeal",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("decision_id", sa.BigInteger(), sa.ForeignKey(decision), nullable=False, unique=True),
        _member(nullable=False, index=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("granted", sa.Boolean()),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("closed_at", TIME),
        _member("decided_by_id"),
    )
    op.create_table(
        "suspension",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        _member(nullable=False),
        sa.Column("decision_id", sa.BigInteger(), sa.ForeignKey(decision), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("lifted_at", TIME),
    )
    op.create_index("ix_suspension_member_id", "suspension", ["member_id", sa.text("id DESC")])
    op.create_table(
        "holding_rule",
        sa.Column("board_id", sa.BigInteger(), sa.ForeignKey("board.id"), primary_key=True),
        sa.Column("first_posts", sa.BigInteger(), nullable=False),
        sa.Column("links", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "merge_voice",
        sa.Column("decision_id", sa.BigInteger(), sa.ForeignKey(decision), primary_key=True),
        _member(primary_key=True, index=True),
        sa.Column("opted_out_at", TIME),
    )


def _spam() -> None:
    op.create_table(
        "spam_word",
        sa.Column("word", sa.Text(), primary_key=True),
        sa.Column("spam", sa.Float(53), nullable=False),
        sa.Column("fine", sa.Float(53), nullable=False),
        sa.Column("at", TIME, nullable=False),
    )
    for table, *columns in (
        ("spam_verdict", sa.Column("spam", sa.Boolean(), nullable=False), sa.Column("words", JSON, nullable=False)),
        (
            "spam_score",
            sa.Column("probability", sa.Float(53), nullable=False),
            sa.Column("reasons", JSON, nullable=False),
        ),
    ):
        op.create_table(
            table,
            sa.Column("target_kind", sa.Text(), primary_key=True),
            sa.Column("target_id", sa.BigInteger(), primary_key=True),
            *columns,
            sa.Column("at", TIME, nullable=False),
        )


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "spam_score", "spam_verdict", "spam_word", "merge_voice", "holding_rule", "suspension", "appeal",
        "moderation_decision", "moderation_item", "flag", "audit_entry",
    ):  # fmt: skip
        op.drop_table(table)
    op.execute("DROP FUNCTION audit_entry_is_kept()")
    for table in ("idea", "question"):
        op.drop_column(table, "merged_into_id")
    for table in CONTRIBUTIONS:
        op.drop_column(table, "hidden_why")
