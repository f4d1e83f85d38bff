"""Hints: which pages a fact changes."""

from portal.notifications import rules
from portal.notifications.rules import Hint


def test_a_vote_changes_the_idea_and_the_board_it_lies_on() -> None:
    assert rules.hints_of("VoteCast", {"idea_id": 7, "board_id": 2, "actor_id": 3, "kind": "support"}, {}) == [
        Hint("vote", "idea:7", ("idea:7", "board:2"))
    ]


def test_a_vote_that_is_private_gives_no_hint() -> None:
    assert rules.hints_of("VoteCast", {"idea_id": 7, "board_id": 2, "kind": "not_for_me"}, {}) == []


def test_a_new_answer_says_which_one_it_is_but_not_what_it_says() -> None:
    (hint,) = rules.hints_of("AnswerGiven", {"question_id": 3, "answer_id": 9, "board_id": 2}, {})
    assert hint.message() == {"kind": "answer", "subject": "question:3", "id": 9}
    assert hint.rooms == ("question:3", "board:2")


def test_a_comment_changes_what_it_was_written_on() -> None:
    fields = {"comment_id": 5, "target_kind": "idea", "target_id": 7, "board_id": 2}
    assert rules.hints_of("CommentPosted", fields, {}) == [Hint("comment", "idea:7", ("idea:7", "board:2"), 5)]


def test_a_comment_on_an_answer_is_heard_on_the_questions_page() -> None:
    fields = {"comment_id": 5, "target_kind": "answer", "target_id": 9, "board_id": 2}
    assert rules.hints_of("CommentPosted", fields, {9: 3}) == [
        Hint("comment", "answer:9", ("question:3", "board:2"), 5)
    ]


def test_what_changes_no_page_gives_no_hint() -> None:
    assert rules.hints_of("MemberJoined", {"member_id": 1}, {}) == []


def test_fifty_votes_in_a_batch_are_one_change_of_the_page() -> None:
    votes = [
        hint
        for _ in range(50)
        for hint in rules.hints_of("VoteCast", {"idea_id": 7, "board_id": 2, "kind": "support"}, {})
    ]
    assert len(rules.without_repeats(votes)) == 1


def test_only_names_of_rooms_are_rooms() -> None:
    said = ["idea:7", "idea:7", "board:2", "member:1", "topic:1", "idea:0", "idea:07x", 5, None, "question:" + "9" * 40]
    assert rules.rooms_asked_for(said) == ["idea:7", "board:2", "member:1"]
    assert rules.rooms_asked_for("idea:7") == []
    assert len(rules.rooms_asked_for([f"idea:{n}" for n in range(1, 99)])) == rules.MOST_ROOMS


def test_a_reaction_to_a_comment_on_an_answer_is_heard_on_the_questions_page() -> None:
    fields = {"target_kind": "comment", "target_id": 5, "board_id": 2, "on_kind": "answer", "on_id": 9}
    assert rules.hints_of("Reacted", fields, {9: 3}) == [Hint("reaction", "comment:5", ("question:3",))]
    fields |= {"target_kind": "idea", "target_id": 7, "on_kind": "idea", "on_id": 7}
    assert rules.hints_of("Unreacted", fields, {}) == [Hint("reaction", "idea:7", ("idea:7",))]
