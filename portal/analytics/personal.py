"""What of the figures is whose: all of them are worked out from the record."""

from portal.analytics.services.forgetting import forget_words_of_questions
from portal.kernel.personal import Erase, Erasing, Move, declare, erases, nobodys

WORKED_OUT = "Worked out from the record, and again where the record is."


def _figures(name: str, *, export: str | None, owner: str = "member_id", erase: Erase = Erase.DELETE) -> None:
    declare(name, owner=owner, export=export, erase=erase, move=Move.DERIVED, again=False, why=WORKED_OUT)


_figures("member_day", export="days", erase=Erase.KEEP)
_figures("member_figures", export="figures")
_figures("member_trust", export="trust")
_figures("expertise", export="expertise")
_figures("idea_course", export="idea_courses", owner="author_id", erase=Erase.KEEP)
_figures("question_course", export="question_courses", owner="asker_id", erase=Erase.KEEP)
declare(
    "answer_course",
    owner="author_id",
    others=("asker_id",),
    export="answer_courses",
    erase=Erase.KEEP,
    move=Move.DERIVED,
    again=False,
    why=WORKED_OUT,
)
_figures("answer_thanks", export="answer_thanks", erase=Erase.KEEP)
_figures("routing_helper", export="routing")
_figures("routing_word_helper", export="routing_words")
_figures("expert_invitation", export="invitations_to_answer")
nobodys("participation_report", "Sums over many.")
nobodys("routing_board", "What routing has learned of a board: weights, no names.")
declare(
    "routing_word",
    owner=None,
    erase=Erase.BY_HAND,
    move=Move.DERIVED,
    again=False,
    why="In how many questions a word stood; words that only her removed questions held are gone with them.",
)
declare(
    "routing_question",
    owner=None,
    erase=Erase.BY_HAND,
    move=Move.DERIVED,
    again=False,
    why="The words of questions that are still to be learned from; gone with a removed question.",
)


@erases
def forget_questions(erasing: Erasing) -> None:
    """Forget what routing has learned of a member's words, if she wants her texts to go."""
    if erasing.texts:
        forget_words_of_questions(erasing.posts.get("question", ()), erasing.written)
