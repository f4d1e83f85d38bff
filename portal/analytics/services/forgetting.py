"""What routing forgets when texts go: the words that only they held."""

from collections import Counter
from collections.abc import Collection, Sequence

from sqlalchemy import delete, select, tuple_

from portal.analytics.models import RoutingQuestion, RoutingWord, RoutingWordHelper
from portal.analytics.routing.memory import words_of
from portal.kernel.database import db


def forget_words_of_questions(question_ids: Sequence[int], written: Collection[str]) -> None:
    """Forget questions that are still to be learned from, and words that stood in no more questions than these texts.

    A word that others asked about, too, may be forgotten once too often; it is learned again from the next question.
    """
    db.session.execute(delete(RoutingQuestion).where(RoutingQuestion.question_id.in_(question_ids)))
    said = Counter(word for text in written for word in words_of(text, text))
    if not said:
        return
    asked = select(RoutingWord.board_id, RoutingWord.word, RoutingWord.asked).where(RoutingWord.word.in_(said))
    lost = [(row.board_id, row.word) for row in db.session.execute(asked) if row.asked <= said[row.word]]
    for table in (RoutingWord, RoutingWordHelper):
        db.session.execute(delete(table).where(tuple_(table.board_id, table.word).in_(lost)))
