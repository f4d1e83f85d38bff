"""What of the topics is whose: they are read from what people wrote."""

from sqlalchemy import delete

from portal.analytics.topics import pruning
from portal.analytics.topics.models import ContributionTopic
from portal.kernel.database import db
from portal.kernel.personal import Erase, Erasing, Move, declare, erases_outside, nobodys

declare(
    "contribution_topic",
    owner="author_id",
    export="topics_of_contributions",
    erase=Erase.BY_HAND,
    move=Move.DERIVED,
    again=False,
    why="What a post is about, by number; gone with a removed post.",
)
declare(
    "topic",
    owner="named_by",
    export="topics_named",
    erase=Erase.BLANK,
    blank={"named_by": None},
    again=False,
    why="What staff called a topic stays the topic's name; words that only removed posts held leave its list.",
)
declare(
    "topic_run",
    owner="asked_by",
    export="trainings_asked",
    erase=Erase.BLANK,
    blank={"asked_by": None},
    again=False,
    move=Move.STAY,
    why="A training is the portal's.",
)
declare(
    "topic_model",
    owner=None,
    erase=Erase.BY_HAND,
    move=Move.DERIVED,
    again=False,
    why="What was learnt of all posts; words that only removed posts held leave its vocabulary.",
)
nobodys("topic_history", "What a post was held to be about, by number.")


@erases_outside
def forget_words(erasing: Erasing) -> None:
    """Take the posts of a member out of the topics, and out of the models the words that only she used."""
    if not erasing.texts:
        return
    keys = {(kind, one) for kind, ids in erasing.posts.items() for one in ids}
    for kind, ids in erasing.posts.items():
        here = ContributionTopic
        db.session.execute(delete(here).where(here.kind == kind, here.contribution_id.in_(ids)))
    pruning.forget_lost_words(keys)
