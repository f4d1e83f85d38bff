"""What changes in the figures when two accounts are one person's, or are not after all.

Facts keep the numbers they were written with. They are folded under the number that stands for both, and folded again
for the members concerned whenever that changes: so that parting two accounts gives exactly what was there before.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from portal.analytics.models import AnswerCourse, AnswerThanks, IdeaCourse, QuestionCourse
from portal.ideas import facade as ideas
from portal.kernel.database import db
from portal.kernel.projections import FactRow
from portal.members import facade as members
from portal.members.events.people import MembersMerged, MembersUnmerged
from portal.support import facade as support

JOINED = (MembersMerged, MembersUnmerged)
_REHOME = text("""
UPDATE answer_course c SET author_id = n.author_id, asker_id = n.asker_id
FROM unnest(CAST(:ids AS bigint[]), CAST(:authors AS bigint[]), CAST(:askers AS bigint[]))
     AS n (id, author_id, asker_id)
WHERE c.answer_id = n.id AND (c.author_id, c.asker_id) IS DISTINCT FROM (n.author_id, n.asker_id)""")


def concerned(facts: Sequence[FactRow]) -> set[int]:
    """Return the members of a batch of facts who were joined or parted."""
    return {
        who for fact in facts if isinstance(fact.event, JOINED) for who in (fact.event.member_id, fact.event.gone_id)
    }


def as_one(facts: Sequence[FactRow]) -> list[FactRow]:
    """Return facts under the numbers that stand for joined accounts now."""
    merged = members.merged_members()
    return [replace(fact, event=members.as_merged(fact.event, merged)) for fact in facts] if merged else list(facts)


def boards_of(member_ids: Collection[int]) -> list[int]:
    """Return the boards on which these members have answered or asked."""
    theirs = AnswerCourse.author_id.in_(member_ids) | AnswerCourse.asker_id.in_(member_ids)
    return list(db.session.scalars(select(AnswerCourse.board_id).where(theirs).distinct()))


def rehome(member_ids: Collection[int]) -> None:
    """Say of each course and word of thanks of these members whose it is now."""
    for idea_id, author_id in ideas.ideas_by(member_ids).items():
        _set(IdeaCourse, IdeaCourse.idea_id == idea_id, author_id=author_id)
    written = support.written_by(member_ids)
    for question_id, asker_id in written.questions.items():
        _set(QuestionCourse, QuestionCourse.question_id == question_id, asker_id=asker_id)
    if written.answers:
        authors, askers = zip(*written.answers.values(), strict=True)
        bound = {"ids": list(written.answers), "authors": list(authors), "askers": list(askers)}
        db.session.execute(_REHOME, bound)
    db.session.execute(delete(AnswerThanks).where(AnswerThanks.member_id.in_(member_ids)))
    if written.verdicts:
        names = ("answer_id", "member_id", "value", "at")
        rows = [dict(zip(names, one, strict=True)) for one in written.verdicts]
        db.session.execute(insert(AnswerThanks).on_conflict_do_nothing(), rows)


def _set(table: Any, where: Any, **values: int) -> None:
    db.session.execute(update(table).where(where).values(values))
