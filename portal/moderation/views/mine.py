"""What concerns a member herself: flagging, what came of it, decisions about her own things, appeals."""

from flask import Blueprint, flash, has_request_context, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.community.screening import Why, when_waiting
from portal.kernel.clock import now
from portal.kernel.errors import Invalid
from portal.members.policy import access, signed_in
from portal.members.session import current_viewer
from portal.moderation import queries, rules, things, words
from portal.moderation.services import appeals, flags, joining, suspending
from portal.moderation.views.queue import said

bp = Blueprint("moderation_mine", __name__)
UNPROCESSABLE = 422


@bp.route("/flag/<kind>/<int:thing_id>", methods=["GET", "POST"])
@access(signed_in)
def flag(kind: str, thing_id: int) -> ResponseReturnValue:
    """Say that something should be looked at."""
    viewer = current_viewer()
    thing = things.seen_by(viewer, kind, thing_id)
    errors: dict[str, object] = {}
    if request.method == "POST":
        try:
            flags.flag(
                viewer,
                kind,
                thing_id,
                reason=request.form.get("reason", ""),
                words=request.form.get("words", ""),
            )
        except Invalid as refusal:
            errors = dict(refusal.fields)
        else:
            flash(_("Thank you. A moderator looks at it, and you hear what came of it."))
            return redirect(thing.url, 303)
    page = render_template("moderation/flag.html", thing=thing, errors=errors, most=rules.FLAG_WORDS_MAX, **said())
    return page, UNPROCESSABLE if errors else 200


@bp.post("/flags/<int:flag_id>/withdraw")
@access(signed_in, suspended=True)
def withdraw(flag_id: int) -> ResponseReturnValue:
    """Take a flag back."""
    flags.withdraw(current_viewer(), flag_id)
    flash(_("You have taken your flag back."))
    return redirect("/account/moderation", 303)


@bp.get("/account/moderation")
@access(signed_in)
def account() -> ResponseReturnValue:
    """Show a member what waits, what was decided about her things, and what came of her flags."""
    viewer = current_viewer()
    return render_template(
        "moderation/account.html",
        suspension=suspending.current(viewer.id),
        suspensions=queries.suspensions_of(viewer.id),
        waiting=queries.waiting_of(viewer),
        typical=words.typical(queries.typical_wait()),
        decisions=queries.decisions_about(viewer),
        flags=queries.flags_by(viewer),
        voices=queries.voices_of(viewer),
        until=joining.opt_out_until,
        now=now,
        **said(),
    )


@bp.get("/account/decisions/<int:decision_id>")
@access(signed_in)
def decision(decision_id: int) -> ResponseReturnValue:
    """Show a member one decision about something of hers, and the way to appeal."""
    mine = queries.decision_about(current_viewer(), decision_id)
    return render_template("moderation/decision.html", mine=mine, errors={}, **_appealing(mine), **said())


@bp.post("/account/decisions/<int:decision_id>/appeal")
@access(signed_in, suspended=True)
def appeal(decision_id: int) -> ResponseReturnValue:
    """Ask another moderator to look again."""
    try:
        appeals.appeal(current_viewer(), decision_id, words=request.form.get("words", ""))
    except Invalid as refusal:
        mine = queries.decision_about(current_viewer(), decision_id)
        page = render_template(
            "moderation/decision.html", mine=mine, errors=refusal.fields, **_appealing(mine), **said()
        )
        return page, UNPROCESSABLE
    flash(_("Your appeal has arrived. Somebody who did not decide the first time looks at it."))
    return redirect(f"/account/decisions/{decision_id}", 303)


def _appealing(mine: queries.Mine) -> dict[str, object]:
    why_not = rules.why_not_appeal(
        mine.decision.verb,
        author_id=mine.decision.author_id,
        member_id=current_viewer().id,
        undone=mine.decision.undone_at is not None,
        appealed=mine.appeal is not None,
    )
    return {"may_appeal": why_not is None, "most": rules.WORDS_MAX}


@bp.post("/account/merges/<int:decision_id>")
@access(signed_in)
def opt_out(decision_id: int) -> ResponseReturnValue:
    """Take one's support out of a merge."""
    joining.opt_out(current_viewer(), decision_id)
    flash(_("Your support stays out of the merged idea."))
    return redirect("/account/moderation", 303)


@when_waiting
def say_that_it_waits(_kind: str, _thing_id: int, _board_id: int, _author_id: int, why: str) -> None:
    """Tell who has just posted that somebody looks first; programs read it in what the API answers."""
    if why == Why.HELD and has_request_context() and request.method == "POST" and "/api/" not in request.path:
        time = words.typical(queries.typical_wait())
        flash(_("Thank you. Somebody looks at it before others see it, usually within %(time)s.", time=time))
