"""Buttons: each takes the wanted state, so that two clicks are one, and answers scripts with its own fragment."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.errors import Invalid
from portal.members.policy import access, anyone, signed_in
from portal.members.session import current_viewer
from portal.support import queries, services

bp = Blueprint("support_acts", __name__)


@bp.post("/questions/<int:question_id>/same")
@access(signed_in)
def same_problem(question_id: int) -> ResponseReturnValue:
    """Say (``same=1``) or take back (``same=0``) that one has the same problem."""
    services.same_problem(question_id, current_viewer(), on=request.form.get("same") == "1")
    return same_button(question_id) if _by_script() else _back(question_id)


@bp.get("/questions/<int:question_id>/same")
@access(anyone)
def same_button(question_id: int) -> ResponseReturnValue:
    """Return the button as it stands."""
    return render_template("support/_same.html", question=queries.question_page(current_viewer(), question_id))


@bp.post("/answers/<int:answer_id>/vote")
@access(signed_in)
def vote(answer_id: int) -> ResponseReturnValue:
    """Say that an answer helped (``vote=1``), did not (``vote=-1``), or take that back (``vote=0``)."""
    value = request.form.get("vote", type=int)
    if value is None:
        raise Invalid(fields={"vote": _("Say 1, -1 or 0.")})
    services.vote_answer(answer_id, current_viewer(), value=value)
    if _by_script():
        return vote_buttons(answer_id)
    return _back(queries.answer_row(answer_id, current_viewer()).question_id, answer_id)


@bp.get("/answers/<int:answer_id>/vote")
@access(anyone)
def vote_buttons(answer_id: int) -> ResponseReturnValue:
    """Return the two buttons as they stand."""
    return render_template("support/_votes.html", answer=queries.answer_row(answer_id, current_viewer()))


@bp.post("/answers/<int:answer_id>/accept")
@access(signed_in)
def accept(answer_id: int) -> ResponseReturnValue:
    """Accept an answer (``accept=1``), or take that back (``accept=0``)."""
    viewer = current_viewer()
    if request.form.get("accept", "1") == "1":
        services.accept_answer(answer_id, viewer)
        flash(_("Accepted. Others will see that this solved it."))
    else:
        services.unaccept_answer(answer_id, viewer)
        flash(_("The acceptance is taken back."))
    return _back(queries.answer_row(answer_id, viewer).question_id, answer_id)


@bp.post("/answers/<int:answer_id>/mark")
@access(signed_in)
def mark(answer_id: int) -> ResponseReturnValue:
    """Mark an answer as verified, official or outdated (``on=1``), or take the mark back (``on=0``)."""
    viewer = current_viewer()
    services.mark_answer(answer_id, viewer, mark=request.form.get("mark", ""), on=request.form.get("on", "1") == "1")
    return _back(queries.answer_row(answer_id, viewer).question_id, answer_id)


@bp.post("/questions/<int:question_id>/hide")
@access(signed_in)
def hide_question(question_id: int) -> ResponseReturnValue:
    """Take one's own question out of sight, or anybody's as a moderator."""
    services.withdraw(current_viewer(), question_id=question_id)
    flash(_("The question is hidden."))
    return redirect(url_for("support.questions"))


@bp.post("/answers/<int:answer_id>/hide")
@access(signed_in)
def hide_answer(answer_id: int) -> ResponseReturnValue:
    """Take one's own answer out of sight, or anybody's as a moderator."""
    viewer = current_viewer()
    question_id = queries.answer_row(answer_id, viewer).question_id
    services.withdraw(viewer, answer_id=answer_id)
    flash(_("The answer is hidden."))
    return _back(question_id)


def _by_script() -> bool:
    return request.headers.get("HX-Request") == "true"


def _back(question_id: int, answer_id: int | None = None) -> ResponseReturnValue:
    anchor = f"answer-{answer_id}" if answer_id is not None else None
    return redirect(url_for("support.question", question_id=question_id, _anchor=anchor))
