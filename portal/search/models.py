"""What search keeps: derived from what people wrote, and rebuilt from the record at any time."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.database import Model


class Entry(Model):
    """One idea, question or answer as it is searched. Its words are stemmed as its language is."""

    __tablename__ = "search_entry"
    __table_args__ = (
        UniqueConstraint("kind", "target_id"),
        Index("ix_search_entry_words", "words", postgresql_using="gin"),
        Index("ix_search_entry_terms", "terms", postgresql_using="gin"),
        Index("ix_search_entry_thread_id", "thread_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kind: Mapped[str]
    target_id: Mapped[int]
    thread_id: Mapped[int]
    """The question of an answer; of others their own id."""
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    author_id: Mapped[int]
    lang: Mapped[str]
    stemming: Mapped[str]
    """``it``, ``en`` or ``simple``: which configuration made the words."""
    state: Mapped[str]
    """An idea's stage; ``open``, ``answered`` or ``solved`` of a question and its answers."""
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime]
    words: Mapped[Any] = mapped_column(TSVECTOR)
    terms: Mapped[Any] = mapped_column(TSVECTOR)
    """Of ideas and questions: stems (``it:lan``), meanings (``c.it:lana``) and beginnings (``p.it:maiel``)."""
    title_terms: Mapped[list[str]] = mapped_column(ARRAY(Text))
    size: Mapped[int]
    """How many terms there are."""


class Word(Model):
    """A word without accents and how many entries hold it, for what is typed with a slip."""

    __tablename__ = "search_word"
    __table_args__ = (
        Index("ix_search_word_likeness", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
    )

    word: Mapped[str] = mapped_column(primary_key=True)
    entries: Mapped[int]


class Term(Model):
    """A term and how many ideas and questions of a board hold it; the term ``#`` counts all of them.

    By board, because how rare a word is would tell a reader what stands on boards that she may not see.
    """

    __tablename__ = "search_term"

    term: Mapped[str] = mapped_column(primary_key=True)
    board_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entries: Mapped[int]


class Concept(Model):
    """A stem has a meaning that words of other languages have, too; read from ``concepts.txt``."""

    __tablename__ = "search_concept"

    stemming: Mapped[str] = mapped_column(primary_key=True)
    lexeme: Mapped[str] = mapped_column(primary_key=True)
    concept: Mapped[str] = mapped_column(primary_key=True)
