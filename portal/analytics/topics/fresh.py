"""New posts get their topics: read with the model of their board, within seconds of being written."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, tuple_
from sqlalchemy.dialects.postgresql import insert

from portal.analytics.topics import queries, texts
from portal.analytics.topics.models import ContributionTopic
from portal.kernel.clock import now
from portal.kernel.database import db

if TYPE_CHECKING:
    from portal.analytics.topics.reading.model import Mixture, TopicModel

MODELS_HELD = 4
_models: "dict[int, TopicModel]" = {}


def model_of(run_id: int | None) -> "TopicModel | None":
    """Return the model of a training, from this process's memory when it has been used before."""
    from portal.analytics.topics.reading.model import TopicModel

    if run_id is None:
        return None
    if run_id not in _models:
        data = queries.model_data(run_id)
        if data is None:
            return None
        while len(_models) >= MODELS_HELD:
            del _models[next(iter(_models))]
        _models[run_id] = TopicModel.from_bytes(data)
    return _models[run_id]


def forget_model(run_id: int) -> None:
    """Read a model anew the next time: it has changed."""
    _models.pop(run_id, None)


def read_keys(keys: Collection[texts.Key]) -> int:
    """Read contributions that are new or have changed, and forget those that cannot be seen any more.

    A repeat reads them again and comes to the same; where no model has been trained there is nothing to do.
    Return how many were read.
    """
    runs = queries.latest_run_ids()
    if not keys or not runs:
        return 0
    read = 0
    for kinds in (("idea", "question"), ("answer", "comment")):  # a reply leans towards its thread, which comes first
        wanted = [key for key in keys if key[0] in kinds]
        found = [one for kind in kinds for one in texts.some(kind, [number for k, number in wanted if k == kind])]
        _forget(set(wanted) - {one.key for one in found})
        for run_id, some in _by_run(found, runs).items():
            read += _read(run_id, some)
    return read


def _by_run(found: Iterable[texts.Text], runs: dict[int | None, int]) -> dict[int, list[texts.Text]]:
    groups: dict[int, list[texts.Text]] = {}
    for one in found:
        run_id = runs.get(one.board_id, runs.get(None))
        if run_id is not None:
            groups.setdefault(run_id, []).append(one)
    return groups


def _read(run_id: int, found: list[texts.Text]) -> int:
    from portal.analytics.topics.reading.model import Fresh

    model = model_of(run_id)
    if model is None:
        return 0
    threads = queries.rows_of_threads({one.thread for one in found if not one.opens})
    posts = [
        Fresh(_with_hints(one), one.lang, None if one.opens else dict(threads.get(one.thread, ())) or None)
        for one in found
    ]
    rows = [_row(one, mixture, run_id) for one, mixture in zip(found, model.read_all(posts), strict=True)]
    statement = insert(ContributionTopic)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in {"kind", "contribution_id"}}
    db.session.execute(statement.on_conflict_do_update(index_elements=["kind", "contribution_id"], set_=changed), rows)
    return len(rows)


def _with_hints(one: texts.Text) -> str:
    own = " ".join(words for words, lang in one.hints if lang == one.lang)
    return f"{one.text}\n{own}" if own else one.text


def _row(one: texts.Text, mixture: "Mixture", run_id: int) -> dict[str, Any]:
    return {
        "kind": one.key[0],
        "contribution_id": one.key[1],
        "board_id": one.board_id,
        "thread_kind": one.thread[0],
        "thread_id": one.thread[1],
        "author_id": one.author_id,
        "written_at": one.written_at,
        "topic_id": mixture.topic,
        "mixture": [list(share) for share in mixture.shares],
        "run_id": run_id,
        "external_id": one.external_id,
        "read_at": now(),
    }


def _forget(keys: Collection[texts.Key]) -> None:
    """Remove contributions that cannot be seen, with what was written under them."""
    if keys:
        here = ContributionTopic
        db.session.execute(
            delete(here).where(
                tuple_(here.kind, here.contribution_id).in_(list(keys))
                | tuple_(here.thread_kind, here.thread_id).in_(list(keys))
            )
        )
