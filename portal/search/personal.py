"""What of the index is whose: it holds what is written elsewhere, and follows it."""

from portal.kernel.personal import Erase, Erasing, Move, declare, erases, nobodys
from portal.search import services

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


@erases
def forget_posts(erasing: Erasing) -> None:
    """Take a member's posts out of the index, and the words that only they held, if she wants her texts to go."""
    if erasing.texts:
        services.forget_for_good({kind: list(ids) for kind, ids in erasing.posts.items() if ids}, erasing.written)
