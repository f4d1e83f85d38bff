"""What search does for community: lists of ideas and questions can be looked through by words."""

from collections.abc import Sequence

from portal.community import facade as community
from portal.search import queries


@community.finds("idea")
def find_ideas(words: str, boards: Sequence[int], limit: int) -> list[int]:
    """Return the ideas on these boards that hold the words, the best first."""
    return queries.ids_by_words("idea", words, boards, limit)


@community.finds("question")
def find_questions(words: str, boards: Sequence[int], limit: int) -> list[int]:
    """Return the questions on these boards that hold the words, or whose answers do, the best first."""
    return queries.ids_by_words("question", words, boards, limit)
