"""Boards as files, for those who work with them."""

from flask import Blueprint, Response, abort, render_template, stream_with_context
from flask.typing import ResponseReturnValue

from portal.community import exporting, queries
from portal.members.policy import access, role
from portal.members.rules import Role
from portal.members.services import audit
from portal.members.session import current_viewer

bp = Blueprint("exports", __name__)
STAFF = role(Role.MODERATOR, Role.BRAND_MANAGER)
TYPES = {"jsonl": "application/jsonl", "csv": "text/csv"}


@bp.get("/staff/exports")
@access(STAFF)
def index() -> ResponseReturnValue:
    """List the boards that the viewer may see, and what can be taken from each."""
    viewer = current_viewer()
    boards = [(board, _kinds(board.type)) for board in queries.boards_for(viewer)]
    return render_template("community/exports.html", boards=boards, formats=exporting.FORMATS)


@bp.get("/staff/exports/<key>/<kind>.<fmt>")
@access(STAFF)
def export(key: str, kind: str, fmt: str) -> ResponseReturnValue:
    """Give one kind of records of a board, as they are read."""
    board = queries.board_by_key(current_viewer(), key)
    if kind not in _kinds(board.type) or fmt not in exporting.FORMATS:
        abort(404)
    audit.note(current_viewer().id, "board.export", "board", board.id, kind=kind, format=fmt)
    answer = Response(stream_with_context(exporting.lines(kind, board.id, board.key, fmt)), mimetype=TYPES[fmt])
    answer.headers["Content-Disposition"] = f'attachment; filename="{key}-{kind}.{fmt}"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _kinds(board_type: str) -> list[str]:
    """Return what this viewer may take: who wrote is for admins alone."""
    kinds = exporting.kinds_of(board_type)
    return kinds if Role.ADMIN in current_viewer().roles else [kind for kind in kinds if kind != "members"]
