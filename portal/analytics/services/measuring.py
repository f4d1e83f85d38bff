"""The long run that works everything out anew: trust, who knows what, who takes part."""

from typing import Any

from sqlalchemy import select

from portal.analytics.reputation.services import standing, trust
from portal.analytics.services import expertise, figures, participation
from portal.community import facade as community
from portal.kernel.database import db, rollback, transaction
from portal.kernel.progress import RUNNING, Cancelled, LongRun, Progress

KIND = "measuring"


def measure(progress: Progress, board_ids: list[int] | None = None) -> dict[str, Any]:
    """Work out trust, expertise and participation, each board in a transaction of its own; return how much there was.

    Nothing is written before it is known, so that no open transaction keeps the projections waiting.

    :param board_ids: rank on these boards only, and leave participation alone.
    """
    progress.begin("trust")
    with transaction():
        voices = trust.spread()
    report = {"trusted": sum(voice > 0 for voice in voices.values()), "topics": 0, "members": 0, "places": 0}
    for board_id in progress.over(board_ids or expertise.boards_to_rank(), "expertise"):
        with transaction():
            for name, n in expertise.rank_board(board_id, voices).items():
                report[name] += n
    if board_ids is None:
        scopes = [participation.EVERYWHERE, *(board.id for board in community.every_board())]
        for board_id in progress.over(scopes, "participation"):
            for weeks in participation.WEEKS:
                with transaction():
                    participation.work_out(board_id, weeks)
        with transaction():
            standing.look_at_everybody()
            figures.refresh_all()
    return report


def going() -> list[int]:
    """Return the runs that wait or have not ended."""
    wanted = select(LongRun.id).where(LongRun.kind == KIND, LongRun.state.in_(RUNNING)).order_by(LongRun.id)
    return list(db.session.scalars(wanted))


def measure_as(run: LongRun) -> None:
    """Measure for a run and close it with what was found, or with what went wrong."""
    progress = Progress(run.id)
    try:
        progress.finish(measure(progress))
    except Cancelled as ended:
        rollback()
        progress.fail(ended)
    except BaseException as error:
        rollback()
        progress.fail(error)
        raise
