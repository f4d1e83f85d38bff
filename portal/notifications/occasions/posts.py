"""Posts, and what becomes of them: comments, answers, votes, decisions, new things on boards."""

from collections.abc import Callable, Iterator
from typing import Any

from portal.analytics.events import ExpertsInvited
from portal.community import facade as community
from portal.community.events import CommentPosted, MembersMentioned
from portal.community.queries import comment_target
from portal.ideas import facade as ideas
from portal.ideas.events import IdeaPosted, IdeaStageChanged
from portal.kernel.projections import FactRow
from portal.members.policy import Viewer
from portal.members.rules import Kind as MemberKind
from portal.members.rules import Role
from portal.notifications import queries
from portal.notifications.rules.kinds import Kind, Level, Why
from portal.notifications.services.telling import Telling, Thing
from portal.support import facade as support
from portal.support.events import (
    AnswerAccepted,
    AnswerGiven,
    AnswerMarked,
    AnswerVoted,
    QuestionAsked,
    SameProblemSaid,
)

Tellings = Iterator[Telling]
THE_COMPANY = Viewer(kind=MemberKind.STAFF.value, roles=frozenset({Role.ADMIN.value}))
"""Whose eyes find out whose a thing is. Nobody is shown what they see."""


def _comment(event: CommentPosted, _fact: FactRow) -> Tellings:
    comment = community.comment_row(event.comment_id)
    target = (event.target_kind, event.target_id)
    card = community.describe(THE_COMPANY, [target]).get(target)
    if comment is None or comment.hidden or card is None:
        return
    thread = _thread(target)
    common: dict[str, Any] = {
        "source": f"comment:{event.comment_id}",
        "group": f"comment:{event.target_kind}:{event.target_id}",
        "subject_kind": event.target_kind,
        "subject_id": event.target_id,
        "board_id": event.board_id,
        "actor_id": event.actor_id,
        "needs": (target,),
        "places": tuple({target, thread}),
        "details": {"anchor": f"comment-{event.comment_id}"},
    }
    parent = community.comment_row(event.parent_id) if event.parent_id is not None else None
    if parent is not None:
        yield _of(Kind.REPLY, Why.COMMENTER, {parent.author_id}, common)
    if card.author_id is not None:
        yield _of(Kind.REPLY, Why.AUTHOR, {card.author_id}, common)
    followers = {*community.followers_of(*target), *community.followers_of(*thread)}
    yield _of(Kind.FOLLOWED, Why.FOLLOWER, followers, common)


def _of(kind: Kind, why: Why, to: set[int], common: dict[str, Any]) -> Telling:
    group = f"{kind}:{why}:{common['group']}"
    return Telling(**{**common, "kind": kind, "why": why, "to": frozenset(to), "group": group})


def _thread(target: Thing) -> Thing:
    """Return the page's own thing: an answer stands on its question's page."""
    if target[0] != "answer":
        return target
    found = support.answer_texts_of([target[1]])
    return ("question", found[0].thread_id) if found else target


def _mentioned(event: MembersMentioned, _fact: FactRow) -> Tellings:
    """Tell those whose names stand in a text; a mention in a comment is told instead of the comment itself."""
    target, anchor = (event.target_kind, event.target_id), ""
    if event.target_kind == "comment":
        found = comment_target(event.target_id)
        comment = community.comment_row(event.target_id)
        if found is None or comment is None or comment.hidden:
            return
        target, anchor = found, f"comment-{event.target_id}"
    yield Telling(
        kind=Kind.MENTION,
        why=Why.MENTIONED,
        to=frozenset(event.members),
        source=f"{event.target_kind}:{event.target_id}",
        group=f"{Kind.MENTION}:{target[0]}:{target[1]}",
        subject_kind=target[0],
        subject_id=target[1],
        board_id=event.board_id,
        actor_id=event.actor_id,
        needs=(target,),
        places=tuple({target, _thread(target)}),
        details={"anchor": anchor} if anchor else {},
    )


def _answer(event: AnswerGiven, _fact: FactRow) -> Tellings:
    question, answer = ("question", event.question_id), ("answer", event.answer_id)
    common: dict[str, Any] = {
        "source": f"answer:{event.answer_id}",
        "group": f"answer:{event.question_id}",
        "subject_kind": "question",
        "subject_id": event.question_id,
        "board_id": event.board_id,
        "actor_id": event.actor_id,
        "needs": (question, answer),
        "places": (question,),
        "details": {"anchor": f"answer-{event.answer_id}"},
    }
    yield _of(Kind.ANSWER, Why.ASKER, {event.asker_id}, common)
    followers = set(community.followers_of("question", event.question_id))
    common["details"] = {**common["details"], "answered": True}
    yield _of(Kind.FOLLOWED, Why.FOLLOWER, followers, common)


def _about_answer(event: Any, fact: FactRow, kind: Kind, **more: Any) -> Tellings:
    named = more.pop("named", True)
    yield Telling(
        kind=kind,
        why=Why.ANSWERER,
        to=frozenset({event.author_id}),
        source=f"fact:{fact.id}",
        group=f"{kind}:{event.answer_id}",
        subject_kind="answer",
        subject_id=event.answer_id,
        board_id=event.board_id,
        actor_id=event.actor_id,
        named=named,
        needs=(("answer", event.answer_id),),
        places=(("question", event.question_id),),
        details=more,
    )


def _accepted(event: AnswerAccepted, fact: FactRow) -> Tellings:
    return _about_answer(event, fact, Kind.ACCEPTED, mark="accepted")


def _marked(event: AnswerMarked, fact: FactRow) -> Tellings:
    return _about_answer(event, fact, Kind.ACCEPTED, mark=event.mark) if event.on else iter(())


def _helped(event: AnswerVoted, fact: FactRow) -> Tellings:
    return _about_answer(event, fact, Kind.HELPED, named=False) if event.value > 0 else iter(())


def _same(event: SameProblemSaid, fact: FactRow) -> Tellings:
    question = ("question", event.question_id)
    yield Telling(
        kind=Kind.SAME,
        why=Why.ASKER,
        to=frozenset({event.author_id}),
        source=f"fact:{fact.id}",
        group=f"{Kind.SAME}:{event.question_id}",
        subject_kind="question",
        subject_id=event.question_id,
        board_id=event.board_id,
        actor_id=event.actor_id,
        named=False,
        needs=(question,),
        places=(question,),
    )


def _stage(event: IdeaStageChanged, fact: FactRow) -> Tellings:
    idea = ("idea", event.idea_id)
    common: dict[str, Any] = {
        "source": f"fact:{fact.id}",
        "group": f"stage:{event.idea_id}",
        "subject_kind": "idea",
        "subject_id": event.idea_id,
        "board_id": event.board_id,
        "actor_id": event.actor_id,
        "needs": (idea,),
        "places": (idea,),
        "details": {"before": event.before, "stage": event.stage, "answered": event.answered},
    }
    yield _of(Kind.DECISION, Why.AUTHOR, {event.author_id}, common)
    yield _of(Kind.STAGE, Why.SUPPORTER, set(ideas.supporters_of(event.idea_id)), common)
    yield _of(Kind.STAGE, Why.FOLLOWER, set(community.followers_of("idea", event.idea_id)), common)


def _posted(event: IdeaPosted | QuestionAsked, _fact: FactRow) -> Tellings:
    kind, thing_id = ("idea", event.idea_id) if isinstance(event, IdeaPosted) else ("question", event.question_id)
    board = ("board", event.board_id)
    common: dict[str, Any] = {
        "source": f"{kind}:{thing_id}",
        "group": f"{kind}:{thing_id}",
        "subject_kind": kind,
        "subject_id": thing_id,
        "board_id": event.board_id,
        "actor_id": event.actor_id,
        "needs": ((kind, thing_id),),
    }
    watchers = queries.who_says(Level.ALL, [board]) | set(community.followers_of(*board))
    yield _of(Kind.POSTED, Why.WATCHER, watchers, common)
    if event.actor_id is not None:
        yield _of(Kind.POSTED, Why.READER_OF, set(community.followers_of("member", event.actor_id)), common)


def _asked(event: ExpertsInvited, _fact: FactRow) -> Tellings:
    question = ("question", event.question_id)
    record = support.question_record(event.question_id)
    yield Telling(
        kind=Kind.ASKED,
        why=Why.EXPERT,
        to=frozenset(event.member_ids),
        source=f"invited:{event.question_id}",
        group=f"{Kind.ASKED}:{event.question_id}",
        subject_kind="question",
        subject_id=event.question_id,
        board_id=event.board_id,
        actor_id=record.author_id if record is not None else None,
        needs=(question,),
        places=(question,),
    )


TELLERS: dict[str, Callable[[Any, FactRow], Tellings]] = {
    "CommentPosted": _comment,
    "AnswerGiven": _answer,
    "AnswerAccepted": _accepted,
    "AnswerMarked": _marked,
    "AnswerVoted": _helped,
    "SameProblemSaid": _same,
    "IdeaStageChanged": _stage,
    "IdeaPosted": _posted,
    "QuestionAsked": _posted,
    "ExpertsInvited": _asked,
    "MembersMentioned": _mentioned,
}
