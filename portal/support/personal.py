"""What of the tables of support is whose."""

import portal.support.exporting
import portal.support.merging  # noqa: F401 - what a join of two accounts does besides moving rows
from portal.community.screening import Why
from portal.kernel.personal import Brought, Erase, Erasing, brings_back, declare, erases, nobodys
from portal.support import bringing, services

declare(
    "question",
    owner="author_id",
    export="questions",
    erase=Erase.BLANK,
    texts={"title": "", "body": "", "html": "", "hidden_why": "erased"},
    context=("board_id", "title", "lang", "category", "created_at", "external_id"),
)
declare(
    "answer",
    owner="author_id",
    others=("verified_by",),
    export="answers",
    erase=Erase.BLANK,
    texts={"body": "", "html": "", "hidden_why": "erased"},
    context=("question_id", "board_id", "lang", "created_at"),
)
declare("answer_vote", owner="member_id", export="answer_votes", erase=Erase.KEEP, why="A verdict under a number.")
declare("same_problem", owner="member_id", export="same_problems", erase=Erase.KEEP, why="A count under a number.")
nobodys("question_tally", "Counts.")
nobodys("answer_tally", "Counts.")


@erases
def take_away_questions_and_answers(erasing: Erasing) -> None:
    """Take a member's questions and answers out of sight, if she wants her texts to go."""
    for question_id in erasing.posts.get("question", ()) if erasing.texts else ():
        services.hide_question(question_id, actor_id=erasing.member_id, why=Why.ERASED)
    for answer_id in erasing.posts.get("answer", ()) if erasing.texts else ():
        services.hide_answer(answer_id, actor_id=erasing.member_id, why=Why.ERASED)


@brings_back
def stand_up_questions(brought: Brought) -> None:
    """Give the questions and answers of a brought member their counts."""
    bringing.stand_up(brought)
