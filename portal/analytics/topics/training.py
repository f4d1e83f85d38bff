"""One training from end to end: read the boards, find the topics, keep what was found.

Reading holds no lock and writes nothing, so that what reads facts behind it does not wait; keeping is one short
transaction at the end.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, insert, select, text, update

from portal.analytics.topics import fresh, queries, texts
from portal.analytics.topics.events import TopicsTrained
from portal.analytics.topics.models import Topic, TopicModelFile, TopicRun
from portal.analytics.topics.scopes import Scope
from portal.community import facade as community
from portal.kernel.clock import now
from portal.kernel.database import db, transaction
from portal.kernel.errors import Refused
from portal.kernel.outbox import publish
from portal.kernel.text import fold
from portal.members.models import Member

if TYPE_CHECKING:
    from portal.analytics.topics.reading.training import Training

LOCK = 7_203_115
TOO_LITTLE = _l("There is too little text here to find topics in: a dozen threads are the least.")
MODELS_KEPT = 2
COLUMNS = ("kind", "contribution_id", "board_id", "thread_kind", "thread_id", "author_id", "written_at", "topic_id",
           "mixture", "external_id")  # fmt: skip


class Watcher(Protocol):
    """Is told how far the work is."""

    def begin(self, step: str, total: int = 0) -> None:
        """Enter a step."""

    def tell(self, done: int) -> None:
        """Say how much of the step is done."""


@contextmanager
def alone(scope: Scope, *, wait: bool) -> Iterator[bool]:
    """Hold the right to train a scope, as long as this process lives; yield whether it was got."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        key = {"lock": LOCK, "scope": scope.board_id or 0}
        if wait:
            link.execute(text("SELECT pg_advisory_lock(:lock, :scope)"), key)
        elif not link.scalar(text("SELECT pg_try_advisory_lock(:lock, :scope)"), key):
            yield False
            return
        try:
            yield True
        finally:
            link.execute(text("SELECT pg_advisory_unlock(:lock, :scope)"), key)


def train(scope: Scope, watcher: Watcher, *, topics: int | None = None, asked_by: int | None = None) -> dict[str, Any]:
    """Find the topics of a scope and keep them; return the report.

    :param topics: how many; None to decide by their quality.
    :raise Refused: when too little was written to find topics in.
    """
    from portal.analytics.topics.reading import training as reading

    began, started = time.process_time(), now()
    known = fresh.model_of(queries.latest_run_ids().get(scope.board_id))
    read: dict[texts.Key, texts.Text] = {}

    def posts() -> Iterator[reading.Post]:
        for one in texts.everything_on(scope.learns):
            read[one.key] = _without_words(one)
            yield reading.Post(one.key, one.thread, one.text, one.lang, opens=one.opens, hints=one.hints)

    try:
        found = reading.train(
            posts(),
            languages=_languages(),
            previous=known,
            before=queries.topics_before(scope.learns),
            names=_names(),
            topics=topics,
            watcher=watcher,
        )
    except reading.TooFewPosts as error:
        raise Refused(TOO_LITTLE) from error
    watcher.begin("keep")
    with transaction():
        report = _keep(scope, found, read, began=started, asked_by=asked_by)
    report["cpu_seconds"] = round(time.process_time() - began, 2)
    with transaction():
        db.session.execute(update(TopicRun).filter_by(id=report["run"]).values(report=report))
    return report


def _without_words(one: texts.Text) -> texts.Text:
    return texts.Text(
        one.key, one.thread, one.board_id, one.author_id, one.written_at, "", one.lang, one.external_id, ()
    )


def _languages() -> tuple[str, ...]:
    """Return the languages that people here read, the commonest first; others are recognised when they come."""
    rows = db.session.execute(
        select(Member.lang).where(Member.placeholder.is_(False)).group_by(Member.lang).order_by(text("count(*) DESC"))
    )
    return tuple(dict.fromkeys([*rows.scalars(), "it", "en"]))


def _names() -> frozenset[str]:
    """Return what people here are called, word by word."""
    names = db.session.scalars(select(Member.name).where(Member.placeholder.is_(False)))
    return frozenset(fold(word) for name in names for word in name.split())


def _keep(
    scope: Scope, found: "Training", read: dict[texts.Key, texts.Text], *, began: Any, asked_by: int | None
) -> dict[str, Any]:
    report = asdict(found.report)
    run = TopicRun(board_id=scope.board_id, report=report, asked_by=asked_by, began_at=began)
    db.session.add(run)
    db.session.flush()
    found = found.named(_keep_topics(scope, found))
    db.session.execute(insert(TopicModelFile).values(run_id=run.id, data=found.model.to_bytes()))
    _forget_old_models(scope)
    _keep_mixtures(run.id, found, read)
    left = _left_over(run.id, scope)
    db.session.flush()
    fresh.read_keys(left)
    publish(TopicsTrained(actor_id=asked_by, run_id=run.id, board_id=scope.board_id, topics=report["topics"]))
    return report | {"run": run.id}


def _keep_topics(scope: Scope, found: "Training") -> dict[int, int]:
    """Write topics, new and old; retire those that are no more; return the ids of the new ones."""
    ids: dict[int, int] = {}
    for topic in found.topics:
        values: dict[str, Any] = {
            "label": topic.labels,
            "words": [{"text": w.text, "lang": w.lang, "weight": round(w.weight, 5)} for w in topic.words],
            "representatives": [list(key) for key in topic.representatives],  # type: ignore[call-overload]
        }
        if topic.id < 0:
            made = Topic(board_id=scope.board_id, **values)
            db.session.add(made)
            db.session.flush()
            ids[topic.id] = made.id
        else:
            db.session.execute(update(Topic).filter_by(id=topic.id).values(**values, retired_at=None))
    living = [ids.get(topic.id, topic.id) for topic in found.topics]
    gone = Topic.board_id.is_not_distinct_from(scope.board_id) & Topic.id.not_in(living) & Topic.retired_at.is_(None)
    db.session.execute(update(Topic).where(gone).values(retired_at=now()))
    return ids


def _forget_old_models(scope: Scope) -> None:
    runs = select(TopicRun.id).where(TopicRun.board_id.is_not_distinct_from(scope.board_id))
    kept = runs.order_by(TopicRun.id.desc()).limit(MODELS_KEPT)
    db.session.execute(
        delete(TopicModelFile).where(TopicModelFile.run_id.in_(runs), TopicModelFile.run_id.not_in(kept))
    )


def _keep_mixtures(run_id: int, found: "Training", read: dict[texts.Key, texts.Text]) -> None:
    """Write what each contribution is about, and remember what was thought before where that differs."""
    columns = ", ".join(COLUMNS)
    db.session.execute(text("DROP TABLE IF EXISTS topics_read"))
    db.session.execute(
        text(f"CREATE TEMP TABLE topics_read ON COMMIT DROP AS SELECT {columns} FROM contribution_topic LIMIT 0")
    )
    link = db.session.connection().connection.driver_connection
    with link.cursor() as cursor, cursor.copy(f"COPY topics_read ({columns}) FROM STDIN") as copy:  # type: ignore[union-attr]
        for key, mixture in found.mixtures.items():
            one = read[key]  # type: ignore[index]
            copy.write_row((
                *one.key, one.board_id, *one.thread, one.author_id, one.written_at, mixture.topic,
                json.dumps(mixture.shares), one.external_id,
            ))  # fmt: skip
    values = {"run": run_id, "now": now()}
    db.session.execute(text(_REMEMBER), values)
    fresh_values = ", ".join(f"{name} = excluded.{name}" for name in (*COLUMNS[2:], "run_id", "read_at"))
    db.session.execute(
        text(
            f"INSERT INTO contribution_topic ({columns}, run_id, read_at) SELECT {columns}, :run, :now FROM topics_read"
            f" ON CONFLICT (kind, contribution_id) DO UPDATE SET {fresh_values}"
        ),
        values,
    )
    db.session.execute(text("DROP TABLE topics_read"))


_REMEMBER = """
INSERT INTO topic_history (kind, contribution_id, topic_id, run_id, until)
SELECT kind, contribution_id, old.topic_id, :run, :now
FROM contribution_topic old JOIN topics_read fresh USING (kind, contribution_id)
WHERE old.topic_id IS DISTINCT FROM fresh.topic_id"""


def _left_over(run_id: int, scope: Scope) -> list[texts.Key]:
    """Forget what the training did not see, and return it with what it may only read: all of that is read now.

    What was written meanwhile is among it, and what has been hidden since.
    """
    gone = text(
        "DELETE FROM contribution_topic WHERE board_id = ANY(:boards) AND run_id <> :run"
        " RETURNING kind, contribution_id"
    )
    keys = {(kind, one) for kind, one in db.session.execute(gone, {"boards": list(scope.boards), "run": run_id})}
    keys |= {one.key for one in texts.everything_on(scope.reads)}
    return sorted(keys)


def boards_of(board_key: str | None) -> list[int]:
    """Return the ids of a board given by key, or of all."""
    return [board.id for board in community.every_board() if board_key in {None, board.key}]
