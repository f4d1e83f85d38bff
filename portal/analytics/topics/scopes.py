"""Which boards share a model, and which has one of its own.

A large board talks of its own things and gets a model of its own; so does one for which somebody asked. The small
public boards of a community share one, because topics cross them. Closed boards take no part in that training, so
that no word of theirs can stand in a topic that others see; their posts are only read with it.
"""

from collections.abc import Collection
from dataclasses import dataclass

from portal.analytics.topics import queries
from portal.analytics.topics.rules import OWN_MODEL
from portal.community import facade as community
from portal.ideas import facade as ideas
from portal.support import facade as support


@dataclass(frozen=True, slots=True)
class Scope:
    """One model: the board whose own it is (None: shared), the boards it learns from, and those it only reads."""

    board_id: int | None
    learns: tuple[int, ...]
    reads: tuple[int, ...] = ()

    @property
    def boards(self) -> tuple[int, ...]:
        """Return all boards whose posts have these topics."""
        return self.learns + self.reads

    @property
    def subject(self) -> str:
        """Return the name under which a run of it is known."""
        return "" if self.board_id is None else str(self.board_id)


def all_scopes() -> list[Scope]:
    """Return every model there should be, the shared one first."""
    own = own_boards()
    return [shared_scope(own), *(Scope(board_id, (board_id,)) for board_id in sorted(own))]


def scope_of(board_id: int | None) -> Scope:
    """Return the scope of a board's own model, or (None) of the shared one."""
    return shared_scope(own_boards()) if board_id is None else Scope(board_id, (board_id,))


def shared_scope(own: Collection[int]) -> Scope:
    """Return the scope of the boards that have no model of their own."""
    boards = [board for board in community.every_board() if board.id not in own]
    public = tuple(board.id for board in boards if board.is_public)
    return Scope(None, public, tuple(board.id for board in boards if not board.is_public))


def own_boards() -> set[int]:
    """Return the boards that have a model of their own, or are large enough for one."""
    trained = {board_id for board_id in queries.latest_run_ids() if board_id is not None}
    return trained | {board.id for board in community.every_board() if _threads(board) >= OWN_MODEL}


def _threads(board: community.BoardCard) -> int:
    if board.type == community.BoardType.IDEAS:
        return ideas.board_figures([board.id]).ideas
    return support.board_figures([board.id])[board.id].questions
