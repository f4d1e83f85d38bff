"""What people do with topics: ask for a training, stop it, give a topic a name."""

from portal.analytics.topics import queries, rules
from portal.analytics.topics.events import TopicNamed
from portal.analytics.topics.models import Topic
from portal.analytics.topics.scopes import Scope
from portal.community import facade as community
from portal.kernel import progress
from portal.kernel.database import db
from portal.kernel.outbox import publish
from portal.kernel.progress import LongRun
from portal.kernel.text import clean_line
from portal.members.policy import Viewer

KIND = "topics"


def ask_for_training(scope: Scope, *, asked_by: int | None = None) -> LongRun:
    """Return the run that will train a scope: a new one, or the one that waits or is under way."""
    return progress.ask_for(KIND, scope.subject, asked_by=asked_by)


def name_topic(topic_id: int, name: str, viewer: Viewer) -> None:
    """Give a topic a name that no training changes; an empty one gives it back to its words.

    :raise NotFound: when there is no such topic, or the viewer may not see its board.
    :raise Invalid: when the name is too long.
    """
    queries.topic_card(topic_id, community.visible_board_ids(viewer))
    given = clean_line(name, field="name", most=rules.LONGEST_NAME) if name.strip() else ""
    topic = db.session.get_one(Topic, topic_id)
    topic.name, topic.named_by = given or None, viewer.id
    publish(TopicNamed(actor_id=viewer.id, topic_id=topic_id, name=given))
