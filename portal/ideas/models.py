"""Tables of ideas."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.ideas.rules import UNVOTED, Stage
from portal.kernel.clock import now
from portal.kernel.database import Model


class Idea(Model):
    """A proposal on a board: its words. Its figures stand in `IdeaTally`."""

    __tablename__ = "idea"
    __table_args__ = (
        UniqueConstraint("board_id", "external_id"),
        Index("ix_idea_author_id", "author_id", "id"),
        Index("ix_idea_board_id", "board_id", "created_at", "id"),
        Index("ix_idea_merged_into_id", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    title: Mapped[str]
    body: Mapped[str]
    html: Mapped[str]
    excerpt: Mapped[str]
    lang: Mapped[str | None] = mapped_column(default=None)
    category: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    edited_at: Mapped[datetime | None] = mapped_column(default=None)
    hidden_at: Mapped[datetime | None] = mapped_column(default=None)
    hidden_why: Mapped[str | None] = mapped_column(default=None)
    """Why it is out of sight (`community.screening.Why`); null while it can be seen."""
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("idea.id"), default=None)
    """The idea that this one is the same as: its page leads there; its votes and comments stay where they are."""
    external_id: Mapped[str | None] = mapped_column(default=None)
    extra: Mapped[dict[str, Any]] = mapped_column(default_factory=dict, server_default=text("'{}'"))
    """What an import's source says besides: district, scope, kind of author."""


def _list(name: str, *order: Any, where: str = "listed") -> Index:
    """Return the index of one order of lists, by board and stage."""
    return Index(f"ix_idea_tally_{name}", "board_id", "stage", *order, postgresql_where=text(where))


class IdeaTally(Model):
    """The figures of an idea, narrow, beside it: a vote rewrites this row and leaves the text's alone.

    ``votes`` and what stands with it change with the vote itself. ``rising``, ``wanted``, ``viewers`` and
    ``viewers_owed`` are kept by projections and stand in indexes; a vote does not touch those.
    """

    __tablename__ = "idea_tally"
    __table_args__ = (
        _list("newest", desc("created_at"), desc("idea_id")),
        _list("rising", desc("rising"), desc("idea_id")),
        _list("wanted", desc("wanted"), desc("idea_id")),
        _list("explore", desc("viewers_owed"), desc("idea_id"), where="listed AND viewers_owed > 0"),
        _list("due", "answer_due_at", "idea_id", where="listed AND answer_due_at IS NOT NULL"),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    idea_id: Mapped[int] = mapped_column(ForeignKey("idea.id"), primary_key=True, autoincrement=False)
    board_id: Mapped[int]
    author_id: Mapped[int]
    created_at: Mapped[datetime]
    stage: Mapped[str] = mapped_column(default=Stage.SUBMITTED.value)
    listed: Mapped[bool] = mapped_column(default=True)
    votes: Mapped[int] = mapped_column(default=0)
    effective_votes: Mapped[float] = mapped_column(default=0.0)
    not_for_me: Mapped[int] = mapped_column(default=0)
    skips: Mapped[int] = mapped_column(default=0)
    imported_support: Mapped[int] = mapped_column(default=0)
    comments: Mapped[int] = mapped_column(default=0)
    viewers: Mapped[int] = mapped_column(default=0)
    viewers_owed: Mapped[int] = mapped_column(default=0)
    rising: Mapped[float] = mapped_column(default=UNVOTED)
    rising_seq: Mapped[int] = mapped_column(default=0)
    """The last line of the ledger that is in ``rising``."""
    wanted: Mapped[float] = mapped_column(default=0.0)
    answer_due_at: Mapped[datetime | None] = mapped_column(default=None)
    last_activity_at: Mapped[datetime] = mapped_column(default_factory=now)
    ledger_seq: Mapped[int] = mapped_column(default=0)
    ledger_hash: Mapped[bytes] = mapped_column(LargeBinary, default=b"")


class Vote(Model):
    """What a member says about an idea now. The key makes a second vote impossible."""

    __tablename__ = "vote"
    __table_args__ = (
        CheckConstraint("kind IN ('support', 'not_for_me', 'skip')", name="kind"),
        Index("ix_vote_member_id", "member_id", desc("at")),
        Index("ix_vote_fresh", "idea_id", "at", postgresql_where=text("fresh AND kind = 'support'")),
        Index("ix_vote_young", "idea_id", "member_id", postgresql_where=text("young AND kind = 'support'")),
    )

    idea_id: Mapped[int] = mapped_column(ForeignKey("idea.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    kind: Mapped[str]
    at: Mapped[datetime]
    fresh: Mapped[bool] = mapped_column(default=False)
    """From a new account without a confirmed address."""
    young: Mapped[bool] = mapped_column(default=False)
    """From a new account that nobody vouches for, with a confirmed address."""


class VoteAside(Model):
    """A voice that counts nothing on an idea, because moderators set it aside; it does so again when she votes anew."""

    __tablename__ = "vote_aside"

    idea_id: Mapped[int] = mapped_column(ForeignKey("idea.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)


class VoteEntry(Model):
    """One line of an idea's ledger, never changed. ``hash`` covers the line and the hash of the line before it."""

    __tablename__ = "vote_entry"
    __table_args__ = (
        CheckConstraint("action IN ('cast', 'withdrawn')", name="action"),
        Index("ix_vote_entry_member_id", "member_id"),
    )

    idea_id: Mapped[int] = mapped_column(ForeignKey("idea.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    action: Mapped[str]
    kind: Mapped[str]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=text("now()"), init=False)
    origin: Mapped[str]
    verified: Mapped[bool]
    tenure_days: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    position: Mapped[int | None] = mapped_column(default=None)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)
    source: Mapped[str | None] = mapped_column(default=None)


class IdeaDay(Model):
    """Support that one day brought to an idea, for trends."""

    __tablename__ = "idea_day"

    idea_id: Mapped[int] = mapped_column(ForeignKey("idea.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    votes: Mapped[int]


class StageChange(Model):
    """An idea came to a stage, and what the company said with it."""

    __tablename__ = "idea_stage"
    __table_args__ = (Index("ix_idea_stage_idea_id", "idea_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    idea_id: Mapped[int] = mapped_column(ForeignKey("idea.id"))
    stage: Mapped[str]
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), default=None)
    answer: Mapped[str | None] = mapped_column(default=None)
    answer_html: Mapped[str | None] = mapped_column(default=None)
    reason_code: Mapped[str | None] = mapped_column(default=None)


class IdeaCount(Model):
    """How many ideas of a board stand in a stage or a category: lists show it without counting a million rows."""

    __tablename__ = "idea_count"

    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"), primary_key=True)
    facet: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    ideas: Mapped[int]
