"""What other features may ask of peer support, and do through it."""

from collections.abc import Sequence

from portal.community import facade as community
from portal.members.policy import Viewer
from portal.support import queries
from portal.support.figures import BoardFigures, MemberFigures
from portal.support.figures import of_boards as board_figures
from portal.support.figures import of_members as figures
from portal.support.merging import Written, written_by
from portal.support.moving import move as move_to_board
from portal.support.queries import AnswerRow, QuestionPage, QuestionRow, answers_of_member, best_answers
from portal.support.rules import Listing, lower_bound
from portal.support.services import (
    accept_answer,
    answer_question,
    ask_question,
    deflect,
    hide_answer,
    hide_question,
    mark_answer,
    release_answer,
    release_question,
    same_problem,
    show_answer,
    show_question,
    unaccept_answer,
    vote_answer,
)
from portal.support.streams import (
    AnswerRecord,
    AnswerVoteRecord,
    QuestionRecord,
    SameProblemRecord,
    TextRecord,
    answer_ids_of,
    answer_texts,
    answer_texts_of,
    states_of,
    texts,
    texts_of,
)
from portal.support.streams import answer_votes as stream_answer_votes
from portal.support.streams import answers as stream_answers
from portal.support.streams import question as question_record
from portal.support.streams import questions as stream_questions
from portal.support.streams import same_problems as stream_same_problem
from portal.support.twins import join as join_twins
from portal.support.twins import merged_into, take_voices
from portal.support.twins import part as part_twins
from portal.support.twins import supporters as supporters_of

__all__ = [
    "AnswerRecord",
    "AnswerRow",
    "AnswerVoteRecord",
    "BoardFigures",
    "MemberFigures",
    "QuestionPage",
    "QuestionRecord",
    "QuestionRow",
    "SameProblemRecord",
    "TextRecord",
    "Written",
    "accept_answer",
    "answer_ids_of",
    "answer_question",
    "answer_texts",
    "answer_texts_of",
    "answers_of_member",
    "ask_question",
    "best_answers",
    "board_figures",
    "deflect",
    "figures",
    "hide_answer",
    "hide_question",
    "join_twins",
    "latest_questions",
    "lower_bound",
    "mark_answer",
    "merged_into",
    "move_to_board",
    "part_twins",
    "question_cards",
    "question_record",
    "questions_of_member",
    "release_answer",
    "release_question",
    "same_problem",
    "show_answer",
    "show_question",
    "states_of",
    "stream_answer_votes",
    "stream_answers",
    "stream_questions",
    "stream_same_problem",
    "supporters_of",
    "take_voices",
    "texts",
    "texts_of",
    "unaccept_answer",
    "unanswered",
    "vote_answer",
    "written_by",
]


def question_cards(ids: Sequence[int], viewer: Viewer | None = None) -> dict[int, QuestionRow]:
    """Return questions by id; those that are hidden, or that the viewer may not see, are not there.

    :param viewer: None for jobs, which show nothing to anybody.
    """
    boards = None if viewer is None else community.visible_board_ids(viewer, community.BoardType.SUPPORT)
    return queries.questions_by_id(ids, boards)


def latest_questions(viewer: Viewer, limit: int = 5) -> Sequence[QuestionRow]:
    """Return the newest questions that the viewer may see."""
    boards = community.visible_board_ids(viewer, community.BoardType.SUPPORT)
    return queries.list_questions(boards, Listing.NEWEST, size=limit).items


def unanswered(viewer: Viewer, limit: int = 5) -> Sequence[QuestionRow]:
    """Return the questions that nobody has answered, those of most people first."""
    boards = community.visible_board_ids(viewer, community.BoardType.SUPPORT)
    return queries.list_questions(boards, Listing.UNANSWERED, size=limit).items


def questions_of_member(viewer: Viewer, member_id: int, limit: int = 20) -> Sequence[QuestionRow]:
    """Return the latest questions of a member that the viewer may see."""
    boards = community.visible_board_ids(viewer, community.BoardType.SUPPORT)
    return queries.questions_of_member(boards, member_id, limit)
