"""What support tells community of its things."""

from collections.abc import Mapping, Sequence

from portal.community import facade as community
from portal.members.policy import Viewer
from portal.support import facade, keeping, queries

__all__ = ["describe_answers", "describe_questions", "keeping"]


@community.describes("question")
def describe_questions(viewer: Viewer, ids: Sequence[int]) -> Mapping[int, "community.Card"]:
    """Return a card of each question the viewer may see."""
    return {
        row.id: community.Card(
            "question", row.id, row.title, f"/questions/{row.id}", row.board_id, row.author_id, row.lang
        )
        for row in facade.question_cards(ids, viewer).values()
    }


@community.describes("answer")
def describe_answers(viewer: Viewer, ids: Sequence[int]) -> Mapping[int, "community.Card"]:
    """Return a card of each answer the viewer may see; it bears the question's title."""
    boards = community.visible_board_ids(viewer, community.BoardType.SUPPORT)
    return {
        row.id: community.Card(
            "answer",
            row.id,
            row.title,
            f"/questions/{row.question_id}#answer-{row.id}",
            row.board_id,
            row.author_id,
            row.lang,
        )
        for row in queries.answers_by_id(ids, boards)
    }
