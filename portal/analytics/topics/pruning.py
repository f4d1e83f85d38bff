"""Taking words out of what was learnt: after an erasure, a word that no text is left to hold is forgotten.

A model's arrays keep their shape, so that topics keep their identity; only the spelling of a lost word goes.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from portal.analytics.topics import fresh, texts
from portal.analytics.topics.models import Topic, TopicModelFile
from portal.kernel.database import db
from portal.kernel.text import fold

if TYPE_CHECKING:
    from portal.analytics.topics.reading.model import TopicModel

LOST = "∅"
LABEL_WORDS = 3
_WORD = re.compile(r"\w+")


def forget_lost_words(removed: Collection[texts.Key]) -> int:
    """Forget the words that are in no text any more, in every model and topic; return how many. Again changes nothing.

    It reads all that is written, a thousand texts a second: for a job on the heavy queue.
    """
    boards = texts.every_board_id()
    models = {
        run_id: model for run_id in db.session.scalars(select(TopicModelFile.run_id)) if (model := _model(run_id))
    }
    words, terms = _held(boards, models)
    lost = sum(_prune(run_id, model, terms[run_id]) for run_id, model in models.items())
    return lost + sum(_prune_topic(topic, words, removed) for topic in db.session.scalars(select(Topic)))


def _model(run_id: int) -> "TopicModel | None":
    fresh.forget_model(run_id)
    return fresh.model_of(run_id)


def _held(boards: Collection[int], models: "dict[int, TopicModel]") -> tuple[set[str], dict[int, set[str]]]:
    """Return every word that is written, and per model the terms that its reader finds."""
    from portal.analytics.topics.reading.corpus import join_phrases
    from portal.analytics.topics.reading.words import Reader

    words: set[str] = set()
    terms: dict[int, set[str]] = {run_id: set() for run_id in models}
    readers = {run_id: Reader(model.languages) for run_id, model in models.items()}
    for one in texts.everything_on(boards):
        hints = " ".join(words for words, _lang in one.hints)
        words.update(_WORD.findall(fold.__wrapped__(f"{one.text} {hints}")))
        for run_id, reader in readers.items():
            stems, _tongue = reader.read(f"{one.text}\n{hints}", one.lang)
            terms[run_id].update(stems, join_phrases(stems, models[run_id].vocabulary.phrases))
    return words, terms


def _prune(run_id: int, model: "TopicModel", held: set[str]) -> int:
    from dataclasses import replace

    words = model.vocabulary.words
    kept = tuple(
        word if word in held or word.startswith(LOST) else f"{LOST}{place}" for place, word in enumerate(words)
    )
    lost = sum(before != after for before, after in zip(words, kept, strict=True))
    phrases = frozenset(pair for pair in model.vocabulary.phrases if set(pair) <= held)
    if lost or phrases != model.vocabulary.phrases:
        clean = replace(model, vocabulary=replace(model.vocabulary, words=kept, phrases=phrases))
        db.session.execute(update(TopicModelFile).filter_by(run_id=run_id).values(data=clean.to_bytes()))
        fresh.forget_model(run_id)
    return lost


def _prune_topic(topic: Topic, held: set[str], removed: Collection[texts.Key]) -> int:
    """Take lost words and removed posts out of a topic's list and label; return how many words."""
    kept = [word for word in topic.words if _is_held(word["text"], held)]
    lost = len(topic.words) - len(kept)
    if lost:
        topic.words = kept
    label = {lang: _label(text, kept, held, lang) for lang, text in topic.label.items()}
    if label != topic.label:
        topic.label = label
    shown = [one for one in topic.representatives if tuple(one) not in removed]
    if len(shown) < len(topic.representatives):
        topic.representatives = shown
    return lost


def _is_held(text: str, held: set[str]) -> bool:
    return held.issuperset(_WORD.findall(fold(text)))


def _label(label: Any, words: list[dict[str, Any]], held: set[str], lang: str) -> str:
    """Return a label without lost words: as it is, or the strongest words that are left."""
    if _is_held(str(label), held):
        return str(label)
    spoken = [str(word["text"]) for word in words if not lang or word["lang"] == lang]
    return ", ".join(spoken[:LABEL_WORDS])
