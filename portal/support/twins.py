"""Two questions that are the same: one leads to the other, where the answers to both are read as one list.

The merge is a link: answers stay with the question they were given to. Those who have the problem, and who asked, count
once for the other.
"""

from collections.abc import Collection

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from portal.community import facade as community
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.support import queries
from portal.support.models import Question, QuestionTally, SameProblem


def supporters(question_id: int) -> list[int]:
    """Return who has the problem: who asked, and who said so."""
    asker = queries.asker_of(question_id)
    others = db.session.scalars(select(SameProblem.member_id).filter_by(question_id=question_id))
    return sorted({asker, *others})


def join(gone_id: int, kept_id: int) -> dict[str, list[int]]:
    """Let one question lead to another; return whose voices and whose follows were added there."""
    gone = queries.question_for_update(gone_id)
    kept = queries.question_for_update(kept_id)
    gone.merged_into_id = kept.id
    wanted = [one for one in supporters(gone_id) if one != kept.author_id]
    voices: list[int] = []
    if wanted:
        rows = [{"question_id": kept_id, "member_id": one, "at": now()} for one in wanted]
        added = insert(SameProblem).values(rows).on_conflict_do_nothing().returning(SameProblem.member_id)
        voices = sorted(db.session.scalars(added))
    before = set(community.followers_of(queries.KIND, kept_id))
    follows = [one for one in community.followers_of(queries.KIND, gone_id) if one not in before]
    for member_id in follows:
        community.follow(member_id, queries.KIND, kept_id, at=now())
    _recount(kept_id)
    return {"voices": voices, "follows": follows}


def part(gone_id: int, kept_id: int, *, voices: Collection[int], follows: Collection[int]) -> None:
    """Take the link away with what it added."""
    gone = queries.question_for_update(gone_id)
    gone.merged_into_id = None
    db.session.flush()
    take_voices(gone_id, kept_id, voices)
    for member_id in follows:
        community.unfollow(member_id, queries.KIND, kept_id)


def take_voices(_gone_id: int, kept_id: int, voices: Collection[int]) -> int:
    """Take voices that a merge added away again; return how many."""
    taken = db.session.scalars(
        delete(SameProblem)
        .where(SameProblem.question_id == kept_id, SameProblem.member_id.in_(voices))
        .returning(SameProblem.member_id)
    ).all()
    _recount(kept_id)
    return len(taken)


_COUNT = text("""
SELECT (SELECT count(*) FROM same_problem WHERE question_id = :id), count(a.id),
       count(a.id) FILTER (WHERE NOT a.by_asker)
FROM answer a WHERE a.hidden_at IS NULL
  AND a.question_id IN (SELECT id FROM question WHERE id = :id OR merged_into_id = :id)""")


def _recount(question_id: int) -> None:
    """Count voices and answers, those of merged questions too."""
    db.session.flush()
    same, answers, by_others = db.session.execute(_COUNT, {"id": question_id}).one()
    db.session.execute(
        update(QuestionTally)
        .filter_by(question_id=question_id)
        .values(same_problem=same, answers=answers, by_others=by_others)
    )


def merged_into(question_id: int) -> int | None:
    """Return what a question leads to, through several merges if need be; None when it stands for itself."""
    found = db.session.scalar(select(Question.merged_into_id).filter_by(id=question_id))
    return found if found is None else (merged_into(found) or found)
