"""An index for tests: inside one transaction the projections see nothing, so what was written is read in by hand."""

from portal.kernel.database import db
from portal.search import services
from portal.support import facade as support


def index_questions(*ids: int) -> None:
    """Read questions and their answers into the index."""
    services.index_questions(list(ids))
    services.index_answers(support.answer_ids_of(list(ids)))
    db.session.commit()


def index_ideas(*ids: int) -> None:
    """Read ideas into the index."""
    services.index_ideas(list(ids))
    db.session.commit()
