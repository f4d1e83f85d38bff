"""What of the index is whose: it holds what is written elsewhere, and follows it."""

from portal.kernel.personal import Erase, Move, declare, nobodys

declare(
    "search_entry",
    owner="author_id",
    erase=Erase.BY_HAND,
    move=Move.DERIVED,
    again=False,
    why="The words of posts, which are exported themselves; gone with the posts' words.",
)
nobodys("search_concept", "A bilingual list that comes with the portal.")
declare(
    "search_word",
    owner=None,
    erase=Erase.BY_HAND,
    move=Move.DERIVED,
    again=False,
    why="Words of all posts; those that only her removed posts held are gone with them.",
)
declare(
    "search_term",
    owner=None,
    erase=Erase.BY_HAND,
    move=Move.DERIVED,
    again=False,
    why="Terms of all posts; those that only her removed posts held are gone with them.",
)
