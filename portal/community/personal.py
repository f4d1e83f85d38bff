"""What of the tables that ideas and support share is whose."""

from portal.kernel.personal import Erase, declare, nobodys

THING = ("target_kind", "target_id")

declare(
    "comment",
    owner="author_id",
    export="comments",
    erase=Erase.BLANK,
    blank={"extra": {}},
    texts={"body": "", "html": ""},
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
