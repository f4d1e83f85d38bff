"""What of the tables of support is whose."""

from portal.kernel.personal import Erase, declare, nobodys

declare(
    "question",
    owner="author_id",
    export="questions",
    erase=Erase.BLANK,
    texts={"title": "", "body": "", "html": ""},
    context=("board_id", "title", "lang", "category", "created_at", "external_id"),
)
declare(
    "answer",
    owner="author_id",
    others=("verified_by",),
    export="answers",
    erase=Erase.BLANK,
    texts={"body": "", "html": ""},
    context=("question_id", "board_id", "lang", "created_at"),
)
declare("answer_vote", owner="member_id", export="answer_votes", erase=Erase.KEEP, why="A verdict under a number.")
declare("same_problem", owner="member_id", export="same_problems", erase=Erase.KEEP, why="A count under a number.")
nobodys("question_tally", "Counts.")
nobodys("answer_tally", "Counts.")
