"""Working out whose word weighs how much and who knows what; numpy and scipy are met inside only."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from portal.analytics.events import ExpertiseRanked
from portal.analytics.models import AnswerCourse, AnswerThanks, Expertise, MemberTrust, QuestionCourse
from portal.analytics.topics.models import ContributionTopic
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import publish
from portal.members.models import Member
from portal.members.rules import Kind

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


def seeds() -> set[int]:
    """Return those whose word weighs in full: staff, and members who are known contacts of the CRM."""
    known = Member.crm["contact_id"].as_string().is_not(None)
    wanted = select(Member.id).where(Member.active, (Member.kind == Kind.STAFF.value) | known)
    return set(db.session.scalars(wanted))


def boards_to_rank() -> list[int]:
    """Return the boards on which somebody answered somebody."""
    return list(db.session.scalars(select(AnswerCourse.board_id).distinct().order_by(AnswerCourse.board_id)))


def spread_trust() -> dict[int, float]:
    """Propagate trust from the seeds through who vouched for whom; store it and return how much each word weighs."""
    from portal.analytics import trust

    trusted = seeds()
    edges = [(helped, helper, weight) for helped, helper, weight in _vouchers() if helped != helper]
    members = sorted({*trusted, *(a for a, _, _ in edges), *(b for _, b, _ in edges)})
    if not members:
        db.session.execute(delete(MemberTrust))
        return {}
    place = {member: number for number, member in enumerate(members)}
    sources, targets = [place[a] for a, _, _ in edges], [place[b] for _, b, _ in edges]
    weights, start = [w for _, _, w in edges], [place[one] for one in trusted]
    ranks = trust.pagerank(sources, targets, weights, len(members), restart=start)
    plain = trust.pagerank(sources, targets, weights, len(members))
    voices, percentiles = trust.voices(ranks, start), trust.percentiles(ranks)
    _store_trust(members, ranks.tolist(), plain.tolist(), percentiles.tolist())
    return dict(zip(members, voices.tolist(), strict=True))


def _vouchers() -> Iterator[tuple[int, int, float]]:
    """Yield who vouched for whom: by accepting an answer, by saying that it helped."""
    accepted = select(AnswerCourse.asker_id, AnswerCourse.author_id).where(
        AnswerCourse.accepted_at.is_not(None), ~AnswerCourse.hidden
    )
    for asker, author in db.session.execute(accepted):
        yield asker, author, 1.0
    thanked = (
        select(AnswerThanks.member_id, AnswerCourse.author_id)
        .join(AnswerCourse, AnswerCourse.answer_id == AnswerThanks.answer_id)
        .where(AnswerThanks.value == 1, ~AnswerCourse.hidden)
    )
    for voter, author in db.session.execute(thanked):
        yield voter, author, HELPED


def _store_trust(members: list[int], ranks: list[float], plain: list[float], percentiles: list[float]) -> None:
    db.session.execute(delete(MemberTrust))
    there = set(db.session.scalars(select(Member.id).where(Member.id.in_(members))))
    rows = [
        {"member_id": member, "trust": rank, "pagerank": page, "percentile": share}
        for member, rank, page, share in zip(members, ranks, plain, percentiles, strict=True)
        if member in there
    ]
    if rows:
        db.session.execute(insert(MemberTrust), rows)


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
    rows = [_row(board_id, topic, one, withheld=unknown) for topic in standings for one in topic.standings]
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
    here = select(AnswerCourse).where(AnswerCourse.board_id == board_id, ~AnswerCourse.hidden)
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
