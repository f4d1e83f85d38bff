"""Where one writes: who may be mentioned, how a text will look, and the way to one comment."""

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from portal.community import queries, registry
from portal.community.queries import mentions
from portal.community.rules import thread_page_of
from portal.community.services import writing
from portal.kernel.errors import NotFound, PortalError
from portal.kernel.text import BODY_MAX, clean_line, clean_text
from portal.members.policy import Viewer, access, anyone, signed_in
from portal.members.session import current_viewer

bp = Blueprint("composing", __name__)
LEAST = 2
TYPED_MOST = 60


@bp.get("/mentions")
@access(signed_in)
def people() -> Response:
    """Offer members whose name begins so (``q``) and who may see the board (``board``)."""
    typed = clean_line(request.args.get("q", ""), field="q", least=0)
    board = _board(current_viewer())
    found = mentions.people_like(typed, audience=board.audience) if board and LEAST <= len(typed) <= TYPED_MOST else []
    return jsonify([{"id": one.id, "name": one.name, "kind": one.kind, "job": one.job} for one in found])


def _board(viewer: Viewer) -> "queries.BoardCard | None":
    """Return the board that is named by its id or its key, if the viewer may see it."""
    named = request.values.get("board", "")
    return next((one for one in queries.boards_for(viewer) if named in {one.key, str(one.id)}), None)


@bp.post("/preview")
@access(signed_in)
def preview() -> ResponseReturnValue:
    """Show how a text will look; scripts get it alone, browsers a page of it."""
    board = _board(current_viewer())
    try:
        body = clean_text(request.form.get("body", ""), field="body", most=BODY_MAX, least=0)
        html = writing.preview(body, board_id=board.id if board is not None else None)
    except PortalError as refusal:
        html = str(Markup("<p>{}</p>").format(refusal))
    if request.headers.get("HX-Request") == "true":
        return html or render_template("community/_nothing.html")
    return render_template("community/preview.html", html=html, title=request.form.get("title", ""))


@bp.get("/comments/<int:comment_id>")
@access(anyone)
def comment(comment_id: int) -> ResponseReturnValue:
    """Lead to one comment, on the page of its thread on which it stands."""
    viewer = current_viewer()
    card = registry.describe(viewer, [("comment", comment_id)]).get(("comment", comment_id))
    target = queries.comment_target(comment_id)
    if card is None or target is None:
        raise NotFound(_("There is no such comment."))
    rows = queries.comments_on(target[0], [target[1]]).get(target[1], [])
    page = thread_page_of(comment_id, {row.id: row.parent_id for row in rows})
    home, _hash, anchor = card.url.partition("#")
    return redirect(f"{home}?{page}#{anchor}" if page else card.url)
