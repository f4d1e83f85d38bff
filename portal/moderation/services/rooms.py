"""Where things stand: moved to another board, or made a thing of its own."""

from typing import Any

from flask_babel import lazy_gettext as _l

from portal.community import facade as community
from portal.community.screening import Why
from portal.community.services import writing
from portal.ideas import facade as ideas
from portal.kernel.clock import now
from portal.kernel.errors import Invalid, NotFound, Refused
from portal.members import queries as members
from portal.members.policy import Viewer
from portal.moderation.rules import Verb
from portal.moderation.services import deciding, states
from portal.support import facade as support

MOVERS = {"idea": ideas.move_to_board, "question": support.move_to_board}
TYPES = {"idea": "ideas", "question": "support"}


@states.moves
def put(kind: str, thing_id: int, board_id: int) -> None:
    """Put an idea or a question on a board with all that hangs on it."""
    MOVERS[kind](thing_id, board_id)


def move(actor: Viewer, kind: str, thing_id: int, board_id: int, *, words: str = "") -> int:
    """Move an idea or a question to another board. Its address is the same; its author is told.

    :raise Invalid: when it cannot go there.
    """
    deciding.check(actor)
    thing = deciding.thing_of(actor, kind, thing_id)
    if kind not in MOVERS:
        raise Invalid(fields={"board": _l("Ideas and questions stand on boards; answers and comments go with them.")})
    try:
        place = community.board_by_id(actor, board_id)
    except NotFound as error:
        raise Invalid(fields={"board": _l("There is no such board.")}) from error
    if place.type != TYPES[kind] or place.id == thing.board_id:
        raise Invalid(fields={"board": _l("Choose another board of the same kind.")})
    undo = states.of(boards=[(kind, thing_id)])
    decision = deciding.write(actor, Verb.MOVE, thing, None, undo=undo, words=words, board=place.id)
    put(kind, thing_id, place.id)
    deciding.tell(decision, thing)
    return decision.id


def split(actor: Viewer, kind: str, thing_id: int, *, board: str, title: str, words: str = "") -> int:
    """Make an idea or a question of its own out of a comment or an answer, in its author's name and with its time.

    What it was made of stays where it is, out of sight, and comes back when the act is undone.

    :raise Invalid: when it is neither, there is no such board, or the title does not fit.
    """
    deciding.check(actor)
    thing = deciding.thing_of(actor, kind, thing_id)
    if kind not in {"comment", "answer"}:
        raise Invalid(fields={"title": _l("A comment or an answer can be made a thing of its own.")})
    if thing.why is not None:
        raise Refused(_l("Only what can be seen is split off. Let it be seen first."))
    place = community.board_by_key(actor, board)
    before = states.of(seen=[(kind, thing_id)])
    decision = deciding.write(actor, Verb.SPLIT, thing, None, undo=before, words=words)
    author = members.viewer_of(thing.author_id)
    made_kind, made_id = _make(author, place, title, thing.body)
    writing.bring_uploads(thing.body, made_kind, made_id, owner_id=thing.author_id)
    states.set_seen(kind, thing_id, Why.MOVED.value, actor=actor)
    made: list[Any] = [made_kind, made_id, Why.MOVED.value]
    decision.undo = {**decision.undo, "state": {**before, "things": [*before["things"], made]}}
    deciding.tell(decision, thing)
    return decision.id


def _make(author: Viewer, place: community.BoardCard, title: str, body: str) -> tuple[str, int]:
    """Write it in the author's name; it was seen already, so that no screen holds it."""
    at = now()
    if place.type == community.BoardType.IDEAS:
        return "idea", ideas.propose_idea(author, board=place.key, title=title, body=body, at=at)
    return "question", support.ask_question(author, board=place.key, title=title, body=body, at=at)
