"""Learning who answers, and asking them."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.analytics import queries, store
from portal.analytics.events import ExpertsInvited
from portal.analytics.models import Invitation
from portal.analytics.routing.features import context_of
from portal.analytics.routing.memory import Answered, Asked, InMemory, words_of
from portal.analytics.routing.model import Model, softmax
from portal.analytics.routing.replay import replay
from portal.analytics.routing.router import InMemoryShelf, Router, rank
from portal.analytics.routing.spread import PLACES, WINDOW, spread
from portal.analytics.routing.words import Reason, reasons_for
from portal.community import facade as community
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import publish
from portal.members import facade as members
from portal.support import facade as support

Happening = Asked | Answered
OPEN_MOST = 5
"""So many invitations a member may get in a day."""
OUT_OF_ORDER = timedelta(hours=1)
MANY = 300
"""More happenings than this at once are learned by a walk through the whole board."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A member who is likely to answer, with the chance among the candidates and the reasons."""

    member_id: int
    score: float
    reasons: tuple[Reason, ...]


def subjects(category: str, tags: Sequence[str]) -> tuple[str, ...]:
    """Return what a question is filed under: its category and its tags, each once."""
    return tuple(dict.fromkeys(word for word in (category, *tags) if word))


def asked(record: support.QuestionRecord) -> Asked:
    """Return a question as routing reads it."""
    words, under = words_of(record.title, record.body), subjects(record.category, record.tags)
    return Asked(record.id, record.author_id, record.created_at.timestamp(), words, under)


def answered(record: support.AnswerRecord) -> Answered:
    """Return an answer as routing reads it."""
    return Answered(record.question_id, record.author_id, record.created_at.timestamp())


def happenings(board_id: int) -> Iterator[Happening]:
    """Yield everything on a board in order of time, without the askers' own replies and what the erased left behind."""
    gone = members.erased_members()
    given = support.stream_answers(board_id)
    questions = (asked(record) for record in support.stream_questions(board_id))
    answers = (answered(one) for one in given if not one.by_asker and one.author_id not in gone)
    return heapq.merge(questions, answers, key=lambda one: (one.at, isinstance(one, Answered)))


def replay_board(
    board_id: int, since: datetime, until: datetime, tell: Callable[[int], object] = lambda _: None
) -> dict[str, object]:
    """Rank each question of a period with only what was known when it was asked; see `routing.replay`."""
    return replay(happenings(board_id), since.timestamp(), until.timestamp(), tell=tell)


def learn_board(board_id: int, tell: Callable[[int], object] = lambda _: None) -> int:
    """Learn a board anew by a walk through all of it; return how many happenings there were."""
    began = now()
    router, count = Router(InMemory(), InMemoryShelf()), 0
    for count, happening in enumerate(happenings(board_id), start=1):
        if isinstance(happening, Asked):
            router.ask(happening)
        else:
            router.answer(happening)
        tell(count)
    store.replace(board_id, router, began)
    return count


def unlearned_boards() -> list[int]:
    """Return the boards with questions that were never learned."""
    boards = [board.id for board in community.every_board(community.BoardType.SUPPORT)]
    missing = [board_id for board_id in boards if store.board_to_read(board_id) is None]
    return [board_id for board_id, found in support.board_figures(missing).items() if found.questions]


def follow(board_id: int, news: Sequence[Happening]) -> bool:
    """Learn from what has just happened; False when the board must be learned anew instead.

    That is so the first time, for floods, and when what comes is older than what was learned.
    """
    found = store.router_of(board_id)
    if found is None or not news or len(news) > MANY:
        return found is not None and not news
    router, memory, shelf = found
    oldest, newest = min(one.at for one in news), max(one.at for one in news)
    if oldest < (memory.board.learned_to - OUT_OF_ORDER).timestamp():
        return False
    gone = members.erased_among([one.member_id for one in news if isinstance(one, Answered)])
    for happening in sorted(news, key=lambda one: (one.at, isinstance(one, Answered))):
        if isinstance(happening, Asked):
            router.ask(happening)
        elif happening.member_id not in gone:
            router.answer(happening)
    shelf.save()
    memory.save(router.model, newest)
    return True


def suggest(question: Asked, board_id: int) -> list[Suggestion]:
    """Return who is likely to answer, likeliest first: one read of what was learned, no learning."""
    board = store.board_to_read(board_id)
    if board is None:
        return []
    memory = store.StoredMemory(board)
    ranked = rank(question, memory, Model.from_json(board.model))
    silent = members.who_objects([one.helper.id for one in ranked], members.Purpose.PROFILING)
    ranked = [one for one in ranked if one.helper.id not in silent]
    if not ranked:
        return []
    context = context_of(question, memory)
    chances = softmax([one.score for one in ranked])
    return [
        Suggestion(one.helper.id, chance, tuple(reasons_for(one.helper, context)))
        for one, chance in zip(ranked, chances, strict=True)
    ]


def suggest_for(
    board_id: int, *, title: str, body: str = "", tags: Sequence[str] = (), asker_id: int | None = None
) -> list[Suggestion]:
    """Return who is likely to answer a question that is being written."""
    return suggest(Asked(0, asker_id, now().timestamp(), words_of(title, body), subjects("", tags)), board_id)


def invite(question_id: int) -> list[int]:
    """Ask the members who are likely to answer a new question to look at it; return their ids.

    The two likeliest, and three more among whom the load is spread; nobody twice, nobody without an account, nobody
    who may not see the board or who was asked often enough today.
    """
    record = support.question_record(question_id)
    if record is None or queries.invited_to(question_id):
        return []
    suggestions = {one.member_id: one for one in suggest(asked(record), record.board_id)}
    willing = queries.who_can_be_asked(record.board_id, list(suggestions), OPEN_MOST)
    load = queries.load_of(record.board_id, now() - timedelta(seconds=WINDOW))
    chosen = spread([one for one in suggestions if one in willing], load, places=PLACES)
    for place, member_id in enumerate(chosen, start=1):
        one = suggestions[member_id]
        db.session.add(
            Invitation(
                question_id=question_id, member_id=member_id, board_id=record.board_id, place=place,
                score=one.score, reasons=[reason.to_json() for reason in one.reasons],
            )
        )  # fmt: skip
    if chosen:
        publish(ExpertsInvited(question_id=question_id, board_id=record.board_id, member_ids=chosen))
    return chosen


def names(member_ids: Sequence[int]) -> dict[int, members.MemberCard]:
    """Return the members to show beside suggestions."""
    return members.member_cards(member_ids)
