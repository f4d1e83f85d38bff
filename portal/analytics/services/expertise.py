"""Working out who knows what; numpy and scipy are met inside only."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from portal.analytics.events import ExpertiseRanked
from portal.analytics.models import AnswerCourse, AnswerThanks, Expertise, QuestionCourse
from portal.analytics.topics.models import ContributionTopic
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import publish
from portal.members import facade as members
from portal.members.rules import Purpose

if TYPE_CHECKING:
    from portal.analytics.expertise import Given, Standing, TopicStandings, Word

HELPED = 0.5
"""A vote that an answer helped weighs half of an acceptance."""
OUTDONE = 0.5
TOPICS_KEPT = 2
ANSWERS_KEPT = 200
STAFF_WORD = 0
"""Stands for the company where an answer is verified or marked as outdated."""
CHUNK = 2000


def boards_to_rank() -> list[int]:
    """Return the boards on which somebody answered somebody."""
    return list(db.session.scalars(select(AnswerCourse.board_id).distinct().order_by(AnswerCourse.board_id)))


def rank_board(board_id: int, voices: Mapping[int, float]) -> dict[str, int]:
    """Rank the members on the topics of one board's questions and store it; return how much there was.

    Where nobody is trusted yet, as on a board that was just brought in, all words weigh alike for the estimate, and
    nobody has a place.
    """
    from portal.analytics.expertise import rank_topics

    topics = _topics_of_questions(board_id)
    given = list(_given(board_id, topics))
    speakers = {word.member_id for one in given for word in one.words}
    heard = {STAFF_WORD: 1.0, **voices}
    unknown = not any(heard.get(speaker, 0) > 0 for speaker in speakers)
    if unknown:
        heard |= dict.fromkeys(speakers, 1.0)
    standings = rank_topics(given, heard, _asked(board_id, topics), now())
    db.session.execute(delete(Expertise).where(Expertise.board_id == board_id))
    silent = members.who_objects({one.member_id for topic in standings for one in topic.standings}, Purpose.PROFILING)
    rows = [
        _row(board_id, topic, one, withheld=unknown)
        for topic in standings
        for one in topic.standings
        if one.member_id not in silent
    ]
    for start in range(0, len(rows), CHUNK):
        db.session.execute(insert(Expertise), rows[start : start + CHUNK])
    people = {row["member_id"] for row in rows}
    publish(ExpertiseRanked(board_id=board_id, topics=len(standings), members=len(people)))
    places = sum(row["place"] is not None for row in rows)
    return {"topics": len(standings), "members": len(people), "places": places}


def _topics_of_questions(board_id: int) -> dict[int, tuple[tuple[int, float], ...]]:
    rows = db.session.execute(
        select(ContributionTopic.contribution_id, ContributionTopic.mixture).where(
            ContributionTopic.kind == "question", ContributionTopic.board_id == board_id
        )
    )
    return {
        question_id: tuple((int(topic), float(share)) for topic, share in mixture[:TOPICS_KEPT])
        for question_id, mixture in rows
    }


def _asked(board_id: int, topics: Mapping[int, Iterable[tuple[int, float]]]) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    rows = db.session.execute(
        select(QuestionCourse.question_id, QuestionCourse.asker_id).where(QuestionCourse.board_id == board_id)
    )
    for question_id, asker in rows:
        for topic, _ in topics.get(question_id, ()):
            found[topic][asker] += 1
    return found


def _given(board_id: int, topics: Mapping[int, tuple[tuple[int, float], ...]]) -> "Iterator[Given]":
    from portal.analytics.expertise import Given

    thanks: dict[int, list[tuple[int, int]]] = defaultdict(list)
    voted = (
        select(AnswerThanks.answer_id, AnswerThanks.member_id, AnswerThanks.value)
        .join(AnswerCourse, AnswerCourse.answer_id == AnswerThanks.answer_id)
        .where(AnswerCourse.board_id == board_id)
    )
    for answer_id, voter, value in db.session.execute(voted):
        thanks[answer_id].append((voter, value))
    others = AnswerCourse.author_id != AnswerCourse.asker_id  # the same only where two accounts were joined
    here = select(AnswerCourse).where(AnswerCourse.board_id == board_id, ~AnswerCourse.hidden, others)
    solved = set(
        db.session.scalars(
            select(AnswerCourse.question_id).where(
                AnswerCourse.board_id == board_id, AnswerCourse.accepted_at.is_not(None)
            )
        )
    )
    for row in db.session.scalars(here.execution_options(yield_per=CHUNK)):
        if about := topics.get(row.question_id, ()):
            words = _words(row, thanks.get(row.answer_id, ()), solved=row.question_id in solved)
            yield Given(row.answer_id, row.author_id, row.asker_id, row.given_at, about, tuple(words))


def _words(row: AnswerCourse, thanks: Iterable[tuple[int, int]], *, solved: bool) -> "Iterator[Word]":
    """Yield what was said of an answer: by the asker, by voters, by the company."""
    from portal.analytics.expertise import Word

    if row.accepted_at is not None:
        yield Word(row.asker_id, good=True)
    elif solved:
        yield Word(row.asker_id, good=False, weight=OUTDONE)
    for voter, value in thanks:
        yield Word(voter, good=value == 1, weight=HELPED)
    if row.verified:
        yield Word(STAFF_WORD, good=True)
    if row.outdated:
        yield Word(STAFF_WORD, good=False)


def _row(board_id: int, topic: "TopicStandings", one: "Standing", *, withheld: bool) -> dict[str, Any]:
    return {
        "topic_id": topic.topic_id, "member_id": one.member_id, "board_id": board_id, "low": one.low, "mid": one.mid,
        "high": one.high, "mean": topic.mean, "answers": one.answers, "people": 0 if withheld else len(one.people),
        "days": len(one.days), "place": None if withheld else one.place, "ranked": 0 if withheld else topic.ranked,
        "answer_count_place": one.count_place, "z_score": one.z_score, "z_score_place": one.z_score_place,
        "pagerank": one.pagerank, "pagerank_place": one.pagerank_place,
        "answer_ids": one.answer_ids[-ANSWERS_KEPT:], "at": now(),
    }  # fmt: skip
