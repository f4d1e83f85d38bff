"""Pages of guests: the link that confirms, becoming a member, and what waits, for staff."""

from flask import Blueprint, Flask, Response, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.errors import NotFound
from portal.members import queries
from portal.members.guests import services
from portal.members.guests.services import Act, Holder
from portal.members.people_forms import ChosenPasswordForm
from portal.members.policy import Viewer, access, anyone, role, signed_in
from portal.members.rules import Role, own_path
from portal.members.session import current_viewer, forget_viewer
from portal.members.signing import passwords
from portal.members.signing.entering import enter

bp = Blueprint("guests", __name__)
STAFF = role(Role.MODERATOR, Role.SUPPORT_AGENT, Role.BRAND_MANAGER)
WELCOME = "/guests/welcome"


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(bp)


@bp.after_request
def keep_nowhere(response: Response) -> Response:
    """Let nobody keep these pages, and tell no other site where they are."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.get("/guests/sent")
@access(anyone)
def sent() -> ResponseReturnValue:
    """Say that a mail is on its way: the same for every address."""
    back = own_path(request.args.get("next"))
    return render_template("members/guest_sent.html", back=back, days=services.DAYS)


@bp.get("/guests/confirm/<secret>")
@access(anyone)
def look(secret: str) -> ResponseReturnValue:
    """Ask whoever opens the link to press a button: programs that look through mails press none."""
    act = services.act_of(secret)
    holder = services.holder_of(act.email)
    return render_template(
        "members/guest_confirm.html", act=act, secret=secret, holder=holder, step=_step(current_viewer(), act, holder)
    )


@bp.post("/guests/confirm/<secret>")
@access(anyone)
def confirm(secret: str) -> ResponseReturnValue:
    """Let what a guest did count from now on."""
    act, viewer = services.act_of(secret), current_viewer()
    step = _step(viewer, act, services.holder_of(act.email))
    if step != "confirm":
        return redirect(f"/guests/confirm/{secret}", 303)
    done, just_now = services.confirm_act(secret)
    if done.member_id is None or not just_now or not viewer.is_anonymous or not _is_guest(act.email):
        flash(_("Confirmed. It counts from now on."))
        return redirect(own_path(done.url), 303)
    forget_viewer()
    return enter(done.member_id, way="link", next_path=f"{WELCOME}?next={done.url}")


def _is_guest(email: str) -> bool:
    holder = services.holder_of(email)
    return holder is not None and holder.is_guest


def _step(viewer: Viewer, act: Act, holder: Holder | None) -> str:
    """Return what comes next: done, old, sign_in, other (somebody else has signed in) or confirm."""
    if act.confirmed_at is not None:
        return "done"
    if not act.is_open:
        return "old"
    if not viewer.is_anonymous:
        return "confirm" if holder is not None and holder.member_id == viewer.member_id else "other"
    return "confirm" if holder is None or holder.is_guest else "sign_in"


@bp.get(WELCOME)
@access(signed_in)
def welcome() -> ResponseReturnValue:
    """Say that it counts, and offer a way to come back: a password or a passkey."""
    return _welcome(ChosenPasswordForm(formdata=None))


@bp.post(WELCOME)
@access(signed_in)
def choose() -> ResponseReturnValue:
    """Give a guest the password she chose; she stays signed in."""
    form, viewer = ChosenPasswordForm(), current_viewer()
    if not form.validate():
        return _welcome(form), 422
    password = form.password.data or ""
    if weak := passwords.why_weak(password, name=viewer.name, email=queries.email_of(viewer.id) or ""):
        form.password.errors = [str(weak)]
        return _welcome(form), 422
    services.choose_password(viewer.id, passwords.hash_password(password))
    forget_viewer()
    flash(_("Welcome. You can sign in with your address and this password from now on."))
    return enter(viewer.id, way="link", next_path=own_path(request.args.get("next")))


def _welcome(form: ChosenPasswordForm) -> str:
    viewer = current_viewer()
    return render_template(
        "members/guest_welcome.html",
        form=form,
        email=queries.email_of(viewer.id),
        back=own_path(request.args.get("next")),
        is_guest=queries.member_for_update(viewer.id).guest,
    )


@bp.get("/staff/guests")
@access(STAFF)
def waiting() -> ResponseReturnValue:
    """Show staff what guests did and have not confirmed: nobody else sees any of it."""
    return render_template(
        "members/staff_guests.html", acts=services.waiting(), count=services.count_waiting(), days=services.DAYS
    )


@bp.post("/staff/guests/<int:act_id>/throw-away")
@access(role(Role.MODERATOR))
def throw_away(act_id: int) -> ResponseReturnValue:
    """Throw away what is not to be confirmed."""
    try:
        services.throw_away(act_id, actor_id=current_viewer().id)
    except NotFound as refusal:
        flash(str(refusal), "warn")
    else:
        flash(_("Thrown away. The link in the mail opens nothing any more."))
    return redirect("/staff/guests", 303)
