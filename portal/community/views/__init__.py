"""Follows and what can be done to a comment, wherever it stands."""

from flask import Blueprint, Flask, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.community import queries, registry, rules, services
from portal.community.screening import WAITING
from portal.community.sending import with_files
from portal.community.views import composing, drafts, exports, exposing, history, reactions, uploads
from portal.kernel.errors import Forbidden, Invalid, NotFound
from portal.members.policy import access, anyone, signed_in
from portal.members.session import current_viewer

bp = Blueprint("community", __name__)


def init_app(app: Flask) -> None:
    """Open the doors."""
    for blueprint in (bp, composing.bp, drafts.bp, exports.bp, history.bp, reactions.bp):
        app.register_blueprint(blueprint)
    uploads.init_app(app)
    exposing.init_app(app)
    app.jinja_env.globals["reactions_of"] = rules.reactions_of


@bp.get("/boards/<key>")
@access(anyone)
def board(key: str) -> ResponseReturnValue:
    """Show a board in the way of its type."""
    found = queries.board_by_key(current_viewer(), key)
    page = registry.board_page(found.type)
    if page is None:
        raise NotFound(_("There is no such board."))
    return page(found)


@bp.post("/follows/<kind>/<int:target_id>")
@access(signed_in)
def follow(kind: str, target_id: int) -> ResponseReturnValue:
    """Follow (``follow=1``) or stop following (``follow=0``); scripts get the button back, browsers the page."""
    viewer = current_viewer()
    wanted = request.form.get("follow") == "1"
    services.follow_seen(viewer, kind, target_id, wanted=wanted)
    if request.headers.get("HX-Request"):
        return render_template("community/_follow.html", kind=kind, target_id=target_id, following=wanted)
    return redirect(_place(kind, target_id))


@bp.route("/comments/<int:comment_id>/edit", methods=["GET", "POST"])
@access(signed_in)
def edit_comment(comment_id: int) -> ResponseReturnValue:
    """Change one's own comment."""
    viewer = current_viewer()
    comment = queries.comment_row(comment_id, reader=viewer.id)
    target = queries.comment_target(comment_id)
    mendable = comment is not None and (comment.seen or comment.out in WAITING)
    if comment is None or not mendable or target is None or target not in registry.describe(viewer, [target]):
        raise NotFound(_("There is no such comment."))
    if comment.author_id != viewer.id:
        raise Forbidden(_("Only its author can change a comment."))
    key, error = f"comment-{comment_id}", None
    draft = drafts.filled(viewer, key) if request.method == "GET" else None
    typed = request.form.get("body", draft.fields.get("body", comment.body) if draft is not None else comment.body)
    if request.method == "POST":
        try:
            services.edit_comment(viewer, comment_id, with_files(viewer, typed))
            drafts.sent(viewer, key)
            return redirect(_place(*target, anchor=f"comment-{comment_id}"))
        except Invalid as refusal:
            error = refusal.message
    board = registry.describe(viewer, [target])[target].board_id
    page = render_template(
        "community/edit_comment.html",
        typed=typed,
        error=error,
        back=_place(*target),
        id=comment_id,
        board=board,
        draft=draft,
    )
    return page, 422 if error else 200


@bp.post("/comments/<int:comment_id>/hide")
@access(signed_in)
def hide_comment(comment_id: int) -> ResponseReturnValue:
    """Take one's own comment out of sight, or anybody's as a moderator."""
    target = queries.comment_target(comment_id)
    if target is None or target not in registry.describe(current_viewer(), [target]):
        raise NotFound(_("There is no such comment."))
    services.withdraw_comment(current_viewer(), comment_id)
    flash(_("The comment is hidden."))
    return redirect(_place(*target, anchor="comments"))


def _place(kind: str, target_id: int, anchor: str | None = None) -> str:
    """Return the address of the page where a thing stands."""
    card = registry.describe(current_viewer(), [(kind, target_id)]).get((kind, target_id))
    home = card.url if card is not None else "/"
    return f"{home}#{anchor}" if anchor else home
