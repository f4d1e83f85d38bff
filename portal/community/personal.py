"""What of the tables that ideas and support share is whose."""

from portal.community import services
from portal.community.screening import Why
import portal.community.merging  # noqa: F401 - what a join of two accounts does besides moving rows
from portal.kernel.personal import Erase, Erasing, declare, erases, nobodys

THING = ("target_kind", "target_id")

declare(
    "comment",
    owner="author_id",
    export="comments",
    erase=Erase.BLANK,
    blank={"extra": {}},
    texts={"body": "", "html": "", "hidden_why": "erased"},
    things=(THING,),
    context=("board_id", "target_kind", "target_id", "created_at", "lang"),
)
declare("follow", owner="member_id", export="follows", erase=Erase.DELETE, things=(THING,))
nobodys("impression", "The viewer is a hash under the salt of a day, and the salt is thrown away with the day.")
nobodys("impression_count", "How many, not who.")
nobodys("day_salt", "A random number.")
nobodys("board", "A place; staff opens it.")
nobodys("tag", "A word that many use.")
nobodys("tag_word", "A spelling of a tag.")
nobodys("contribution_tag", "Of which tags a contribution is; the contribution says whose it is.")


@erases
def take_away_comments(erasing: Erasing) -> None:
    """Take a member's comments out of sight and out of the counts, if she wants her texts to go."""
    for comment_id in erasing.posts.get("comment", ()) if erasing.texts else ():
        services.hide_comment(comment_id, actor_id=erasing.member_id, why=Why.ERASED)
