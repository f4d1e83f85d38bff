"""Slow work of analytics. Each reads the world anew and replaces what it finds, so that a repeat is harmless."""

from portal.analytics.services import figures, routing
from portal.community import facade as community
from portal.kernel.jobs import job
from portal.kernel.periodic import periodic


@job(queue="heavy")
def learn_board(board_id: int) -> None:
    """Learn who answers on a board by a walk through all of it."""
    routing.learn_board(board_id)


@periodic(cron="41 2 * * *", queue="heavy")
def learn_boards() -> None:
    """Learn every board anew by night: what the days' small steps left out is in then."""
    for board in community.every_board(community.BoardType.SUPPORT):
        learn_board.once(str(board.id), board.id)


@periodic(cron="11 3 * * *", queue="heavy")
def refresh_figures() -> None:
    """Recount the daily figures from the record, and move everybody's windows on."""
    figures.recount()
    figures.refresh_all()
