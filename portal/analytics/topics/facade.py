"""What other features may ask of topics: ids, labels and shares; and, for commands, a training."""

from collections.abc import Collection, Mapping, Sequence

from portal.analytics.topics import queries, training
from portal.analytics.topics.queries import TopicCard, living_topics, mixtures_of, topic_card, topics_by_id
from portal.analytics.topics.scopes import all_scopes
from portal.community import facade as community
from portal.community.registry import TopicLabel, finds_by_topic
from portal.kernel.errors import Refused
from portal.kernel.progress import Progress

__all__ = [
    "TopicCard",
    "ids_about",
    "labels_of",
    "living_topics",
    "mixtures_of",
    "topic_card",
    "topics_by_id",
    "train_everything",
    "trained_boards",
]
LEAST_SHARE = 0.15


def labels_of(kind: str, ids: Sequence[int]) -> Mapping[int, Sequence[TopicLabel]]:
    """Return the topics of contributions of one kind with what they are called; small shares are left out."""
    mixtures = queries.mixtures_of(kind, ids)
    known = queries.topics_by_id({topic for mixture in mixtures.values() for topic, _ in mixture})
    return {
        one: [
            TopicLabel(topic, known[topic].title, share)
            for place, (topic, share) in enumerate(mixture)
            if topic in known and (place == 0 or share >= LEAST_SHARE)
        ]
        for one, mixture in mixtures.items()
    }


@finds_by_topic
def ids_about(kind: str, topic_id: int, boards: Sequence[int], limit: int) -> Sequence[int]:
    """Return the latest contributions of one kind about a topic, for lists that are narrowed by it."""
    return queries.ids_about(kind, topic_id, boards, limit)


def train_everything(watcher: Progress | None = None) -> dict[str, int]:
    """Train every model there should be, where there is enough text; return how many topics were found in what."""
    keys = {board.id: board.key for board in community.every_board()}
    found = {}
    for scope in all_scopes():
        try:
            with training.alone(scope, wait=True):
                report = training.train(scope, watcher or Progress())
        except Refused:
            continue
        where = "the community" if scope.board_id is None else keys[scope.board_id]
        found[where] = int(report["topics"])
    return found


def trained_boards() -> Collection[int]:
    """Return the boards that have a model of their own or share one."""
    runs = queries.latest_run_ids()
    return [board.id for board in community.every_board() if board.id in runs or None in runs]
