"""An idea goes to another board with all that hangs on it; its address is the same."""

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from portal.community import facade as community
from portal.ideas import queries
from portal.ideas.events import IdeaEdited
from portal.kernel.database import db
from portal.kernel.errors import Refused
from portal.kernel.outbox import publish

_COUNT = text("""
    INSERT INTO idea_count (board_id, facet, key, ideas)
    SELECT * FROM (VALUES (CAST(:board AS bigint), 'stage', CAST(:stage AS text), CAST(:by AS bigint)),
                          (:board, 'category', CAST(:category AS text), :by)) AS v WHERE v.column3 <> ''
    ON CONFLICT (board_id, facet, key) DO UPDATE SET ideas = idea_count.ideas + excluded.ideas""")


def move(idea_id: int, board_id: int) -> None:
    """Put an idea on a board.

    :raise Refused: when that board does not know the stage the idea is in.
    """
    idea, tally = queries.any_idea_for_update(idea_id)
    place = next(one for one in community.every_board("ideas") if one.id == board_id)
    if tally.stage not in place.stages:
        raise Refused(_l("That board does not know the stage this idea is in. Change the stage first."))
    before = idea.board_id
    idea.board_id, tally.board_id = board_id, board_id
    db.session.flush()
    if tally.listed:
        for board, by in sorted(((before, -1), (board_id, 1))):
            bound = {"board": board, "by": by, "stage": tally.stage, "category": idea.category}
            db.session.execute(_COUNT, bound)
    community.move_comments([("idea", idea_id)], board_id)
    if idea.hidden_at is None:
        publish(IdeaEdited(actor_id=None, idea_id=idea.id, board_id=board_id, author_id=idea.author_id))
