"""What search does for community: lists of ideas and questions can be looked through by words."""

from collections.abc import Sequence

from portal.community import facade as community
from portal.community.screening import finds_twins
from portal.search import close, queries


@community.finds("idea")
def find_ideas(words: str, boards: Sequence[int], limit: int) -> list[int]:
    """Return the ideas on these boards that hold the words, the best first."""
    return queries.ids_by_words("idea", words, boards, limit)


@community.finds("question")
def find_questions(words: str, boards: Sequence[int], limit: int) -> list[int]:
    """Return the questions on these boards that hold the words, or whose answers do, the best first."""
    return queries.ids_by_words("question", words, boards, limit)


@finds_twins
def find_twins(kind: str, target_id: int, boards: Sequence[int]) -> list[tuple[int, float]]:
    """Return the ideas or questions on these boards that may say the same, the likeliest first."""
    return [(one.id, one.probability) for one in close.close_to_entry(kind, target_id, kind, boards)]
