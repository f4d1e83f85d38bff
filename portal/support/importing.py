"""Bringing questions and answers in from elsewhere: JSON lines, CSV, or the folder of a Stack Exchange dump.

Ids of the source are kept as ``external_id``; what is there already is passed over. Texts are taken as plain text.
Counts without voters are kept apart as imported counts. Rows go in by COPY, a batch a transaction.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on

from portal.community import facade as community
from portal.community.importing import Batch, Import, Outcome, Trouble, time_of
from portal.kernel.database import db
from portal.kernel.events import Event
from portal.kernel.language import language_of
from portal.kernel.outbox import publish_many
from portal.kernel.text import markdown_to_html, plain_to_html, slug
from portal.members import facade as members
from portal.support.dumps import clean_html
from portal.support.events import AnswerAccepted, AnswerGiven, QuestionAsked
from portal.support.models import Answer, Question, QuestionTally
from portal.support.queries import KIND
from portal.support.rules import CATEGORY_MAX, lower_bound

TITLE_MAX = 500
BODY_MAX = 1_000_000
TAGS_MAX = 20
NUL = "\x00"
_STRAY = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BLANKS = re.compile(r"\s+")
_QUESTION_COLUMNS = ("id", "board_id", "author_id", "title", "body", "html", "lang", "category", "created_at",
                     "external_id")  # fmt: skip
_TALLY_COLUMNS = ("question_id", "board_id", "active_at", "answers", "by_others", "same_problem", "imported_score")
_ANSWER_COLUMNS = ("id", "question_id", "board_id", "author_id", "body", "html", "lang", "by_asker", "accepted_at",
                   "official", "outdated", "created_at", "external_id")  # fmt: skip
_ANSWER_TALLY_COLUMNS = ("answer_id", "helped", "unhelped", "imported_helped", "imported_unhelped", "bound")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record of a file, checked: a question (without ``parent``) or an answer."""

    external_id: str
    parent: str | None
    author: str
    created_at: datetime
    body: str
    html: str
    lang: str | None
    title: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    accepted: str | bool | None = None
    helpful: int = 0
    unhelpful: int = 0
    score: int = 0
    by_asker: bool | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A question that answers can be attached to."""

    id: int
    author_id: int


def read(record: dict[str, Any]) -> Entry:
    """Check a record of a file.

    :raise Trouble: when it cannot be imported; the sentence says why.
    """
    kind = record.get("type") or ("answer" if record.get("parent") else "question")
    if kind not in {"question", "answer"}:
        raise Trouble(_("type is neither question nor answer: %(value)s", value=kind))
    body = _text(record, "body", BODY_MAX)
    title = _BLANKS.sub(" ", _text(record, "title", TITLE_MAX)) if kind == "question" else ""
    if kind == "question" and not title:
        raise Trouble(_("a question needs a title"))
    score = _integer(record, "score")
    return Entry(
        external_id=_required(record, "id"),
        parent=_required(record, "parent") if kind == "answer" else None,
        author=str(record.get("author") or _("somebody")),
        created_at=time_of(record.get("created_at")),
        body=body,
        html=_html(record, body),
        lang=_language(record, title, body),
        title=title,
        category=str(record.get("category") or "")[:CATEGORY_MAX],
        tags=_tags(record.get("tags")),
        accepted=_accepted_of(record.get("accepted")),
        helpful=_integer(record, "helpful", max(score, 0)),
        unhelpful=_integer(record, "unhelpful", max(-score, 0)),
        score=score,
        by_asker=_said(record.get("by_asker")),
    )


def _html(record: dict[str, Any], body: str) -> str:
    """Return the text as it is shown: made from Markdown where the record says so, clean where it brings its own."""
    if record.get("html"):
        return clean_html(str(record["html"]))
    return markdown_to_html(body) if record.get("format") == "markdown" else plain_to_html(body)


def _said(value: object) -> bool | None:
    """Return yes or no, which CSV writes in words."""
    return {"true": True, "false": False}.get(str(value).lower())


def _accepted_of(value: object) -> str | bool | None:
    said = _said(value)
    return said if said is not None else str(value) if value else None


def _required(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None or not str(value).strip():
        raise Trouble(_("%(field)s is missing", field=name))
    return str(value)


def _text(record: dict[str, Any], name: str, most: int) -> str:
    value = record.get(name) or ""
    if not isinstance(value, str):
        raise Trouble(_("%(field)s is not a text", field=name))
    if NUL in value:
        raise Trouble(_("%(field)s holds a NUL character", field=name))
    if len(value) > most:
        raise Trouble(_("%(field)s has more than %(most)d characters", field=name, most=most))
    clean = _STRAY.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    try:
        clean.encode()
    except UnicodeEncodeError:
        raise Trouble(_("%(field)s is not Unicode", field=name)) from None
    return unicodedata.normalize("NFC", clean).strip()


def _integer(record: dict[str, Any], name: str, otherwise: int = 0) -> int:
    value = record.get(name)
    if value is None or value == "":
        return otherwise
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Trouble(_("%(field)s is not a whole number: %(value)s", field=name, value=value)) from None


def _language(record: dict[str, Any], title: str, body: str) -> str | None:
    given = record.get("lang")
    return str(given).split("-")[0].lower()[:8] if given else language_of(f"{title}\n{body}")


def _tags(value: object) -> tuple[str, ...]:
    words = value if isinstance(value, list) else re.split(r"[,;|]", value) if isinstance(value, str) else []
    return tuple(dict.fromkeys(str(word).strip()[:40] for word in words if str(word).strip()))[:TAGS_MAX]


@dataclass
class QuestionImport:
    """An import into one board. Keeps which questions are known, and answers that came before their question."""

    board_id: int
    origin: str
    known: dict[str, Known] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    waiting: list[tuple[int, Entry]] = field(default_factory=list)
    accepted: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: {"questions": 0, "answers": 0, "accepted": 0})

    def kind(self) -> Import[Entry]:
        """Return what the runner of imports needs."""
        return Import(read=read, add=self.add, finish=self.finish)

    def add(self, batch: Batch[Entry]) -> Outcome:
        """Add a batch; answers whose question has not come yet wait for the end."""
        outcome = Outcome()
        authors = self._authors([entry for _line, entry in batch])
        self._add_questions([e for _line, e in batch if e.parent is None], authors, outcome)
        self._add_answers([one for one in batch if one[1].parent is not None], authors, outcome, last=False)
        return outcome

    def finish(self) -> Outcome:
        """Add the answers that waited, then mark which answers were accepted."""
        outcome, waiting = Outcome(), self.waiting
        self.waiting = []
        self._add_answers(waiting, self._authors([entry for _line, entry in waiting]), outcome, last=True)
        self._accept()
        return outcome

    def _authors(self, entries: Sequence[Entry]) -> dict[str, int]:
        first: dict[str, datetime] = {}
        for entry in entries:
            first[entry.author] = min(entry.created_at, first.get(entry.author, entry.created_at))
        return members.placeholders_for(self.origin, list(first), joined=first)

    # Questions

    def _add_questions(self, entries: Sequence[Entry], authors: dict[str, int], outcome: Outcome) -> None:
        there = self._look_up({e.external_id for e in entries})
        fresh: dict[str, Entry] = {}
        for entry in entries:
            if isinstance(entry.accepted, str):
                self.accepted[entry.accepted] = entry.external_id
            if entry.external_id not in there:
                fresh.setdefault(entry.external_id, entry)
        outcome.skipped += len(entries) - len(fresh)
        outcome.added += len(fresh)
        self.counts["questions"] += len(fresh)
        self._write_questions(list(fresh.values()), authors)

    def _write_questions(self, entries: Sequence[Entry], authors: dict[str, int]) -> None:
        if not entries:
            return
        ids = _new_ids("question", len(entries))
        for question_id, entry in zip(ids, entries, strict=True):
            self.known[entry.external_id] = Known(question_id, authors[entry.author])
        board = self.board_id
        _copy(
            "question",
            _QUESTION_COLUMNS,
            (
                (n, board, authors[e.author], e.title, e.body, e.html, e.lang, e.category, e.created_at, e.external_id)
                for n, e in zip(ids, entries, strict=True)
            ),
        )
        tallies = ((n, board, e.created_at, 0, 0, 0, e.score) for n, e in zip(ids, entries, strict=True))
        _copy("question_tally", _TALLY_COLUMNS, tallies)
        self._attach_tags(zip(ids, entries, strict=True))
        publish_many(
            (QuestionAsked(actor_id=authors[e.author], question_id=n, board_id=board), e.created_at)
            for n, e in zip(ids, entries, strict=True)
        )

    def _attach_tags(self, tagged: Iterable[tuple[int, Entry]]) -> None:
        rows = [(question_id, word) for question_id, entry in tagged for word in entry.tags]
        new = {word for _id, word in rows} - self.tags.keys()
        if new:
            self.tags |= community.tag_ids_of(new)
            for word in sorted(new - self.tags.keys()):
                self.tags[word] = community.define_tag(slug(word), name={"en": word, "it": word})
        community.attach_tags((KIND, question_id, self.tags[word]) for question_id, word in rows)

    def _look_up(self, external_ids: set[str]) -> set[str]:
        """Return which of these questions are on the board, and remember them."""
        unknown = external_ids - self.known.keys()
        if unknown:
            wanted = select(Question.external_id, Question.id, Question.author_id).where(
                Question.board_id == self.board_id, Question.external_id.in_(unknown)
            )
            for external_id, question_id, author_id in db.session.execute(wanted):
                self.known[str(external_id)] = Known(question_id, author_id)
        return external_ids & self.known.keys()

    # Answers

    def _add_answers(self, batch: Batch[Entry], authors: dict[str, int], outcome: Outcome, *, last: bool) -> None:
        here = self._look_up({str(entry.parent) for _line, entry in batch})
        ready: dict[str, Entry] = {}
        for line, entry in batch:
            if entry.parent in here:
                ready.setdefault(entry.external_id, entry)
            elif last:
                outcome.troubles.append((line, _("there is no question %(id)s", id=entry.parent)))
            else:
                self.waiting.append((line, entry))
        there = self._answers_there(ready)
        fresh = [entry for entry in ready.values() if entry.external_id not in there]
        outcome.skipped += sum(entry.parent in here for _line, entry in batch) - len(fresh)
        outcome.added += len(fresh)
        self.counts["answers"] += len(fresh)
        self._write_answers(fresh, authors)

    def _answers_there(self, external_ids: Iterable[str]) -> set[str]:
        wanted = select(Answer.external_id).where(
            Answer.board_id == self.board_id, Answer.external_id.in_(list(external_ids))
        )
        return {str(external_id) for external_id in db.session.scalars(wanted)}

    def _write_answers(self, entries: Sequence[Entry], authors: dict[str, int]) -> None:
        if not entries:
            return
        ids, board = _new_ids("answer", len(entries)), self.board_id
        rows, tallies, facts = [], [], []
        for answer_id, e in zip(ids, entries, strict=True):
            question, author = self.known[str(e.parent)], authors[e.author]
            by_asker = author == question.author_id if e.by_asker is None else bool(e.by_asker)
            rows.append((answer_id, question.id, board, author, e.body, e.html, e.lang, by_asker, None, False, False,
                         e.created_at, e.external_id))  # fmt: skip
            tallies.append((answer_id, 0, 0, e.helpful, e.unhelpful, lower_bound(e.helpful, e.unhelpful)))
            facts.append((_given(answer_id, question, author, board, by_asker=by_asker), e.created_at))
            if e.accepted is True:
                self.accepted[e.external_id] = str(e.parent)
        _copy("answer", _ANSWER_COLUMNS, rows)
        _copy("answer_tally", _ANSWER_TALLY_COLUMNS, tallies)
        _count(rows)
        publish_many(facts)

    # Acceptance

    def _accept(self) -> None:
        """Accept what the source says was accepted; ids that name no record are passed over."""
        pairs = list(self.accepted.items())
        for start in range(0, len(pairs), 1000):
            wanted = [answer for answer, _question in pairs[start : start + 1000]]
            found = (
                select(Answer.id, Answer.question_id, Answer.author_id, Answer.created_at)
                .join(QuestionTally, QuestionTally.question_id == Answer.question_id)
                .where(Answer.board_id == self.board_id, Answer.external_id.in_(wanted))
                .where(QuestionTally.accepted_id.is_(None))
                .ext(distinct_on(Answer.question_id))
                .order_by(Answer.question_id, Answer.id)
            )
            self._write_acceptances(db.session.execute(found).all())

    def _write_acceptances(self, rows: Sequence[Any]) -> None:
        ids = [row.id for row in rows]
        db.session.execute(update(Answer).where(Answer.id.in_(ids)).values(accepted_at=Answer.created_at))
        db.session.execute(
            update(QuestionTally)
            .where(QuestionTally.question_id == Answer.question_id, Answer.id.in_(ids))
            .values(accepted_id=Answer.id)
        )
        asked = select(Question.id, Question.author_id).where(Question.id.in_([row.question_id for row in rows]))
        asker = {row.id: row.author_id for row in db.session.execute(asked)}
        self.counts["accepted"] += len(ids)
        publish_many((_accepted(row, asker[row.question_id], self.board_id), row.created_at) for row in rows)


def _given(answer_id: int, question: Known, author_id: int, board_id: int, *, by_asker: bool) -> Event:
    return AnswerGiven(
        actor_id=author_id,
        answer_id=answer_id,
        question_id=question.id,
        board_id=board_id,
        asker_id=question.author_id,
        by_asker=by_asker,
    )


def _accepted(row: Any, asker_id: int, board_id: int) -> Event:
    return AnswerAccepted(
        actor_id=asker_id,
        answer_id=row.id,
        question_id=row.question_id,
        board_id=board_id,
        author_id=row.author_id,
    )


def _new_ids(table: str, count: int) -> list[int]:
    """Take ids from a table's sequence, so that COPY can write them."""
    taken = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)")
    return list(db.session.scalars(taken, {"table": table, "count": count}))


def _copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows by COPY within the current transaction."""
    driver: Any = db.session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _count(rows: Sequence[tuple[Any, ...]]) -> None:
    """Add new answers to the counts of their questions, in one statement."""
    answers: dict[int, int] = defaultdict(int)
    others: dict[int, int] = defaultdict(int)
    latest: dict[int, datetime] = {}
    for row in rows:
        question_id, by_asker, created_at = row[1], row[7], row[11]
        answers[question_id] += 1
        others[question_id] += not by_asker
        latest[question_id] = max(created_at, latest.get(question_id, created_at))
    ids = list(answers)
    more = (
        func.unnest(
            db.literal(ids, db.ARRAY(db.BigInteger)),
            db.literal([answers[n] for n in ids], db.ARRAY(db.BigInteger)),
            db.literal([others[n] for n in ids], db.ARRAY(db.BigInteger)),
            db.literal([latest[n] for n in ids], db.ARRAY(db.DateTime(timezone=True))),
        )
        .table_valued("question_id", "answers", "by_others", "active_at")
        .render_derived("more")
    )
    db.session.execute(
        update(QuestionTally)
        .where(QuestionTally.question_id == more.c.question_id)
        .values(
            answers=QuestionTally.answers + more.c.answers,
            by_others=QuestionTally.by_others + more.c.by_others,
            active_at=func.greatest(QuestionTally.active_at, more.c.active_at),
        ),
        execution_options={"synchronize_session": False},
    )
