"""Pages on which a member sees what is held on her, says what may be done with it, takes it along, and leaves."""

from http import HTTPStatus

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.errors import Refused
from portal.kernel.retention import kept
from portal.members import queries
from portal.members import services as members
from portal.members.policy import access, anyone, role, signed_in
from portal.members.privacy import erasing, services
from portal.members.privacy.words import PURPOSES, RECORDS
from portal.members.rules import OFFERED, TERMS, TEXTS, Role
from portal.members.session import current_viewer, forget_viewer, fresh

bp = Blueprint("privacy", __name__)
PAGE = "/account/privacy"
OFFERED_WORDS = {purpose: PURPOSES[purpose] for purpose in OFFERED}


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(bp)


@bp.get("/privacy")
@access(anyone)
def notice() -> ResponseReturnValue:
    """Say to anybody what is done with members' data, and for how long."""
    return render_template("members/privacy_notice.html", kept=kept(), purposes=OFFERED_WORDS)


@bp.get("/terms")
@access(anyone)
def terms() -> ResponseReturnValue:
    """Show the terms as they are now."""
    viewer = current_viewer()
    due = not viewer.is_anonymous and services.terms_of(viewer.id) < TERMS
    return render_template("members/terms.html", version=TERMS, due=due)


@bp.post("/terms")
@access(signed_in, suspended=True)
def accept_terms() -> ResponseReturnValue:
    """Note that a member accepts the terms."""
    members.accept_terms(current_viewer().id)
    forget_viewer()
    flash(_("Thank you. The terms are accepted."))
    return redirect("/")


@bp.get(PAGE)
@access(signed_in)
def privacy() -> ResponseReturnValue:
    """Show a member what she agrees to, what is held on her and how to take it along or away."""
    mine = current_viewer().id
    return render_template(
        "members/privacy.html",
        purposes=OFFERED_WORDS,
        every_purpose=PURPOSES,
        choices=services.choices(mine),
        versions=TEXTS,
        history=services.history(mine),
        held=services.held(mine),
        words=RECORDS,
        file=services.file_of(mine),
        wish=erasing.wish_of(mine),
        kept=kept(),
    )


@bp.post(f"{PAGE}/consents")
@access(signed_in, suspended=True)
def choose() -> ResponseReturnValue:
    """Take over what a member agrees to."""
    services.choose(current_viewer().id, request.form.getlist("purpose"))
    flash(_("Saved. It holds from now on."))
    return redirect(PAGE)


@bp.get(f"{PAGE}/data/<name>")
@access(signed_in)
def data(name: str) -> ResponseReturnValue:
    """Show the records of one kind, as they are."""
    rows = services.records(current_viewer().id, name)
    if rows is None:
        abort(404)
    return render_template("members/privacy_data.html", name=name, words=RECORDS, rows=rows, most=services.MOST_ROWS)


@bp.post(f"{PAGE}/file")
@access(signed_in, suspended=True)
@fresh
def ask_for_file() -> ResponseReturnValue:
    """Have everything written into one file."""
    services.ask_for_file(current_viewer().id)
    flash(_("We are writing your file. You may leave this page."))
    return redirect(f"{PAGE}#file")


@bp.get(f"{PAGE}/file/state")
@access(signed_in)
def state_of_file() -> ResponseReturnValue:
    """Say how far the file is; a part of the page."""
    return render_template("members/_privacy_file.html", file=services.file_of(current_viewer().id))


@bp.get(f"{PAGE}/file")
@access(signed_in)
@fresh
def fetch_file() -> ResponseReturnValue:
    """Hand the file to the member, and to nobody else."""
    path = services.path_of_file(current_viewer().id)
    if path is None:
        abort(404)
    answer = send_file(path, as_attachment=True, download_name="my-data.zip", max_age=0, conditional=False)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@bp.get(f"{PAGE}/leave")
@access(signed_in)
@fresh
def leave() -> ResponseReturnValue:
    """Ask how a member wants to leave."""
    mine = current_viewer().id
    posts = sum(map(len, erasing.posts_of(mine).values()))
    return render_template(
        "members/privacy_leave.html", wish=erasing.wish_of(mine), posts=posts, days=erasing.COOLING_OFF.days
    )


@bp.post(f"{PAGE}/leave")
@access(signed_in, suspended=True)
@fresh
def ask_to_leave() -> ResponseReturnValue:
    """Take over that a member wants to be erased, once the days have passed."""
    if request.form.get("posts") not in {"keep", "remove"}:
        flash(_("Choose what becomes of what you wrote."), "error")
        return redirect(f"{PAGE}/leave")
    try:
        erasing.ask(current_viewer().id, texts=request.form["posts"] == "remove")
    except Refused as refusal:
        flash(str(refusal), "error")
        return redirect(f"{PAGE}/leave")
    flash(_("Noted. Until that day you can change your mind here."))
    return redirect(PAGE)


@bp.post(f"{PAGE}/stay")
@access(signed_in, suspended=True)
def stay() -> ResponseReturnValue:
    """Let a member change her mind."""
    erasing.call_off(current_viewer().id)
    flash(_("Good. You stay, and nothing has changed."))
    return redirect(PAGE)


@bp.route("/staff/members/<int:member_id>/erase", methods=["GET", "POST"])
@access(role(Role.ADMIN))
@fresh
def erase(member_id: int) -> ResponseReturnValue:
    """Let an admin erase a member at once, at her wish."""
    card = queries.member_card(member_id)
    wrong = ""
    if request.method == "POST":
        if request.form.get("posts") not in {"keep", "remove"} or request.form.get("name", "").strip() != card.name:
            wrong = _("Choose what becomes of the posts, and type the name as it stands above.")
        else:
            erasing.erase(member_id, texts=request.form["posts"] == "remove", actor_id=current_viewer().id)
            flash(_("Erased. Files and models follow within minutes."))
            return redirect("/staff/members")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return render_template("members/staff_erase.html", card=card, wrong=wrong, wish=erasing.wish_of(member_id)), status
